// SPDX-License-Identifier: Apache-2.0
// Strided views of a storage, turned into the order in which their elements are stored.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lowp/tensor/view.h"

namespace lowp {

struct Axis {
  std::uint64_t size;
  std::uint64_t stride;  // in elements

  friend bool operator==(Axis, Axis) = default;
};

// Which elements of a storage a view covers, each once: axes longer than 1 with falling strides, joined where they
// follow one another without a gap. `multiplicity` is how many elements of the view each stored one stands for.
struct StoredView {
  std::vector<Axis> axes;
  std::uint64_t multiplicity = 1;
};

// Number of elements from the first to the last of a view, both included; nothing on overflow. 0 for empty views.
std::optional<std::uint64_t> view_extent(std::span<const std::uint64_t> shape, std::span<const std::uint64_t> strides);

// The canonical form of a view whose extent is known; nothing if two of its indices may meet in one element other than
// by stride 0. Shape and strides have the same rank and no axis is empty.
std::optional<StoredView> canonical_view(std::span<const std::uint64_t> shape, std::span<const std::uint64_t> strides);

// The elements of `axes`, in storage order, out of `extent`, which holds the view from its first to its last element.
std::shared_ptr<const ByteSource> strided_source(std::shared_ptr<const ByteSource> extent, std::vector<Axis> axes,
                                                 int element_bytes);

}  // namespace lowp
