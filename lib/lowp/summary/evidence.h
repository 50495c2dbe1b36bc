// SPDX-License-Identifier: Apache-2.0
// What a summary keeps of a tensor: evidence of some sharpness.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <variant>

#include "lowp/summary/binade_counts.h"
#include "lowp/summary/binade_table.h"
#include "lowp/summary/bins.h"
#include "lowp/summary/cut_counter.h"
#include "lowp/summary/rounding_errors.h"
#include "lowp/summary/tensor_counts.h"

namespace lowp {

// From the least to the most. Any of them answers any question, less sharply the lower it is.
enum class Level : std::uint8_t {
  peak,     // the largest magnitude: overflow at any scale
  bins,     // a histogram that somebody logged: bounds; overflow where the extremes are known
  flushed,  // what every pass keeps of each tensor: what is flushed, exactly
  cuts,     // every class count of the formats that were asked for, exactly
  counts,   // every class count of every format with up to ten fraction bits, exactly
  errors,   // and the errors of nearest-even
  leaves,   // and those of every deterministic mode; with recorded widths wider formats too
};
struct LevelName {
  std::string_view name;
  Level level;
  std::string_view what;
};
inline constexpr std::array level_names{
    LevelName{"peak", Level::peak, "the largest magnitude"},
    LevelName{"bins", Level::bins, "a logged histogram: bounds"},
    LevelName{"flushed", Level::flushed, "what is flushed to zero"},
    LevelName{"cuts", Level::cuts, "class counts of the formats asked for"},
    LevelName{"counts", Level::counts, "class counts of every format with up to ten fraction bits"},
    LevelName{"errors", Level::errors, "and errors (SNR, bias) in nearest_even"},
    LevelName{"leaves", Level::leaves, "and errors in every deterministic mode: all that an audit prints"},
};
std::string_view level_name(Level level);
std::optional<Level> find_level(std::string_view name);

// In the order of the levels.
using Evidence = std::variant<Peak, Bins, TensorCounts, CutCounts, BinadeCounts, RoundingErrors, BinadeTable>;

Level level_of(const Evidence& evidence);

// Whether evidence is of so many elements; a peak is not, it only says how large the largest of them is.
bool counts_elements(const Evidence& evidence);

// What is known of the elements as a whole; of bins and peaks as far as they go: `zero_in` is then the least, and
// extremes that are not known are zero.
Census census_of(const Evidence& evidence);

// The largest magnitude, or what it is at most: the outermost end of bins whose extremes are not known.
Exact largest_at_most(const Evidence& evidence);

// The little that says what is flushed, from evidence of that level and more; nothing from less.
std::optional<TensorCounts> counts_of(const Evidence& evidence);

TensorCounts flushed_of(const CountedRows& counts);

// The same elements at a lower level: leaves, errors, counts, flushed and peak, each from any above it. Nothing
// otherwise.
std::optional<Evidence> lowered(const Evidence& evidence, Level level);

// The evidence of both their elements, at the lower of their levels. An Error where they cannot be added.
Result<Evidence> merged(const Evidence& a, const Evidence& b);

}  // namespace lowp
