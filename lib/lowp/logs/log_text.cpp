// SPDX-License-Identifier: Apache-2.0
#include "lowp/logs/log_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace lowp {
namespace {

constexpr std::string_view blanks = " \t\r\n\v\f";

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

std::string_view without_leading(std::string_view text, std::string_view characters) {
  const std::size_t begin = text.find_first_not_of(characters);
  return begin == std::string_view::npos ? std::string_view{} : text.substr(begin);
}

// "Train/Samples/Loss-Scale" is train_samples_loss_scale.
std::string plain_name(std::string_view name) {
  std::string plain;
  for (const char c : name.substr(0, 128)) {
    const bool upper = c >= 'A' && c <= 'Z';
    plain += upper ? static_cast<char>(c - 'A' + 'a') : is_word(c) ? c : '_';
  }
  return plain;
}

template <std::size_t n>
bool ends_in_one_of(std::string_view name, const std::string_view (&endings)[n]) {
  return std::ranges::any_of(endings, [&](std::string_view ending) {
    return name.ends_with(ending) && (name.size() == ending.size() || name[name.size() - ending.size() - 1] == '_');
  });
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::optional<double> leading_number(std::string_view text) {
  text = without_leading(text, " \t\"'");
  const bool negative = text.starts_with('-');
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) value = HUGE_VAL;
  if (error == std::errc::invalid_argument) return {};
  if (!std::isfinite(value) && end != text.data() + text.size() && is_word(*end)) return {};  // "information"
  return negative ? -value : value;
}

std::optional<double> number_after(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    std::string_view rest = without_leading(text.substr(at + key.size()), " \t\"'");
    if (rest.starts_with(':') || rest.starts_with('=')) rest.remove_prefix(1);
    if (const auto number = leading_number(rest)) return number;
  }
  return {};
}

std::optional<std::int64_t> as_integer(std::optional<double> number) {
  if (!number || !(std::fabs(*number) <= 9.0e15) || *number != std::floor(*number)) return {};
  return static_cast<std::int64_t>(*number);
}

std::optional<std::int64_t> integer_after(std::string_view text, std::string_view key) {
  return as_integer(number_after(text, key));
}

std::optional<double> as_scale(std::optional<double> number) {
  if (!number || !(*number > 0) || std::isinf(*number)) return {};
  return number;
}

void each_pair(std::string_view text, const std::function<void(std::string_view, std::string_view)>& each) {
  for (std::size_t at = text.find_first_of("\"'"); at != std::string_view::npos; at = text.find_first_of("\"'", at)) {
    const char quote = text[at];
    const std::size_t end = text.find(quote, at + 1);
    if (end == std::string_view::npos) return;
    const std::string_view key = text.substr(at + 1, end - at - 1);
    std::string_view rest = without_leading(text.substr(end + 1), " \t");
    at = end + 1;
    if (!rest.starts_with(':')) continue;
    rest = without_leading(rest.substr(1), " \t");
    std::size_t length = 0;
    if (rest.starts_with('"') || rest.starts_with('\'')) {
      length = rest.find(rest.front(), 1);
      if (length == std::string_view::npos) return;
      each(key, rest.substr(1, length - 1));
      ++length;
    } else if (!rest.starts_with('{') && !rest.starts_with('[')) {
      length = std::min(rest.find_first_of(",}]"), rest.size());
      each(key, trimmed(rest.substr(0, length)));
    }
    at = static_cast<std::size_t>(rest.data() - text.data()) + length;
  }
}

bool names_loss_scale(std::string_view name) {
  static constexpr std::string_view endings[] = {"loss_scale", "lossscale", "loss_scaling", "loss_scaler",
                                                 "grad_scale", "amp_scale", "scaler_scale", "gradscaler_scale"};
  const std::string plain = plain_name(name);
  return plain == "scale" || ends_in_one_of(plain, endings);
}

bool names_step(std::string_view name) {
  static constexpr std::string_view names[] = {"step",         "_step",     "global_step", "trainer_global_step",
                                               "global_steps", "iteration", "iter",        "current_step",
                                               "num_updates"};
  return std::ranges::find(names, plain_name(name)) != std::end(names);
}

bool names_loss_or_norm(std::string_view name) {
  static constexpr std::string_view endings[] = {"loss", "grad_norm", "gnorm", "gradient_norm", "total_norm"};
  return ends_in_one_of(plain_name(name), endings);
}

}  // namespace lowp
