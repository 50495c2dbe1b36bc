// SPDX-License-Identifier: Apache-2.0
// Standard input and named pipes as dumps of one array: read once, front to back.
#pragma once

#include <string>

#include "lowp/tensor/step_series.h"

namespace lowp {

// Whether `path` is "-" (standard input) or a named pipe.
bool is_pipe(const std::string& path);

// An npy array, or raw data of options.raw_dtype: all that comes, or options.raw_count elements of it. Other formats
// need random access; the error names the format that was recognised. Waits for a writer. The one tensor's source has
// unknown_size where only the end will tell, and can be read once.
Result<Input> open_pipe(const std::string& path, const OpenOptions& options);

}  // namespace lowp
