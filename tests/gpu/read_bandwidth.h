// SPDX-License-Identifier: Apache-2.0
// How fast the device reads its memory when it does nothing else: the yardstick of the pass.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <memory>

namespace lowp::proof {

// Two ways to add all words of `bytes` (a multiple of sixteen bytes, aligned to that); the better one counts.
class ReadBandwidth {
 public:
  explicit ReadBandwidth(std::uint64_t bytes);
  ~ReadBandwidth();
  cudaError_t sum(const void* at);      // a plain kernel, sixteen bytes a read
  cudaError_t sum_cub(const void* at);  // cub::DeviceReduce::Sum over 64-bit words

 private:
  std::uint64_t bytes_;
  void *scratch_ = nullptr, *result_ = nullptr;
  std::size_t scratch_bytes_ = 0;
};

}  // namespace lowp::proof
