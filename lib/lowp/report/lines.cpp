// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/lines.h"

#include <algorithm>
#include <cmath>

#include "lowp/report/escape.h"

namespace lowp {
namespace {

// End of the word that begins at `begin`; a number and its percent sign ("57.2 %") are one word.
std::size_t end_of_word(std::string_view text, std::size_t begin) {
  std::size_t end = std::min(text.find(' ', begin), text.size());
  const bool after_digit = end > begin && text[end - 1] >= '0' && text[end - 1] <= '9';
  if (after_digit && text.substr(end, 2) == " %") end = std::min(text.find(' ', end + 1), text.size());
  return end;
}

// The longest beginning of `text` that needs at most `columns`; those are taken off `columns`.
std::string_view beginning_within(std::string_view text, std::size_t& columns) {
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view after = rest;
    const auto needed = static_cast<std::size_t>(columns_of(take_code_point(after)));
    if (needed > columns) break;
    columns -= needed;
    rest = after;
  }
  return text.substr(0, text.size() - rest.size());
}

}  // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t first_indent, std::size_t indent,
                                 std::size_t width) {
  std::vector<std::string> lines;
  std::string line(first_indent, ' ');
  std::size_t columns = first_indent;
  bool has_word = false;
  while (!text.empty()) {
    const std::size_t word_begin = std::min(text.find_first_not_of(' '), text.size());
    const std::size_t word_end = end_of_word(text, word_begin);
    std::string_view word = text.substr(word_begin, word_end - word_begin);
    std::size_t word_columns = display_columns(word);
    if (has_word && columns + word_begin + word_columns > width) {
      lines.push_back(std::move(line));
      line.assign(indent, ' ');
      columns = indent;
    } else {
      line.append(word_begin, ' ');
      columns += word_begin;
    }
    while (columns + word_columns > width) {
      std::size_t left = width - std::min(width, columns);
      const std::size_t room = left;
      const std::string_view part = beginning_within(word, left);
      if (part.empty()) break;
      line += part;
      word.remove_prefix(part.size());
      word_columns -= room - left;
      lines.push_back(std::move(line));
      line.assign(indent, ' ');
      columns = indent;
    }
    line += word;
    columns += word_columns;
    has_word = true;
    text.remove_prefix(word_end);
  }
  lines.push_back(std::move(line));
  return lines;
}

std::string spark_text(const std::vector<double>& shares, std::size_t columns, bool unicode) {
  static constexpr const char* bars[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr const char* ramp[] = {" ", ".", ":", "-", "=", "+", "*", "#"};
  const int highest = unicode ? 8 : 7;
  std::string out;
  const std::size_t count = std::min(columns, shares.size());
  for (std::size_t i = 0; i < count; ++i) {
    // A bar of several values shows the largest, so that no loss disappears.
    const auto begin = shares.begin() + static_cast<std::ptrdiff_t>(i * shares.size() / count);
    const auto end = shares.begin() + static_cast<std::ptrdiff_t>((i + 1) * shares.size() / count);
    double share = 0;
    for (auto it = begin; it != end; ++it) share = std::max(share, *it);
    const int step =
        share > 0 ? std::clamp(static_cast<int>(std::ceil(std::min(share, 1.0) * highest)), 1, highest) : 0;
    out += unicode ? bars[step] : ramp[step];
  }
  return out;
}

}  // namespace lowp
