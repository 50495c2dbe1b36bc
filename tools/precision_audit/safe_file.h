// SPDX-License-Identifier: Apache-2.0
// Files that are written whole or not at all, and never over what is not ours.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "lowp/base/result.h"

namespace lowp::tool {

// Why `path` must not be written: it is one of `inputs`, no regular file, or a file that does not begin with `mark`.
// Nothing where there is no such file yet. An empty mark: no existing file may be written over.
std::optional<Error> why_not_over(const std::string& path, std::string_view mark, std::span<const std::string> inputs);

// Writes beside `path` and then takes its place. On any fault (a full disk) the old file is as it was.
Result<Done> replace_file(const std::string& path, std::string_view text);

std::string absolute_path(const std::string& path);

}  // namespace lowp::tool
