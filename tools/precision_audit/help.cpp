// SPDX-License-Identifier: Apache-2.0
#include "help.h"

#include <fmt/format.h>

#include <algorithm>

#include "commands.h"
#include "lowp/report/lines.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

constexpr std::size_t widest_name = 26, widest_text = 110;
constexpr std::string_view exit_codes =
    "Exit codes: 0 fine, 1 a finding (--fail-on, a failed verification), 2 usage, 3 input.\n";

// "  NAME  text", the text wrapped beside the names or below a long one.
std::string entry(std::string_view name, std::string_view text, std::size_t column, std::size_t width) {
  std::string out = fmt::format("  {}", name);
  if (out.size() + 2 > column) {
    out += '\n';
    out.append(column, ' ');
  } else {
    out.resize(column, ' ');
  }
  const std::vector<std::string> lines = wrapped(text, column, column, std::max(width, column + 20));
  out += lines.front().substr(column);
  for (std::size_t i = 1; i < lines.size(); ++i) out += "\n" + lines[i];
  return out + "\n";
}

std::size_t help_width() {
  return std::min(static_cast<std::size_t>(stdout_style().width), widest_text);
}

std::string list_of(std::span<const Command> rows, std::size_t width) {
  std::size_t column = 0;
  for (const Command& row : rows) column = std::max(column, row.name.size() + 4);
  std::string text;
  for (const Command& row : rows) text += entry(row.name, row.what, column, width);
  return text;
}

// Titles in the order in which they first appear.
std::vector<std::string> groups_of(const Options& options) {
  std::vector<std::string> groups;
  for (const Option& option : options.all()) {
    if (!option.is_positional() && std::ranges::find(groups, option.group) == groups.end())
      groups.push_back(option.group);
  }
  return groups;
}

std::string options_text(const Options& options, std::size_t width) {
  std::size_t column = 0;
  for (const Option& option : options.all()) {
    const std::size_t needed = spelling(option).size() + 4;
    if (needed <= widest_name + 4) column = std::max(column, needed);
  }
  const auto line = [&](const Option& option) { return entry(spelling(option), explanation(option), column, width); };
  std::string text;
  for (const Option& option : options.all()) {
    if (option.is_positional()) text += line(option);
  }
  for (const std::string& group : groups_of(options)) {
    text += fmt::format("{}{}:\n", text.empty() ? "" : "\n", group.empty() ? "Options" : group);
    for (const Option& option : options.all()) {
      if (!option.is_positional() && option.group == group) text += line(option);
    }
  }
  return text;
}

std::string footer_text(std::string_view footer, std::size_t width) {
  std::string out;
  while (!footer.empty()) {
    const std::size_t end = std::min(footer.find('\n'), footer.size());
    for (const std::string& line : wrapped(footer.substr(0, end), 0, 2, width)) out += line + "\n";
    footer.remove_prefix(std::min(end + 1, footer.size()));
  }
  return out;
}

}  // namespace

std::string spelling(const Option& option) {
  std::string text(option.text.name);
  if (option.is_positional()) return text + (option.is_repeated ? "..." : "");
  if (option.text.letter != 0) text = fmt::format("-{}, {}", option.text.letter, text);
  if (option.is_flag) return text;
  std::string value = option.text.value;
  if (value.empty()) value = option.choices.empty() ? "VALUE" : "NAME";
  return fmt::format("{} {}{}", text, value, option.is_list ? ",..." : "");
}

std::string explanation(const Option& option) {
  std::string text = option.text.help;
  if (!option.choices.empty()) text += (text.empty() ? "" : ": ") + listed(option.choices);
  if (!option.text.initial.empty()) text += fmt::format(" [{}]", option.text.initial);
  return text;
}

std::string usage_line(std::string_view path, const Options& options) {
  std::string line(path);
  for (const Option& option : options.all()) {
    if (!option.is_positional()) continue;
    line += option.text.required ? " " + spelling(option) : fmt::format(" [{}]", spelling(option));
  }
  return line + " [OPTION]...";
}

std::string help_of(const Command& command, std::string_view path) {
  const std::size_t width = help_width();
  if (!command.below.empty()) {
    return fmt::format("{}: {}\n\n  {} {} ...   --help after a name tells its options\n\nNames:\n{}\n{}", path,
                       command.what, path, command.first_is_default ? "[NAME]" : "NAME", list_of(command.below, width),
                       exit_codes);
  }
  const Declared declared = declared_by(command);
  return fmt::format("{}: {}\n\n  {}\n\n{}\n{}{}", path, command.what, usage_line(path, *declared.options),
                     options_text(*declared.options, width), footer_text(declared.options->footer(), width),
                     exit_codes);
}

std::string help_of_program() {
  return fmt::format(
      "precision-audit: what will this number format do to my gradients, and which loss scale should I start with?\n"
      "\n"
      "  precision-audit PATH...          audit a dump of gradients: a file, a directory, several steps\n"
      "  precision-audit COMMAND --help   all about one command\n"
      "  precision-audit help man         the manual; also bash, zsh or fish: completions of that shell\n"
      "\n"
      "Commands:\n{}"
      "\n"
      "Examples:\n"
      "  precision-audit grads/                              answer in the terminal\n"
      "  precision-audit grads/ --plot underflow.svg         and as a picture\n"
      "  precision-audit grads/ --by tensor --output json    everything, for programs\n"
      "  precision-audit grads/ --fail-on 'flushed_of_nonzero>0.01@fp16:2^16'   exit 1 if more than 1 % is lost\n"
      "\n{}",
      list_of(commands(), help_width()), exit_codes);
}

}  // namespace lowp::tool
