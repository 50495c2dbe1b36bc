// SPDX-License-Identifier: Apache-2.0
#include "manual.h"

#include <fmt/format.h>

#include <vector>

#include "commands.h"
#include "completions.h"
#include "help.h"
#include "lowp/base/version.h"

namespace lowp::tool {
namespace {

// Text for roff: backslashes and hyphens stand for themselves, and no line begins with a control character.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
      out.push_back(c);
    }
  }
  return out;
}

// "What a row says."
std::string sentence(std::string_view what) {
  std::string text(what);
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

std::string options_of(const Command& command) {
  const Declared declared = declared_by(command);
  std::string out;
  for (const Option& option : declared.options->all()) {
    out += fmt::format(".TP\n.B {}\n{}\n", roff(spelling(option)), roff(explanation(option)));
  }
  return out;
}

std::string section(const Command& command, const std::string& path) {
  std::string out;
  for (const Command& row : command.below) out += section(row, path + " " + std::string(row.name));
  if (!command.below.empty()) return out;
  const Declared declared = declared_by(command);
  return fmt::format(".SS {}\n{}\n.PP\n.nf\n{}\n.fi\n{}", roff(path), roff(sentence(command.what)),
                     roff(usage_line(path, *declared.options)), options_of(command));
}

std::string man_page() {
  std::string out = fmt::format(
      ".TH PRECISION\\-AUDIT 1 \"\" \"precision\\-audit {}\" \"User Commands\"\n"
      ".SH NAME\nprecision\\-audit \\- what a number format does to gradients, and which loss scale to start with\n"
      ".SH SYNOPSIS\n.B precision\\-audit\nPATH...\n.br\n.B precision\\-audit\nCOMMAND [OPTION]...\n"
      ".SH DESCRIPTION\nWithout a command PATH... is audited. Results go to standard output, everything else to "
      "standard error.\n.SH COMMANDS\n",
      version);
  for (const Command& row : commands()) out += section(row, "precision-audit " + std::string(row.name));
  return out + ".SH EXIT STATUS\n.TP\n.B 0\nfine\n.TP\n.B 1\na finding: a \\-\\-fail\\-on condition holds, a "
               "verification failed\n.TP\n.B 2\nusage\n.TP\n.B 3\ninput: a file cannot be read or written\n";
}

constexpr Manual manual_rows[] = {
    {"man", man_page}, {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};

}  // namespace

std::span<const Manual> manuals() {
  return manual_rows;
}

}  // namespace lowp::tool
