// SPDX-License-Identifier: Apache-2.0
// One tensor out of boxes that lie in different places.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lowp/tensor/view.h"

namespace lowp {

// A box of a larger tensor: view.shape elements from `offset` on.
struct Chunk {
  std::vector<std::uint64_t> offset;
  TensorView view;
};

// The tensor `name` of that shape, if the chunks are of one dtype, store every element once, fill it and do not
// overlap; nothing if not, or if there are more than 2048 of them.
std::optional<TensorView> join_chunks(const std::string& name, const std::vector<std::uint64_t>& shape,
                                      std::vector<Chunk> chunks);

}  // namespace lowp
