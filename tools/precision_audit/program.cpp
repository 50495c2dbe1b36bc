// SPDX-License-Identifier: Apache-2.0
// The first word is a command, or the first of what to audit.
#include "program.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "commands.h"
#include "did_you_mean.h"
#include "help.h"
#include "lowp/base/resources.h"
#include "lowp/base/version.h"
#include "manual.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

int say(std::string_view text) {
  const std::string error = write_stdout(text);
  if (!error.empty()) complain(error);
  return error.empty() ? exit_fine : exit_input;
}

// A word that is no file but nearly a command.
std::string command_meant(const std::string& word) {
  struct stat there {};
  if (word.starts_with('-') || word.find('/') != word.npos || lstat(word.c_str(), &there) == 0) return {};
  return did_you_mean(word, names_in(commands()));
}

int dispatch(std::vector<std::string> words) {
  const std::string first = words.front();
  if (first == "--version" || first == "-V") return say("precision-audit " + std::string(lowp::version) + "\n");
  if (first == "help" && words.size() > 1) {
    for (const Manual& manual : manuals()) {
      if (words[1] == manual.name) return say(manual.make());
    }
    words.erase(words.begin());
    words.push_back("--help");
    return dispatch(std::move(words));
  }
  if (first == "--help" || first == "-h" || first == "help") return say(help_of_program());
  if (const Command* command = find_command(commands(), first)) {
    words.erase(words.begin());
    const Command& meant = command == &commands().front() ? audit_of(words) : *command;
    return run_command(meant, "precision-audit " + std::string(meant.name), std::move(words));
  }
  if (const std::string meant = command_meant(first); !meant.empty()) {
    complain("'" + first + "' is no command and no file" + meant);
    return exit_usage;
  }
  const Command& meant = audit_of(words);
  return run_command(meant, "precision-audit " + std::string(meant.name), std::move(words));
}

}  // namespace

int run_program(const std::vector<std::string>& words) {
  lowp::end_in_words_without_resources("precision-audit", exit_input);
  try {
    if (words.empty()) {
      std::fputs(help_of_program().c_str(), stderr);
      return exit_usage;
    }
    return dispatch(words);
  } catch (const std::bad_alloc&) {
    std::fputs("precision-audit: out of memory\n", stderr);
  } catch (const std::exception& error) {
    complain(std::string("internal error: ") + error.what());
  }
  return exit_input;
}

}  // namespace lowp::tool
