// SPDX-License-Identifier: Apache-2.0
// What every code of a source must become in a target, as runs of one code each; for programs that know no big
// integers.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace lowp::oracle {

struct ExpectedRun {
  std::uint32_t first;  // source code; the run ends where the next one starts
  std::uint32_t code;
};

// Cuts the source once; each rule then reads the same cuts. Sources have IEEE 754 encodings of at most 32 bits.
class ConversionJudge {
 public:
  ConversionJudge(std::string_view source, std::string_view target);
  ~ConversionJudge();
  ConversionJudge(ConversionJudge&&) noexcept;
  ConversionJudge(const ConversionJudge&) = delete;

  // False where the oracle has no description of one of the two names.
  bool knows_formats() const;
  // All codes of the source in ascending order, from code 0. Empty for a mode that the oracle does not know.
  std::vector<ExpectedRun> runs(std::string_view mode, bool saturate_finite, bool saturate_inf) const;

 private:
  struct Cuts;
  std::unique_ptr<Cuts> cuts_;
};

}  // namespace lowp::oracle
