// SPDX-License-Identifier: Apache-2.0
// Files of recorded results: what a user names, and which of them are of the kind that is asked for.
#pragma once

#include <string>
#include <vector>

#include "lowp/base/result.h"

namespace lowp::tool {

// Files as given; of a directory the *.safetensors directly inside it, sorted. `what` they should hold, for the
// message.
Result<std::vector<std::string>> vector_files(const std::vector<std::string>& paths, std::string_view what);

// metadata["kind"] of a safetensors file, "" where it has none.
Result<std::string> kind_of(const std::string& path);

}  // namespace lowp::tool
