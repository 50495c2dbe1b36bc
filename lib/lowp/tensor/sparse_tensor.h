// SPDX-License-Identifier: Apache-2.0
// COO tensors: blocks of values at places along the sparse axes. Blocks at one place are added.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lowp/tensor/view.h"

namespace lowp {

struct SparseParts {
  std::string where;                          // names the tensor in Errors
  std::vector<std::uint64_t> sizes;           // of the sparse axes
  std::uint64_t entries = 0;                  // blocks stored
  std::uint64_t block = 1;                    // elements per block
  const Dtype* dtype = nullptr;               // of the values
  std::shared_ptr<const ByteSource> indices;  // int64 [sparse axes, entries], row-major
  std::shared_ptr<const ByteSource> values;   // [entries, block], row-major
};

// Indices are read and sorted in memory up to here.
inline constexpr std::uint64_t max_sparse_entries = std::uint64_t{1} << 23;

// Which blocks lie at each place: places in ascending order, and for each its blocks in the order stored.
struct SparsePlan {
  std::vector<std::uint64_t> place;  // row-major along the sparse axes
  std::vector<std::uint32_t> first;  // into `entry`; one more than there are places
  std::vector<std::uint32_t> entry;
};
// Reads the indices; an Error for one outside the sizes, or more entries than max_sparse_entries.
Result<SparsePlan> plan_sparse(const SparseParts& parts);

// Each place's block once. Blocks at one place are added in the order stored, every addition rounded to the nearest
// value of the element type. torch's coalesce() on a CPU does the same but for the order, which it leaves to an
// unstable sort: last bits may differ there from machine to machine.
std::shared_ptr<const ByteSource> coalesced_source(std::shared_ptr<const SparseParts> parts,
                                                   std::shared_ptr<const SparsePlan> plan);

// All elements in row-major order, zeros between the blocks. The indices are read when it is.
std::shared_ptr<const ByteSource> dense_source(std::shared_ptr<const SparseParts> parts);

}  // namespace lowp
