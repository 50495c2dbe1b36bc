// SPDX-License-Identifier: Apache-2.0
// The data every benchmark runs on.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace lowp::bench {

// Log-normal values of random sign. A: median 1e-2, sigma 3 in ln: normal numbers, subnormals and overflow of narrow
// formats. B: median 1, sigma 1: nearly all in range. C: median 1e-6, sigma 3: like gradients before scaling.
inline constexpr std::string_view data_sets[] = {"A", "B", "C"};
inline constexpr std::size_t in_second_level = std::size_t{1} << 15;  // elements; 128 KiB in and 128 KiB out
inline constexpr std::size_t in_memory = std::size_t{1} << 24;

// 2^24 elements of a set, the same in every run; shorter benchmarks take the first of them. Made when first asked.
const std::vector<float>& data_set(std::string_view name);

}  // namespace lowp::bench
