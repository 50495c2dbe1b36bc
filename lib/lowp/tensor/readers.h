// SPDX-License-Identifier: Apache-2.0
// THE TABLE of readers: one row makes a file format known everywhere.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "lowp/tensor/step_series.h"

namespace lowp {

struct Reader {
  std::string_view name;        // "safetensors"
  std::string_view extensions;  // space-separated, for help texts and directories: ".safetensors"
  std::string_view what;        // one line for --help
  // Whether a file with this name and these first bytes (at most 4096, fewer if the file is shorter) is of this kind.
  bool (*sniff)(std::string_view path, std::span<const std::byte> head);
  Result<Input> (*open)(const std::string& path, const OpenOptions& options);
};

std::span<const Reader> readers();

}  // namespace lowp
