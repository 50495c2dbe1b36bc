// SPDX-License-Identifier: Apache-2.0
// Whole arrays of any element type rounded, encoded and decoded: batches where they are FP32, core where they are not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lowp/batch/batch.h"
#include "lowp/core/dtype.h"

namespace lowp::python {

// The format of numbers that are `scale_log2` binades smaller: rounding to it is rounding 2^scale_log2 x to `f` and
// taking the scale off again, exactly. |scale_log2| is at most scale_log2_limit.
Format unscaled(Format f, int scale_log2);

// out[i] = in[i] rounded to `f` once; then to `dtype`, nearest even, where that has no such number. Both hold elements
// of `dtype`, are equally long, and the same memory or disjoint.
void round_array(Format f, Conversion how, const Dtype& dtype, std::span<const std::byte> in, std::span<std::byte> out,
                 RandomSource random);

// The bytes of a word that holds codes of `f`: 1, 2, 4 or 8.
int code_bytes(Format f);

// codes[i] = the code that in[i] rounds to, in words of code_bytes(f).
void encode_array(Format f, Conversion how, const Dtype& dtype, std::span<const std::byte> in, std::span<std::byte> codes,
                  RandomSource random);

// out[i] = the value of codes[i], which are words of `word_bytes`; rounded to `dtype`, nearest even, where that has no
// such number.
void decode_array(Format f, int word_bytes, std::span<const std::byte> codes, const Dtype& dtype, std::span<std::byte> out);

}  // namespace lowp::python
