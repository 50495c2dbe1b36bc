// SPDX-License-Identifier: Apache-2.0
// Options of a command, each declared once: help, man page, completions, refusals and defaults follow from it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/base/result.h"

namespace lowp::tool {

// What a person reads about an option or a positional argument ("PATH": any name without dashes).
struct OptionText {
  std::string_view name;          // "--scales"
  std::string value = {};         // what stands for its value in help: "LOW:HIGH"
  std::string help;
  std::string initial = {};       // the default, as a word; empty: none
  char letter = 0;                // 'o' for -o
  bool required = false;
};

// An option as it was declared. `take` gets the value as it was typed and puts it where it belongs.
struct Option {
  OptionText text;
  std::string group;
  std::vector<std::string> choices;  // where values are rows of a table
  bool is_flag = false, is_list = false, is_repeated = false, is_file = false;
  std::function<std::optional<Error>(std::string_view)> take;
  int words = 1;  // values each time it is given: `--diff A B` takes two
  bool given = false;

  bool is_positional() const { return !text.name.starts_with('-'); }
};

// Whether two words are the same but for capital letters and '-' for '_'.
bool same_word(std::string_view a, std::string_view b);

// A value from the rows of a table: each has a `name`, perhaps an `alias`; `value` makes the value of a row.
template <class T>
struct OneOf {
  std::vector<std::string> names;
  std::function<std::optional<T>(std::string_view)> find;
  std::string_view kind = "one of";  // in refusals: "wanted one of A, B"
};
template <class T, class Rows, class Value>
OneOf<T> one_of(const Rows& rows, Value value) {
  const std::span all(rows);  // of rows that stay
  OneOf<T> choice;
  for (const auto& row : all) choice.names.emplace_back(row.name);
  choice.find = [all, value](std::string_view word) -> std::optional<T> {
    for (const auto& row : all) {
      bool same = same_word(word, row.name);
      if constexpr (requires { row.alias; }) same |= same_word(word, row.alias);
      if (same) return T(std::invoke(value, row));
    }
    return {};
  };
  return choice;
}

// "A, B, C"; of very many the first few and their number.
std::string listed(const std::vector<std::string>& names);
// A whole sentence as an Error.
Error fault(std::string text);
// "wanted one of A, B, found 'C'; did you mean 'B'?"
Error unknown_word(std::string_view word, const std::vector<std::string>& known, std::string_view kind = "one of");

// The options of one command. Targets must outlive the parse; a target without `initial` stays as it is.
class Options {
 public:
  void group(std::string_view title) { group_ = title; }  // of what is declared after it

  Option& flag(OptionText text, bool& target);

  // `convert` turns a word into Result<T>. The default takes the same way.
  template <class T, class Convert>
  Option& value(OptionText text, T& target, Convert convert) {
    return add(std::move(text), [&target, convert](std::string_view word) -> std::optional<Error> {
      auto result = convert(word);
      if (!result) return result.error();
      target = std::move(*result);
      return {};
    });
  }
  // May be given several times, with one value each; as a positional: all words that are left.
  template <class T, class Convert>
  Option& repeated(OptionText text, std::vector<T>& target, Convert convert) {
    Option& option = add(std::move(text), [&target, convert](std::string_view word) -> std::optional<Error> {
      auto result = convert(word);
      if (!result) return result.error();
      target.push_back(std::move(*result));
      return {};
    });
    option.is_repeated = true;
    return option;
  }
  // Values with commas between, each once where values can be compared.
  template <class T, class Convert>
  Option& list(OptionText text, std::vector<T>& target, Convert convert) {
    Option& option = add(std::move(text), [&target, convert](std::string_view words) -> std::optional<Error> {
      target.clear();
      for (const std::string& word : split_list(words)) {
        auto result = convert(std::string_view(word));
        if (!result) return result.error();
        if constexpr (requires { target.front() == *result; }) {
          if (std::ranges::find(target, *result) != target.end()) return listed_twice(word);
        }
        target.push_back(std::move(*result));
      }
      return {};
    });
    option.is_list = true;
    return option;
  }
  template <class T>
  Option& choice(OptionText text, T& target, const OneOf<T>& among) {
    Option& option = value(std::move(text), target, converter(among));
    option.choices = among.names;
    return option;
  }
  template <class T>
  Option& choices(OptionText text, std::vector<T>& target, const OneOf<T>& among) {
    Option& option = list(std::move(text), target, converter(among));
    option.choices = among.names;
    return option;
  }

  // A choice of exactly `count` words: --diff A B.
  template <class T>
  Option& several(OptionText text, int count, std::vector<T>& target, const OneOf<T>& among) {
    Option& option = repeated(std::move(text), target, converter(among));
    option.is_repeated = false;
    option.words = count;
    option.choices = among.names;
    return option;
  }

  // Gives every word to its option, then the defaults to options that were not given. The first fault, in one line.
  std::optional<Error> parse(const std::vector<std::string>& words);
  bool wants_help() const { return wants_help_; }
  bool given(std::string_view name) const;
  void provide(std::string_view name);  // its value is there already: nothing asks for it

  const std::deque<Option>& all() const { return options_; }
  std::string& footer() { return footer_; }  // after the options in help
  const std::string& footer() const { return footer_; }

 private:
  std::deque<Option> options_;
  std::string group_, footer_;
  bool wants_help_ = false;

  template <class T>
  static auto converter(const OneOf<T>& among) {
    return [among](std::string_view word) -> Result<T> {
      if (auto found = among.find(word)) return std::move(*found);
      return unknown_word(word, among.names, among.kind);
    };
  }
  static std::vector<std::string> split_list(std::string_view words);  // without blanks around the words
  static Error listed_twice(std::string_view word);

  Option& add(OptionText text, std::function<std::optional<Error>(std::string_view)> take);
  Option* find(std::string_view name);
  std::optional<Error> unknown_option(std::string_view name) const;
  std::optional<Error> take_long(const std::vector<std::string>& words, std::size_t& at);
  std::optional<Error> take_letter(const std::vector<std::string>& words, std::size_t& at);
  std::optional<Error> take_positional(const std::string& word, std::size_t& next);
  std::optional<Error> take_defaults();
};

}  // namespace lowp::tool
