// SPDX-License-Identifier: Apache-2.0
// precision-audit accumulate QUESTION: the rows of its table, and the spelling of questions as options.
#include <fmt/format.h>

#include <algorithm>

#include "commands.h"

namespace lowp::tool {
namespace {

// "--over steps" is "over steps", "--norm" is "norm"; with so many words after it.
struct OldSpelling {
  std::string_view option;
  std::size_t words;
  std::string_view takes;
};
constexpr OldSpelling old_spellings[] = {
    {"--over", 1, "steps or files"}, {"--update", 0, ""}, {"--gemm", 2, "two tensors, A B"},
    {"--norm", 0, ""},               {"--ops", 0, ""},
};

}  // namespace

std::optional<Error> modernise_accumulate(std::vector<std::string>& words) {
  std::string_view found;
  for (std::size_t at = 0; at < words.size() && words[at] != "--"; ++at) {
    const std::size_t equals = words[at].find('=');
    const std::string option = words[at].substr(0, equals);
    const auto* row = std::ranges::find(old_spellings, option, &OldSpelling::option);
    if (row == std::end(old_spellings)) continue;
    if (!found.empty()) return fault(fmt::format("wanted one question, found {} and {}", found, row->option));
    found = row->option;
    std::vector<std::string> front{option.substr(2)};
    if (row->words > 0 && equals != option.npos) front.push_back(words[at].substr(equals + 1));
    const std::size_t more = row->words + 1 - front.size();
    if (at + more >= words.size()) return fault(fmt::format("{} wants {}", row->option, row->takes));
    const auto begin = words.begin() + static_cast<std::ptrdiff_t>(at);
    front.insert(front.end(), begin + 1, begin + 1 + static_cast<std::ptrdiff_t>(more));
    words.erase(begin, begin + 1 + static_cast<std::ptrdiff_t>(more));
    words.insert(words.begin(), front.begin(), front.end());
    at = front.size() - 1;
  }
  return {};
}

}  // namespace lowp::tool
