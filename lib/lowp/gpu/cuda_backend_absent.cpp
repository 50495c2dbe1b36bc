// SPDX-License-Identifier: Apache-2.0
// In place of cuda_backend.cu where there is no CUDA compiler.
#include "lowp/gpu/cuda_backend.h"

namespace lowp::gpu {

std::unique_ptr<Backend> open_cuda_backend(std::string& reason) {
  reason = "built without CUDA";
  return nullptr;
}

}  // namespace lowp::gpu
