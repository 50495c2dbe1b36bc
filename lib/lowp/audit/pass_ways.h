// SPDX-License-Identifier: Apache-2.0
// The ways in which a pass can count, and what each worker thread holds meanwhile. Part of summarize.cpp.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

#include "lowp/audit/summarize.h"
#include "lowp/summary/cut_counter.h"

namespace lowp::pass {

// One tensor of the series.
struct Job {
  TensorRef ref;
  const TensorView* view;
  std::size_t number = 0;  // in its batch

  std::uint64_t bytes() const { return view->source ? view->source->size() : 0; }
};

// The two ways of counting.
struct AllMoments {
  using Counter = BinadeCounter;
  using Table = BinadeTable;
  using Plan = TableOptions;
};
struct CountsAlone {
  using Counter = CutCounter;
  using Table = CutCounts;
  using Plan = CutPlan;
};

// Class counts of every format, where nobody asks for totals.
struct ClassesAlone {
  using Table = BinadeCounts;
  struct Plan {};
  class Counter {
   public:
    explicit Counter(Plan, int dump_scale_log2 = 0) : counter_(dump_scale_log2) {}
    Result<Done> count(const Dtype& dtype, std::span<const std::byte> bytes, std::uint64_t weight) {
      counter_.count(dtype, bytes, weight);
      return Done{};
    }
    void count_zeros(std::uint64_t zeros) { counter_.count_zeros(zeros); }
    Result<Done> add(const BinadeCounts&) { return Done{}; }
    BinadeCounts take() { return counter_.take(); }
    std::uint64_t elements() const { return counter_.elements(); }

   private:
    BinadeCountsCounter counter_;
  };
};

// What a worker thread keeps between tensors.
template <class Way>
struct Workspace {
  Workspace(const typename Way::Plan& plan, int dump_scale_log2)
      : table(plan, dump_scale_log2), running(plan, dump_scale_log2), counts(CutPlan{}, dump_scale_log2) {}

  typename Way::Counter table;    // of the tensor at hand
  typename Way::Counter running;  // of all tensors without a table of their own so far
  CutCounter counts;              // of the tensor at hand, where that is all it has
  std::vector<std::byte> buffer;
  std::unique_ptr<ByteStream> stream;  // the last one: while it lives its file stays open for the next tensor
  std::uint32_t checksum = 0;          // of the bytes read last
  std::optional<Evidence> read;        // sum of evidence that came as such
  BinadeCountsSum read_counts;         // and of what of it was counts
  std::optional<Error> error;          // of adding it
};

inline Result<Done> add_evidence(std::optional<Evidence>& total, Evidence more) {
  if (!total) {
    total = std::move(more);
    return Done{};
  }
  auto sum = merged(*total, more);
  if (!sum) return sum.error();
  total = *std::move(sum);
  return Done{};
}

template <class Table>
Result<Done> add_to(std::optional<Table>& total, Table more) {
  if (!total) {
    total = std::move(more);
    return Done{};
  }
  if constexpr (std::is_same_v<Table, BinadeCounts>) {
    total = merged(*total, more);
  } else {
    auto sum = merged(*total, more);
    if (!sum) return sum.error();
    total = *std::move(sum);
  }
  return Done{};
}

}  // namespace lowp::pass
