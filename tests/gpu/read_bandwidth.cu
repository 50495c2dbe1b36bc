// SPDX-License-Identifier: Apache-2.0
#include <cub/device/device_reduce.cuh>

#include "read_bandwidth.h"

namespace lowp::proof {
namespace {

constexpr unsigned threads = 512;

// The sum is used, so nothing of it can be left out.
__global__ void sum_kernel(const uint4* quads, std::uint64_t count, unsigned long long* result) {
  const std::uint64_t step = std::uint64_t{gridDim.x} * blockDim.x;
  std::uint32_t sum = 0;
  std::uint64_t i = std::uint64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  for (; i + 3 * step < count; i += 4 * step) {
    const uint4 a = __ldcs(quads + i), b = __ldcs(quads + i + step);
    const uint4 c = __ldcs(quads + i + 2 * step), d = __ldcs(quads + i + 3 * step);
    sum += a.x + a.y + a.z + a.w + b.x + b.y + b.z + b.w + c.x + c.y + c.z + c.w + d.x + d.y + d.z + d.w;
  }
  for (; i < count; i += step) sum += quads[i].x + quads[i].y + quads[i].z + quads[i].w;
  for (unsigned lanes = 16; lanes != 0; lanes /= 2) sum += __shfl_down_sync(0xffffffffu, sum, lanes);
  if (threadIdx.x % 32 == 0) atomicAdd(result, static_cast<unsigned long long>(sum));
}

}  // namespace

ReadBandwidth::ReadBandwidth(std::uint64_t bytes) : bytes_(bytes) {
  cudaMalloc(&result_, 16);
  cub::DeviceReduce::Sum(nullptr, scratch_bytes_, static_cast<const unsigned long long*>(nullptr),
                         static_cast<unsigned long long*>(nullptr), bytes_ / 8);
  cudaMalloc(&scratch_, scratch_bytes_);
}

ReadBandwidth::~ReadBandwidth() {
  cudaFree(scratch_);
  cudaFree(result_);
}

cudaError_t ReadBandwidth::sum(const void* at) {
  int processors = 0, resident = 0;
  cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0);
  cudaOccupancyMaxActiveBlocksPerMultiprocessor(&resident, sum_kernel, threads, 0);
  sum_kernel<<<static_cast<unsigned>(processors * resident), threads>>>(static_cast<const uint4*>(at), bytes_ / 16,
                                                                        static_cast<unsigned long long*>(result_));
  return cudaGetLastError();
}

cudaError_t ReadBandwidth::sum_cub(const void* at) {
  return cub::DeviceReduce::Sum(scratch_, scratch_bytes_, static_cast<const unsigned long long*>(at),
                                static_cast<unsigned long long*>(result_), bytes_ / 8);
}

}  // namespace lowp::proof
