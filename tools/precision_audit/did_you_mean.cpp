// SPDX-License-Identifier: Apache-2.0
#include "did_you_mean.h"

#include <fmt/format.h>

#include <algorithm>

namespace lowp::tool {
namespace {

std::string lower(std::string_view text) {
  std::string word(text);
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_') c = '-';
  }
  return word;
}

}  // namespace

std::size_t word_distance(std::string_view first, std::string_view second) {
  const std::string a = lower(first), b = lower(second);
  // Rows of the table of distances between beginnings: of a less two letters, less one, and this one.
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::optional<std::string> nearest_word(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t longest = 64;  // no option or name is longer
  if (word.empty() || word.size() > longest) return {};
  const std::string* nearest = nullptr;
  std::size_t least = std::max<std::size_t>(1, (word.size() + 1) / 3) + 1;
  for (const std::string& name : known) {
    const std::size_t steps = word_distance(word, name);
    if (steps >= least || steps >= name.size()) continue;
    least = steps;
    nearest = &name;
  }
  if (nearest != nullptr) return *nearest;
  const std::string begin = lower(word);
  const auto begun = std::ranges::find_if(known, [&](const std::string& name) { return lower(name).starts_with(begin); });
  if (begin.size() < 2 || begun == known.end()) return {};
  return *begun;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const auto nearest = nearest_word(word, known);
  return nearest ? fmt::format("; did you mean '{}'?", *nearest) : std::string();
}

}  // namespace lowp::tool
