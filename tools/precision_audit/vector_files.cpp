// SPDX-License-Identifier: Apache-2.0
#include "vector_files.h"

#include <algorithm>
#include <filesystem>

#include "lowp/verify/integer_tensors.h"

namespace lowp::tool {

Result<std::vector<std::string>> vector_files(const std::vector<std::string>& paths, std::string_view what) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> inside;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      if (at->path().extension() == ".safetensors") inside.push_back(at->path().string());
    }
    if (error) return Error{path, std::nullopt, "a readable directory", error.message()};
    if (inside.empty()) return Error{path, std::nullopt, "*.safetensors of " + std::string(what), "none"};
    std::ranges::sort(inside);
    files.insert(files.end(), inside.begin(), inside.end());
  }
  return files;
}

Result<std::string> kind_of(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  auto header = read_safetensors_header(**file);
  if (!header) return header.error();
  return metadata_of(*header, "kind");
}

}  // namespace lowp::tool
