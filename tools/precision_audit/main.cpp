// SPDX-License-Identifier: Apache-2.0
// The table of subcommands, and nothing else.
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "commands.h"

namespace {

using namespace lowp::tool;

struct Command {
  std::string_view name;
  int (*run)(int argc, char** argv);
  std::string_view what;
};

constexpr Command commands[] = {
    {"audit", cmd_audit, "what each format loses at each loss scale, and which scale to start with (the default)"},
    {"cast", cmd_cast, "what one number becomes in a format, bit by bit, and why"},
    {"formats", cmd_formats, "what each number format can hold"},
    {"accumulate", run_accumulate_command, "what sums, dot products and weight updates lose, and in which format"},
    {"monitor", cmd_monitor, "what a training log says about its loss scaler, and from which step"},
    {"verify", run_verify_command, "the emulation against exact arithmetic and recorded hardware results"},
};

void print_usage(std::FILE* out) {
  std::fputs(
      "precision-audit: what will this number format do to my gradients, and which loss scale should I start with?\n"
      "\n"
      "  precision-audit PATH...          audit a dump of gradients: a file, a directory, several steps\n"
      "  precision-audit COMMAND --help   all about one command\n"
      "\n"
      "Commands:\n",
      out);
  for (const Command& command : commands) {
    std::fprintf(out, "  %-10.*s %.*s\n", static_cast<int>(command.name.size()), command.name.data(),
                 static_cast<int>(command.what.size()), command.what.data());
  }
  std::fputs(
      "\n"
      "Examples:\n"
      "  precision-audit grads/                              answer in the terminal\n"
      "  precision-audit grads/ --plot underflow.svg         and as a picture\n"
      "  precision-audit grads/ --by tensor --output json    everything, for programs\n"
      "  precision-audit grads/ --fail-on 'flushed_of_nonzero>0.01@fp16:2^16'   exit 1 if more than 1 % is lost\n"
      "\n"
      "Exit codes: 0 fine, 1 a --fail-on condition holds, 2 usage, 3 input.\n",
      out);
}

// The command that argv asks for, and how many leading words name it; a word that is no command is a path to audit.
int dispatch(int argc, char** argv) {
  const std::string_view word = argv[1];
  if (word == "--help" || word == "-h" || word == "help") {
    print_usage(stdout);
    return exit_fine;
  }
  if (word == "--version") {
    std::printf("precision-audit %.*s\n", static_cast<int>(version.size()), version.data());
    return exit_fine;
  }
  for (const Command& command : commands) {
    if (word != command.name) continue;
    std::string name = "precision-audit " + std::string(word);
    std::vector<char*> rest{name.data()};
    rest.insert(rest.end(), argv + 2, argv + argc);
    rest.push_back(nullptr);
    return command.run(argc - 1, rest.data());
  }
  std::string name = "precision-audit audit";
  argv[0] = name.data();
  return cmd_audit(argc, argv);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    print_usage(stderr);
    return exit_usage;
  }
  try {
    return dispatch(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("precision-audit: out of memory\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "precision-audit: internal error: %s\n", error.what());
  }
  return exit_input;
}
