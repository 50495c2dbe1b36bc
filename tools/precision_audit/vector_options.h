// SPDX-License-Identifier: Apache-2.0
// The one option of commands that replay recorded results.
#pragma once

#include <string>
#include <vector>

#include "arguments.h"
#include "options.h"

namespace lowp::tool {

struct VectorPaths {
  std::vector<std::string> all;

  void declare(Options& o, const std::string& what) {
    o.repeated({.name = "PATH", .help = "files, or directories of *.safetensors with recorded " + what}, all, any_text)
        .is_file = true;
    o.repeated({.name = "--vectors", .value = "PATH", .help = "the same"}, all, any_text).is_file = true;
  }
  std::optional<Error> check() const {
    return all.empty() ? std::optional(fault("no PATH given: wanted --vectors PATH or just PATH")) : std::nullopt;
  }
};

}  // namespace lowp::tool
