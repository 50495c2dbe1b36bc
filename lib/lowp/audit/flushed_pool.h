// SPDX-License-Identifier: Apache-2.0
// Tensors of which only their sum is asked.
#pragma once

#include <cstdint>
#include <vector>

#include "lowp/summary/evidence.h"
#include "lowp/summary/interval.h"
#include "lowp/summary/question.h"

namespace lowp {

// What many tensors flush together, by one addition for each of them instead of one for each question. Exact but for
// logged histograms.
class FlushedPool {
 public:
  FlushedPool();
  void add(const Evidence& evidence);  // which must live as long
  std::uint64_t elements() const { return elements_; }
  Interval flushed_at(const Target& target, int scale_log2) const;
  Interval zero_or_flushed_at(const Target& target, int scale_log2) const;
  // How many are not zero: zeros of a histogram may be as many as what is zero or flushed at this scale.
  Interval nonzero(const Target& target, int scale_log2) const;

 private:
  void add(const TensorCounts& counts);
  TensorCounts sum() const;

  std::uint64_t elements_ = 0;
  Census census_;
  bool has_signs_ = true;
  std::vector<BinadeCount> binades_;      // by sign and binade, empty ones too
  std::vector<const Evidence*> unsharp_;  // too little is known of them to add it
};

}  // namespace lowp
