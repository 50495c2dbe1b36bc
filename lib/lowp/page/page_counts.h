// SPDX-License-Identifier: Apache-2.0
// What a page needs of each tensor, so that it can count every class at every scale by itself: integers per binade.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "lowp/summary/below.h"
#include "lowp/summary/question.h"
#include "lowp/summary/summary.h"

namespace lowp {

// Where a class ends: among the elements of a binade, those below a cut. Cut 0 is the binade's start.
struct PageEdge {
  int binade = 0;
  std::size_t cut = 0;
};

// Collects evidence while a pass has it. The cuts are the fractions of the edges that class_edges.h finds for the
// question's formats, so a page tells apart what the pass tells apart. Signs are merged unless the mode looks at them.
class PageCounts {
 public:
  // The formats must have at most ten fraction bits: why_no_page().
  explicit PageCounts(const Question& question);

  void add(TensorRef ref, const Evidence& evidence);  // from any thread, in any order, each tensor once

  const std::vector<Signs>& sides() const { return sides_; }
  std::size_t cuts() const { return cuts_.size(); }
  PageEdge place_of(Threshold edge) const;
  // Of a tensor that was added, base-128 integers: its elements, zeros, NaNs and Infs; per side the lowest binade
  // (zigzag), the number of binades n, and (cuts + 1) x n counts of the elements between neighbouring cuts.
  const std::string& record(TensorRef ref) const { return records_[ref.step][ref.tensor]; }

 private:
  void add_side(std::string& out, const Evidence& evidence, Signs signs) const;

  std::vector<Signs> sides_;
  std::vector<Threshold> cuts_;  // in binade 0, rising
  std::mutex adding_;
  std::vector<std::vector<std::string>> records_;
};

// Which format a page cannot count, or nothing.
std::optional<Error> why_no_page(const Question& question);

// Appends an integer, seven bits at a time, the lowest first.
void append_base128(std::string& out, std::uint64_t value);

}  // namespace lowp
