// SPDX-License-Identifier: Apache-2.0
#include "completions.h"

#include <fmt/format.h>

#include <functional>
#include <string_view>
#include <vector>

#include "commands.h"

namespace lowp::tool {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// Every row of the table and of those below it, with its words: "verify", "verify gpu".
using Visit = std::function<void(const std::string& words, const Command& command)>;
void each_command(std::span<const Command> rows, const std::string& before, const Visit& visit) {
  for (const Command& row : rows) {
    const std::string words = before + std::string(row.name);
    visit(words, row);
    each_command(row.below, words + " ", visit);
  }
}

// Calls visit for each option of a command, positionals left out.
template <class Visit>
void each_option(const Command& command, Visit visit) {
  if (command.make == nullptr) return;
  const Declared declared = declared_by(command);
  for (const Option& option : declared.options->all()) {
    if (!option.is_positional()) visit(option);
  }
}

// The names of commands that have rows below them, for a pattern of `case`: "accumulate | verify".
std::string commands_with_rows() {
  std::string names;
  for (const Command& row : commands()) {
    if (!row.below.empty()) names += (names.empty() ? "" : " | ") + std::string(row.name);
  }
  return names;
}

// `text` with a backslash before each character of `special`.
std::string escaped(std::string_view text, std::string_view special) {
  std::string out;
  for (const char c : text) {
    if (special.find(c) != special.npos) out.push_back('\\');
    out.push_back(c);
  }
  return out;
}
// Inside single quotes of sh.
std::string sh_text(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out;
}

std::string bash_values() {
  std::string out;
  each_command(commands(), "", [&out](const std::string& words, const Command& command) {
    each_option(command, [&](const Option& option) {
      if (option.choices.empty() && !option.is_file) return;
      const std::string values =
          option.is_file ? std::string("compgen -f") : fmt::format("compgen -W '{}'", joined(option.choices));
      out += fmt::format("    '{} {}') COMPREPLY=($({} -- \"$word\")); return ;;\n", words, option.text.name, values);
    });
  });
  return out;
}

std::string bash_words() {
  std::string out;
  each_command(commands(), "", [&out](const std::string& words, const Command& command) {
    std::vector<std::string> options{"--help"};
    each_option(command, [&](const Option& option) { options.emplace_back(option.text.name); });
    out += fmt::format("    '{}') names='{}' options='{}' ;;\n", words, joined(names_in(command.below)), joined(options));
  });
  return out;
}

}  // namespace

std::string bash_completion() {
  const std::string names = joined(names_in(commands()));
  return fmt::format(
      R"(# bash completion of precision-audit, made by `precision-audit help bash`
_precision_audit() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" last="${{COMP_WORDS[COMP_CWORD - 1]}}" command="${{COMP_WORDS[1]}}"
  local names='' options=''
  case " {0} " in
    *" $command "*) ;;
    *) command='{1}' ;;
  esac
  case "$command" in
    {2}) [ "$COMP_CWORD" -le 2 ] || command="$command ${{COMP_WORDS[2]}}" ;;
  esac
  case "$command $last" in
{3}  esac
  case "$command" in
{4}  esac
  [ "$COMP_CWORD" -gt 1 ] || names='{0} help'
  case "$word" in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) COMPREPLY=($(compgen -W "$names" -- "$word") $(compgen -f -- "$word")) ;;
  esac
}}
complete -o filenames -F _precision_audit precision-audit
)",
      names, commands().front().name, commands_with_rows(), bash_values(), bash_words());
}

std::string zsh_completion() {
  std::string top, rows, options;
  for (const Command& row : commands()) top += fmt::format("    '{}:{}'\n", row.name, sh_text(escaped(row.what, ":")));
  each_command(commands(), "", [&](const std::string& words, const Command& command) {
    if (!command.below.empty()) {
      rows += fmt::format("  if (( CURRENT == 3 )) && [[ $words[2] == {} ]]; then\n    names=(\n", words);
      for (const Command& row : command.below)
        rows += fmt::format("      '{}:{}'\n", row.name, sh_text(escaped(row.what, ":")));
      rows += "    )\n    _describe name names\n    return\n  fi\n";
      return;
    }
    options += fmt::format("    '{}') _arguments '--help[all options]'", words);
    each_option(command, [&](const Option& option) {
      const std::string help = sh_text(escaped(option.text.help, "[]:\\"));
      options += fmt::format(" \\\n      '{}{}[{}]{}'", option.is_repeated ? "*" : "", option.text.name, help,
                             option.is_flag           ? ""
                             : option.is_file         ? ":file:_files"
                             : option.choices.empty() ? ":value: "
                                                      : fmt::format(":value:({})", joined(option.choices)));
    });
    options += " \\\n      '*:file:_files' ;;\n";
  });
  return fmt::format(
      R"(#compdef precision-audit
# zsh completion of precision-audit, made by `precision-audit help zsh`
_precision_audit() {{
  local command="$words[2]"
  local -a names
  names=(
{0}  )
  if (( CURRENT == 2 )) && [[ $command != -* ]]; then
    _describe command names
    _files
    return
  fi
{1}  (( $+names[(r)$command:*] )) || command='{2}'
  case "$command" in
    {3}) command="$command $words[3]" ;;
  esac
  case "$command" in
{4}  esac
}}
_precision_audit "$@"
)",
      top, rows, commands().front().name, commands_with_rows(), options);
}

std::string fish_completion() {
  std::string out = "# fish completion of precision-audit, made by `precision-audit help fish`\n";
  const auto line = [&out](const std::string& when, const std::string& what, std::string_view help) {
    out += fmt::format("complete -c precision-audit -n '{}' {} -d '{}'\n", when, what, escaped(help, "'\\"));
  };
  std::vector<std::string> tops = names_in(commands());
  each_command(commands(), "", [&](const std::string& words, const Command& command) {
    const std::size_t blank = words.find(' ');
    const std::string top = words.substr(0, blank), seen = "__fish_seen_subcommand_from ";
    line(blank == words.npos ? "__fish_use_subcommand" : seen + top, fmt::format("-a {}", command.name), command.what);
    std::string when = seen + top;
    if (blank != words.npos) when += "; and " + seen + words.substr(blank + 1);
    // Without a command the first one is meant.
    if (words == tops.front()) when = fmt::format("not {}{}", seen, joined({tops.begin() + 1, tops.end()}));
    each_option(command, [&](const Option& option) {
      line(when,
           fmt::format("-l {}{}", option.text.name.substr(2),
                       option.is_flag           ? ""
                       : option.is_file         ? " -rF"
                       : option.choices.empty() ? " -x"
                                                : fmt::format(" -xa '{}'", joined(option.choices))),
           option.text.help);
    });
  });
  return out;
}

}  // namespace lowp::tool
