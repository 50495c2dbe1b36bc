// SPDX-License-Identifier: Apache-2.0
// Device memory and checked calls, for the .cu files of this room.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "lowp/gpu/backend.h"

namespace lowp::gpu {

inline void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess) throw DeviceError(std::string(what) + ": " + cudaGetErrorString(status));
}
// After a launch: what it was refused for, or what failed while it ran.
inline void finish(const char* what) {
  check(cudaGetLastError(), what);
  check(cudaDeviceSynchronize(), what);
}

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t size) : size_(size) {
    if (size != 0) check(cudaMalloc(&data_, size * sizeof(T)), "cudaMalloc");
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    check(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice), "copy to the device");
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return data_; }
  std::size_t size() const { return size_; }
  void clear() { check(cudaMemset(data_, 0, size_ * sizeof(T)), "cudaMemset"); }
  std::vector<T> read(std::size_t count) const {
    std::vector<T> values(count);
    check(cudaMemcpy(values.data(), data_, count * sizeof(T), cudaMemcpyDeviceToHost), "copy from the device");
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// What the code of the current pass of nvcc is made for.
#if defined(__CUDA_ARCH__)
inline constexpr int pass_architecture = __CUDA_ARCH__;
#else
inline constexpr int pass_architecture = 0;
#endif
#if defined(__CUDA_ARCH_SPECIFIC__) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
inline constexpr bool pass_specific = true;
#else
inline constexpr bool pass_specific = false;
#endif
// Whether an instruction of the tables is in this pass: `if constexpr (in_pass<800>)` around its asm.
template <int wanted>
inline constexpr bool in_pass = has_instruction(Target{pass_architecture, pass_specific}, wanted);

// Codes in, codes out; all arrays on the device, `count` even. Element i reads a[i], b[i], c[i].
struct ScalarBatch {
  const std::uint32_t *a, *b, *c;
  std::uint32_t* returned;
  std::uint32_t count;
};
void run_conversion(std::size_t row, const ScalarBatch& batch);
void run_arithmetic(std::size_t row, const ScalarBatch& batch);

// The layout of TileBatch on the device.
struct TileArrays {
  int tiles, steps;
  const std::uint32_t *a, *b, *c;
  std::uint32_t* d;
};
// Of the rows of mma_rows() with that path, by their number among all.
void run_mma(std::size_t row, const TileArrays& arrays);
void run_wgmma(std::size_t row, Feed feed, const TileArrays& arrays);
const void* mma_kernel(std::size_t row);  // for cudaFuncGetName
const void* wgmma_kernel(std::size_t row);

inline constexpr unsigned threads_per_block = 256;

}  // namespace lowp::gpu
