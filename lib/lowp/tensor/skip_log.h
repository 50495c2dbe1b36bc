// SPDX-License-Identifier: Apache-2.0
// What a reader leaves out, told in one line per reason however many tensors there are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lowp {

class SkipLog {
 public:
  // Tensor `name` was left out because of `reason` ("dtype I64 is not floating point").
  void skip(std::string_view name, std::string_view reason);
  // Printable lines, in order of first appearance: "skipped 12 tensors: REASON (first: NAME)".
  std::vector<std::string> notes() const;

 private:
  struct Row {
    std::string reason;
    std::string first;
    std::uint64_t count = 0;
  };
  std::vector<Row> rows_;
};

}  // namespace lowp
