// SPDX-License-Identifier: Apache-2.0
// Strided views in row-major order, whatever order their elements are stored in.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "lowp/tensor/view.h"

namespace lowp {

// More elements than this are not made from fewer stored ones (expanded and sparse tensors).
inline constexpr std::uint64_t max_made_elements = std::uint64_t{1} << 28;

// Whether the stored elements of a view, each once and in storage order, are its elements in row-major order.
bool is_row_major(std::span<const std::uint64_t> shape, std::span<const std::uint64_t> strides);

// Every element in row-major order, repeats of stride 0 included, out of `extent`, which holds the view from its first
// to its last element. Holds 16 MiB while it is read; 64 MiB if `extent` has no random access, and views beyond 16
// times that are refused, for it would be unpacked again and again. `where` names the tensor in Errors.
std::shared_ptr<const ByteSource> row_major_source(std::shared_ptr<const ByteSource> extent,
                                                   std::span<const std::uint64_t> shape,
                                                   std::span<const std::uint64_t> strides, int element_bytes,
                                                   std::string where, std::uint64_t band_bytes = 1 << 24);

}  // namespace lowp
