// SPDX-License-Identifier: Apache-2.0
#include "options.h"

#include <fmt/format.h>

#include "did_you_mean.h"

namespace lowp::tool {
namespace {

char plain(char c) {
  return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// "-1.5" and "-.5" are numbers, not letters.
bool is_negative_number(std::string_view word) {
  return word.size() > 1 && ((word[1] >= '0' && word[1] <= '9') || word[1] == '.');
}

}  // namespace

std::string listed(const std::vector<std::string>& names) {
  constexpr std::size_t most = 40, shown = 8;
  std::string text;
  for (std::size_t i = 0; i < (names.size() > most ? shown : names.size()); ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > most ? fmt::format("{}, ... ({} in all)", text, names.size()) : text;
}

Error fault(std::string text) {
  return {std::move(text), std::nullopt, "", ""};
}

bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return plain(x) == plain(y); });
}

Error unknown_word(std::string_view word, const std::vector<std::string>& known, std::string_view kind) {
  return {"", std::nullopt, fmt::format("{} {}", kind, listed(known)), fmt::format("'{}'{}", word, did_you_mean(word, known))};
}

Option& Options::flag(OptionText text, bool& target) {
  Option& option = add(std::move(text), [&target](std::string_view) -> std::optional<Error> {
    target = true;
    return {};
  });
  option.is_flag = true;
  return option;
}

Option& Options::add(OptionText text, std::function<std::optional<Error>(std::string_view)> take) {
  Option& option = options_.emplace_back();
  option.text = std::move(text);
  option.group = group_;
  option.take = std::move(take);
  return option;
}

std::vector<std::string> Options::split_list(std::string_view words) {
  std::vector<std::string> list;
  while (true) {
    const std::size_t end = std::min(words.find(','), words.size());
    std::string_view word = words.substr(0, end);
    while (word.starts_with(' ')) word.remove_prefix(1);
    while (word.ends_with(' ')) word.remove_suffix(1);
    list.emplace_back(word);
    if (end == words.size()) return list;
    words.remove_prefix(end + 1);
  }
}

Error Options::listed_twice(std::string_view word) {
  return {"", std::nullopt, "each once", fmt::format("'{}' twice", word)};
}

Option* Options::find(std::string_view name) {
  for (Option& option : options_) {
    if (option.text.name == name) return &option;
  }
  return nullptr;
}

bool Options::given(std::string_view name) const {
  return std::ranges::any_of(options_, [&](const Option& option) { return option.text.name == name && option.given; });
}

void Options::provide(std::string_view name) {
  if (Option* option = find(name)) option->given = true;
}

std::optional<Error> Options::unknown_option(std::string_view name) const {
  std::vector<std::string> known{"--help"};
  for (const Option& option : options_) {
    if (!option.is_positional()) known.emplace_back(option.text.name);
  }
  return fault(fmt::format("unknown option {}{}", name, did_you_mean(name, known)));
}

// --name, --name=VALUE, --name VALUE. A value that looks like an option needs the form with '='.
std::optional<Error> Options::take_long(const std::vector<std::string>& words, std::size_t& at) {
  const std::string_view word = words[at];
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  if (name == "--help") {
    wants_help_ = true;
    return {};
  }
  Option* option = find(name);
  if (option == nullptr) return unknown_option(name);
  if (option->is_flag && equals != word.npos) return fault(fmt::format("{} takes no value", name));
  if (option->given && !option->is_repeated && !option->is_flag) return fault(fmt::format("{} is given twice", name));
  option->given = true;
  if (option->is_flag) return option->take("");
  for (int i = 0; i < option->words; ++i) {
    const bool attached = i == 0 && equals != word.npos;
    if (attached && equals + 1 == word.size()) return fault(fmt::format("{}= has no value", name));
    if (!attached && (at + 1 == words.size() || words[at + 1].empty() || words[at + 1].starts_with("--")))
      return fault(fmt::format("{} has no value", name));
    if (auto wrong = option->take(attached ? word.substr(equals + 1) : std::string_view(words[++at]))) {
      wrong->file = name;
      return wrong;
    }
  }
  return {};
}

// -o VALUE, -oVALUE.
std::optional<Error> Options::take_letter(const std::vector<std::string>& words, std::size_t& at) {
  const std::string& word = words[at];
  if (word == "-h") {
    wants_help_ = true;
    return {};
  }
  const auto option = std::ranges::find_if(options_, [&](const Option& o) { return o.text.letter == word[1]; });
  if (option == options_.end()) return unknown_option(word);
  if (option->is_flag && word.size() > 2) return unknown_option(word);
  std::vector<std::string> long_words{std::string(option->text.name)};
  if (word.size() > 2) {
    long_words.front() += "=" + word.substr(2);
  } else if (!option->is_flag && at + 1 < words.size()) {
    long_words.push_back(words[++at]);
  }
  std::size_t first = 0;
  return take_long(long_words, first);
}

std::optional<Error> Options::take_positional(const std::string& word, std::size_t& next) {
  std::size_t number = 0;
  for (Option& option : options_) {
    if (!option.is_positional() || number++ < next) continue;
    if (!option.is_repeated) ++next;
    option.given = true;
    auto wrong = word.empty() ? Error{"", std::nullopt, "a word", "nothing"} : option.take(word);
    if (wrong) wrong->file = option.text.name;
    return wrong;
  }
  return fault(fmt::format("'{}' is one word too many", word));
}

std::optional<Error> Options::take_defaults() {
  for (Option& option : options_) {
    if (option.given) continue;
    if (option.text.required)
      return fault(option.is_positional() ? fmt::format("no {} given", option.text.name)
                                          : fmt::format("{} is missing", option.text.name));
    if (option.text.initial.empty()) continue;
    auto wrong = option.take(option.text.initial);
    if (wrong) wrong->file = option.text.name;
    if (wrong) return wrong;
  }
  return {};
}

std::optional<Error> Options::parse(const std::vector<std::string>& words) {
  bool only_positionals = false;
  std::size_t next = 0;
  for (std::size_t at = 0; at < words.size() && !wants_help_; ++at) {
    const std::string& word = words[at];
    std::optional<Error> wrong;
    if (only_positionals || word.size() < 2 || word[0] != '-' || is_negative_number(word)) {
      wrong = take_positional(word, next);
    } else if (word == "--") {
      only_positionals = true;
    } else {
      wrong = word[1] == '-' ? take_long(words, at) : take_letter(words, at);
    }
    if (wrong) {
      // Help is an answer even beside a mistake.
      wants_help_ = std::ranges::any_of(words, [](const std::string& w) { return w == "--help"; });
      return wants_help_ ? std::nullopt : wrong;
    }
  }
  return wants_help_ ? std::nullopt : take_defaults();
}

}  // namespace lowp::tool
