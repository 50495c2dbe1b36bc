// SPDX-License-Identifier: Apache-2.0
// The GPU as a Backend.
#pragma once

#include <memory>
#include <string>

#include "lowp/gpu/backend.h"

namespace lowp::gpu {

// The first device; nullptr where there is none that can be used, with the reason in one line.
std::unique_ptr<Backend> open_cuda_backend(std::string& reason);

}  // namespace lowp::gpu
