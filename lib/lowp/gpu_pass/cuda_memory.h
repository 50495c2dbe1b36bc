// SPDX-License-Identifier: Apache-2.0
// Memory, streams and errors of the CUDA runtime with owners. Inside the room a failed call is thrown as CudaFault; the
// room's own interfaces turn it into an Error.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <string>

#include "lowp/summary/binade_table.h"

namespace lowp::gpu {

struct CudaFault {
  Error error;
};

inline void demand(cudaError_t error, const char* what) {
  if (error != cudaSuccess) throw CudaFault{Error{"cuda", std::nullopt, what, cudaGetErrorString(error)}};
}

struct DeviceFree {
  void operator()(void* at) const { cudaFree(at); }
};
struct PinnedFree {
  void operator()(void* at) const { cudaFreeHost(at); }
};
template <class T>
using OnDevice = std::unique_ptr<T, DeviceFree>;  // of trivial T
template <class T>
using Pinned = std::unique_ptr<T, PinnedFree>;

template <class T>
OnDevice<T> on_device(std::size_t count) {
  void* at = nullptr;
  demand(cudaMalloc(&at, count * sizeof(T)), "memory of the device");
  return OnDevice<T>(static_cast<T*>(at));
}

template <class T>
Pinned<T> pinned_memory(std::size_t count) {
  void* at = nullptr;
  demand(cudaHostAlloc(&at, count * sizeof(T), cudaHostAllocDefault), "pinned memory");
  return Pinned<T>(static_cast<T*>(at));
}

class Stream {
 public:
  Stream() { demand(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "a stream"); }
  ~Stream() { cudaStreamDestroy(stream_); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  operator cudaStream_t() const { return stream_; }
  void wait() const { demand(cudaStreamSynchronize(stream_), "the work on the device"); }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace lowp::gpu
