// SPDX-License-Identifier: Apache-2.0
// Two tensors of one shape, element by element: a of A and b of B.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "lowp/compare/quantile_search.h"
#include "lowp/exact/exact_sum.h"
#include "lowp/summary/question.h"
#include "lowp/tensor/step_series.h"

namespace lowp::compare {

// How two dumps are compared. The loss scales, where they differ, are taken off both.
struct Settings {
  std::optional<NamedTarget> ulp_format = {};  // is_auditable(); nothing: the narrower of the two dtypes
  std::uint64_t tolerance = 0;       // in ulps: a pair further apart than that differs
  int scale_log2_a = 0, scale_log2_b = 0;  // of dumps that do not say theirs
  int threads = 0;
  std::size_t held_keys = std::size_t{1} << 20;  // of a tensor, for each of three quantities: 24 MiB per thread
  std::function<void(std::uint64_t bytes)> progress = {};  // any thread may call it
};

struct Divergence {
  std::uint64_t index = 0;  // row-major
  double a = 0, b = 0;      // without loss scale
  std::optional<std::uint64_t> ulps;  // of a finite pair
};

// What is counted of one tensor, or of several together. Sums and quantiles are of pairs that are both finite.
struct Differences {
  bool is_one_tensor = false;
  std::uint64_t elements = 0, finite = 0;
  std::uint64_t equal_specials = 0;  // NaN and NaN, or Inf of one sign
  std::uint64_t equal_bits = 0;  // one code; of two dtypes or loss scales one value, zeros of one sign, NaN and NaN
  std::uint64_t differing = 0;   // more ulps apart than the tolerance; NaN or Inf that the other is not
  std::uint64_t sign_flips = 0;  // both are numbers or Inf, neither zero, of opposite signs
  std::uint64_t lost = 0, gained = 0;  // zero in B alone, zero in A alone, where the other is not NaN
  std::uint64_t nan_a = 0, nan_b = 0, nan_only_a = 0, nan_only_b = 0, inf_only_a = 0, inf_only_b = 0;
  Quantiles ulps;                // of one tensor; of several only the largest
  Quantiles absolute, relative;  // |b - a| and |b - a| / |a| where a is not zero, in FP64, as bits of doubles; likewise
  double largest_a = 0, largest_b = 0;           // finite magnitudes
  double squares = 0, squared_differences = 0;   // sums over a and b - a, rounded once
  std::optional<double> snr_db;                  // 10 log10 of their ratio; nothing where one of them is 0
  std::uint64_t unmatched = 0, mismatched = 0;   // tensors of one side alone, or of two shapes
  std::optional<Divergence> first;               // of one tensor

  std::uint64_t one_sided() const { return elements - finite - equal_specials; }  // NaN or Inf that the other is not
  void add_counts(const Differences& other);  // all but sums, quantiles below the largest, and `first`; is several then
};

// Exact, so that parts may be added in any order.
struct Squares {
  ExactSum of_a, of_difference;

  void merge(const Squares& other);
  void round_into(Differences& differences) const;
};

struct TensorPair {
  const Input* input_a = nullptr;
  const TensorView* a = nullptr;
  const Input* input_b = nullptr;
  const TensorView* b = nullptr;
};

// The format that distances are counted in: the asked one or the narrower.
Format ulp_format_of(const TensorPair& pair, const Settings& settings);

// Reads both once, and again (at most three times) where they have more than `held_keys` elements. Shapes must be equal.
// The sums are also added to `squares`.
Result<Differences> compare_tensors(const TensorPair& pair, const Settings& settings, Squares& squares);

}  // namespace lowp::compare
