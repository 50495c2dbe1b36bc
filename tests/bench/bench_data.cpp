// SPDX-License-Identifier: Apache-2.0
#include "bench_data.h"

#include <cmath>
#include <map>
#include <random>

namespace lowp::bench {
namespace {

std::vector<float> log_normal(double median, double sigma, unsigned seed) {
  std::mt19937_64 bits(seed);
  std::normal_distribution<double> normal(std::log(median), sigma);
  std::vector<float> values(in_memory);
  for (float& value : values) {
    const double magnitude = std::exp(normal(bits));
    value = static_cast<float>((bits() & 1) != 0 ? -magnitude : magnitude);
  }
  return values;
}

}  // namespace

const std::vector<float>& data_set(std::string_view name) {
  static std::map<std::string_view, std::vector<float>> made;
  std::vector<float>& values = made[name];
  if (values.empty()) {
    if (name == "A") values = log_normal(1e-2, 3, 1);
    if (name == "B") values = log_normal(1, 1, 2);
    if (name == "C") values = log_normal(1e-6, 3, 3);
  }
  return values;
}

}  // namespace lowp::bench
