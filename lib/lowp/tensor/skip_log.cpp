// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/skip_log.h"

#include <fmt/format.h>

#include <algorithm>

#include "lowp/base/result.h"

namespace lowp {
namespace {

constexpr std::size_t max_rows = 32;  // a hostile file may give each tensor a reason of its own

}  // namespace

void SkipLog::skip(std::string_view name, std::string_view reason) {
  auto row = std::ranges::find(rows_, reason, &Row::reason);
  if (row == rows_.end() && rows_.size() >= max_rows) row = std::prev(rows_.end());
  if (row == rows_.end()) {
    const bool last = rows_.size() + 1 == max_rows;
    row = rows_.insert(row, Row{std::string(last ? "other reasons" : reason), std::string(name), 0});
  }
  ++row->count;
}

std::vector<std::string> SkipLog::notes() const {
  std::vector<std::string> lines;
  for (const Row& row : rows_) {
    if (row.count == 1) {
      lines.push_back(printable(fmt::format("skipped '{}': {}", row.first, row.reason)));
    } else {
      lines.push_back(printable(fmt::format("skipped {} tensors: {} (first: '{}')", row.count, row.reason, row.first)));
    }
  }
  return lines;
}

}  // namespace lowp
