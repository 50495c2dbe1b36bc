// SPDX-License-Identifier: Apache-2.0
// Every gradient of a summary judged under one format: where it overflows, where it keeps its signal to noise, what it
// loses.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lowp/audit/policy.h"
#include "lowp/audit/advice_subjects.h"
#include "lowp/summary/interval.h"
#include "lowp/summary/question.h"
#include "lowp/summary/summary.h"

namespace lowp {

// Of more tensors no signal to noise of each is judged.
inline constexpr std::size_t most_judged_tensors = 2000;

// What ends the window above.
enum class Cause : std::uint8_t { gradient, loss_dtype, forward, dump_scale };
struct Limit {
  Cause cause = Cause::gradient;
  std::optional<int> log2;       // the largest scale that it allows; nothing: none helps
  std::optional<TensorRef> ref;  // where it is of one tensor
};

// A tensor at one scale.
struct TensorState {
  TensorRef ref;
  std::optional<double> snr_db;  // nothing: unknown, or no error at all
  std::uint64_t flushed = 0, nonzero = 0;
};

// Scales are as log2. A `low` end is the least scale from which on a criterion holds up to `safe`.
struct Judgement {
  std::uint64_t nonzero = 0;  // counted finite values of gradients that are not zero; 0 of largest magnitudes alone
  std::vector<Limit> limits;  // one per cause that there is evidence of; empty where no gradient is finite and not 0
  int safe = 0;               // the least of them
  int headroom = 0;           // wanted, see headroom_wanted
  double floor_db = 0;        // that every tensor should keep
  bool errors_known = false;  // without errors nothing is said about signal to noise
  std::optional<int> precision_low, range_low;      // nothing: down to the smallest scale there is
  std::optional<int> range_low_least;               // of bounds: it may hold from here on, from range_low on for sure
  std::optional<TensorRef> precision_by, range_by;  // the tensors that decide them
  std::vector<TensorState> hopeless;   // below the floor at `safe` already, worst first; does not move precision_low
  std::optional<TensorState> worst;    // at safe - headroom: least signal to noise, else the largest share flushed
  bool precise_unscaled = false;       // at 2^0 every tensor that can keep the floor does
  std::optional<double> worst_own_db;  // of tensors at their own largest safe scale
  std::uint64_t flushed_own = 0;       // likewise
};

// Which criteria decide: where only counts are known, precision cannot, and range stands in.
bool precision_decides(const Judgement& judgement, const Policy& policy);
bool range_decides(const Judgement& judgement, const Policy& policy);

// The dtype of the loss: as the user says, as the dump says, else as a dumped gradient of the loss implies (FP16).
struct LossDtype {
  std::optional<Format> format;
  bool implied = false;
};
LossDtype loss_dtype_of(const Subjects& subjects, const Policy& policy);

// `headroom` as headroom_wanted.
Judgement judge(const Subjects& subjects, const Question& question, std::size_t format, int headroom,
                const Policy& policy);

// What a format does to all gradients at a scale.
struct Lost {
  Interval flushed, zero_or_flushed;
  std::uint64_t elements = 0;
};
Lost lost_at(const Subjects& subjects, const Target& target, int scale_log2);

}  // namespace lowp
