// SPDX-License-Identifier: Apache-2.0
// What a summary keeps of a tensor: evidence of some sharpness.
#pragma once

#include <variant>

#include "lowp/summary/binade_table.h"
#include "lowp/summary/cut_counter.h"
#include "lowp/summary/tensor_counts.h"

namespace lowp {

using Evidence = std::variant<TensorCounts, CutCounts, BinadeTable>;

const Census& census_of(const Evidence& evidence);
// The little that says what is flushed, from any evidence.
TensorCounts counts_of(const Evidence& evidence);
// The evidence of both their elements, as sharp as the less sharp one. An Error where they cannot be added.
Result<Evidence> merged(const Evidence& a, const Evidence& b);

}  // namespace lowp
