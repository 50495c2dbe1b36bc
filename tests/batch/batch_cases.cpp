// SPDX-License-Identifier: Apache-2.0
#include "batch_cases.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

namespace lowp::batch_proof {

std::vector<float> rounded_by_core(Format f, Conversion how, const std::vector<float>& in, RandomSource random) {
  std::vector<float> out(in.size());
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::uint64_t code = core_code(f, how, std::bit_cast<std::uint32_t>(in[i]), random, i);
    out[i] = std::bit_cast<float>(core_value(f, code));
  }
  return out;
}

std::vector<float> strided(std::uint32_t first, std::uint32_t stride, std::size_t count) {
  std::vector<float> patterns(count);
  for (std::size_t i = 0; i < count; ++i) {
    patterns[i] = std::bit_cast<float>(first + static_cast<std::uint32_t>(i) * stride);
  }
  return patterns;
}

namespace {

std::vector<std::uint32_t> edge_fractions() {
  std::vector<std::uint32_t> all{0};
  for (std::uint32_t high = 0; high < 23; ++high) {
    all.push_back(1U << high);
    all.push_back((1U << 23) - (1U << high));
    for (std::uint32_t low = 0; low < high; ++low) {
      all.push_back((1U << high) | (1U << low));
      all.push_back((1U << 23) - (1U << high) + (1U << low));
    }
  }
  const std::size_t middle = all.size();
  for (std::size_t i = 0; i < middle; ++i) {
    all.push_back((all[i] + 1) & 0x7fffff);
    all.push_back((all[i] - 1) & 0x7fffff);
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

}  // namespace

const std::vector<float>& edges() {
  static const std::vector<float> all = [] {
    std::vector<float> patterns;
    for (std::uint32_t top = 0; top < 512; ++top) {
      for (const std::uint32_t fraction : edge_fractions()) {
        patterns.push_back(std::bit_cast<float>((top << 23) | fraction));
      }
    }
    return patterns;
  }();
  return all;
}

std::string first_difference(const std::vector<float>& in, const std::vector<float>& got,
                             const std::vector<float>& wanted) {
  if (got.size() != wanted.size()) return "lengths differ";
  if (std::memcmp(got.data(), wanted.data(), got.size() * sizeof(float)) == 0) return "";
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto g = std::bit_cast<std::uint32_t>(got[i]);
    const auto w = std::bit_cast<std::uint32_t>(wanted[i]);
    if (g == w) continue;
    char line[120];
    std::snprintf(line, sizeof line, "element %zu: source 0x%08x gave 0x%08x, must be 0x%08x", i,
                  std::bit_cast<std::uint32_t>(in[i]), g, w);
    return line;
  }
  return "";
}

std::vector<std::string_view> instruction_sets() {
  std::vector<std::string_view> names;
  for (const Implementation& row : implementations()) {
    if (row.name != "core") names.push_back(row.name);
  }
  return names;
}

std::vector<Path> paths(Format f, Conversion how, int random_count) {
  const Path best = best_path(f, how, random_count);
  if (best == Path::core) return {};
  if (best == Path::integer) return {Path::integer};
  return {Path::magic_add, Path::integer};
}

}  // namespace lowp::batch_proof
