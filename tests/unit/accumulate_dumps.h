// SPDX-License-Identifier: Apache-2.0
// Dumps small enough to be summed by hand.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "lowp/accumulate/adder.h"
#include "lowp/core/formats.h"
#include "lowp/tensor/step_series.h"

namespace lowp::testing {

struct Named {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<float> values;
};

// Safetensors files in a folder of their own, gone with it.
class Dumps {
 public:
  Dumps()
      : folder_(std::filesystem::temp_directory_path() /
                ("lowp_replay_" + std::to_string(reinterpret_cast<std::uintptr_t>(this)))) {
    std::filesystem::create_directories(folder_);
  }
  ~Dumps() { std::filesystem::remove_all(folder_); }
  void add(int step, const std::vector<Named>& tensors) {
    std::string header = "{\"__metadata__\":{\"step\":\"" + std::to_string(step) + "\"}", data;
    for (const Named& t : tensors) {
      std::string shape;
      for (const std::size_t axis : t.shape) shape += (shape.empty() ? "" : ",") + std::to_string(axis);
      const std::size_t begin = data.size();
      for (const float x : t.values) data.append(std::bit_cast<std::array<char, 4>>(x).data(), 4);
      header += ",\"" + t.name + "\":{\"dtype\":\"F32\",\"shape\":[" + shape + "],\"data_offsets\":[" +
                std::to_string(begin) + "," + std::to_string(data.size()) + "]}";
    }
    header += "}";
    const auto size = std::bit_cast<std::array<char, 8>>(std::uint64_t{header.size()});
    std::ofstream(folder_ / ("step" + std::to_string(step) + ".safetensors"), std::ios::binary)
        << std::string(size.data(), 8) << header << data;
  }
  StepSeries open() const {
    const std::vector<std::string> paths{folder_.string()};
    auto series = open_series(paths, {});
    REQUIRE(series);
    return *series;
  }

 private:
  std::filesystem::path folder_;
};

inline Accumulator in_format(const char* name) {
  return {name, find_format(name).format};
}

}  // namespace lowp::testing
