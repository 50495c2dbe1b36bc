// SPDX-License-Identifier: Apache-2.0
// As much of CUDA as the pass calls, on the host: streams that do nothing until somebody waits for them, memory that
// begins as garbage, and the kernels' code run block by block. What the pass gets wrong in its order of steps, it gets
// wrong here.
#include <cuda_runtime_api.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>

#include "emulated_grid.h"
#include "lowp/gpu_pass/binade_kernels.h"

namespace {

using Work = std::function<void()>;
std::map<cudaStream_t, std::deque<Work>> streams;

cudaError_t later(cudaStream_t stream, Work work) {
  streams[stream].push_back(std::move(work));
  return cudaSuccess;
}

cudaError_t allocate(void** at, std::size_t size) {
  *at = std::aligned_alloc(256, (size + 255) / 256 * 256);
  if (*at == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*at, 0xa5, size);
  return cudaSuccess;
}

}  // namespace

cudaError_t cudaSetDevice(int) {
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::strcpy(properties->name, "the host");
  return cudaSuccess;
}
const char* cudaGetErrorString(cudaError_t) {
  return "an error";
}
cudaError_t cudaMalloc(void** at, std::size_t size) {
  return allocate(at, size);
}
cudaError_t cudaHostAlloc(void** at, std::size_t size, unsigned) {
  return allocate(at, size);
}
cudaError_t cudaFree(void* at) {
  std::free(at);
  return cudaSuccess;
}
cudaError_t cudaFreeHost(void* at) {
  std::free(at);
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  static std::uintptr_t number = 0;
  *stream = reinterpret_cast<cudaStream_t>(++number);
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  streams.erase(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  for (std::deque<Work>& queue = streams[stream]; !queue.empty(); queue.pop_front()) queue.front()();
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t size, cudaMemcpyKind) {
  if (size != 0) std::memcpy(to, from, size);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t size, cudaMemcpyKind, cudaStream_t stream) {
  return later(stream, [=] {
    if (size != 0) std::memcpy(to, from, size);
  });
}
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                              std::size_t width, std::size_t rows, cudaMemcpyKind, cudaStream_t stream) {
  return later(stream, [=] {
    for (std::size_t row = 0; row < rows; ++row) {
      std::memcpy(static_cast<char*>(to) + row * to_pitch, static_cast<const char*>(from) + row * from_pitch, width);
    }
  });
}
cudaError_t cudaMemsetAsync(void* at, int value, std::size_t size, cudaStream_t stream) {
  return later(stream, [=] { std::memset(at, value, size); });
}

namespace lowp::gpu {

cudaError_t chip_of(int, PassChip& chip) {
  chip = {3, 100 << 10};
  return cudaSuccess;
}
std::uint32_t tiles_of_block(const PassChip&) {
  return 9;
}

cudaError_t launch_bins(ElementKind kind, const ElementRun& run, BinSums* sums, const PassChip&, cudaStream_t stream) {
  return later(stream, [=] {
    switch (kind) {
      case ElementKind::f32: return proof::emulate_counts<Fp32Layout, 8>(run, 3, 64, *sums);
      case ElementKind::f16: return proof::emulate_counts<Fp16Layout, 8>(run, 3, 64, *sums);
      case ElementKind::bf16: return proof::emulate_counts<Bf16Layout, 8>(run, 3, 64, *sums);
    }
  });
}

cudaError_t launch_codes(const ElementRun& run, CodeSums* sums, const PassChip&, cudaStream_t stream) {
  return later(stream, [=] { proof::emulate_codes(run, 2, 64, true, *sums); });
}

cudaError_t launch_leaves(const ElementRun& run, const PagePlan& plan, Page* pages, PassFacts* facts, const PassChip&,
                          cudaStream_t stream) {
  return later(stream, [=] { proof::emulate_leaves(run, 2, 64, plan, pages, *facts); });
}

}  // namespace lowp::gpu
