// SPDX-License-Identifier: Apache-2.0
// The dumps of a directory.
#pragma once

#include <string>
#include <vector>

#include "lowp/tensor/readers.h"

namespace lowp {

// Opens one file with a reader; the step comes from the name where the file does not say it.
Result<std::vector<Input>> open_with(const std::string& path, const Reader& reader, const OpenOptions& options);

// Appends the dumps directly inside `directory`, by the rules told at open_series.
Result<Done> open_directory(const std::string& directory, const OpenOptions& options, std::vector<Input>& inputs);

}  // namespace lowp
