// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_scale.h"

#include <algorithm>
#include <cmath>

namespace lowp {
namespace {

constexpr double round_numbers[] = {1, 2, 5, 10};

// The least of 1, 2, 5 times a power of ten that is not below `value` (positive); the slack forgives the last bit.
double round_up(double value) {
  const double power = std::pow(10.0, std::floor(std::log10(value)));
  for (double digit : round_numbers) {
    if (digit * power >= value * (1 - 1e-12)) return digit * power;
  }
  return 10 * power;
}

}  // namespace

Scale share_scale(double largest, double zoom_below) {
  const bool zoom = largest > 0 && largest < zoom_below;
  Scale scale{0, zoom ? round_up(std::max(largest, 1e-6)) : 1.0, {}};
  const double digit = scale.high / std::pow(10.0, std::floor(std::log10(scale.high) + 1e-9));
  const int parts = digit < 4 ? 4 : 5;
  for (int i = 0; i <= parts; ++i) scale.ticks.push_back(scale.high * i / parts);
  return scale;
}

Scale exponent_scale(double first, double last, int max_ticks) {
  if (first == last) return {first - 0.5, last + 0.5, {first}};
  Scale scale{first, last, {}};
  double step = 1;
  while (std::floor(last / step) - std::ceil(first / step) + 1 > max_ticks) step *= 2;
  for (double tick = std::ceil(first / step) * step; tick <= last; tick += step) scale.ticks.push_back(tick);
  return scale;
}

Scale step_scale(double first, double last, int max_ticks) {
  if (first == last) return {first - 0.5, last + 0.5, {first}};
  Scale scale{first, last, {}};
  const double step = round_up(std::max((last - first) / max_ticks, 1.0));
  for (double tick = std::ceil(first / step) * step; tick <= last; tick += step) scale.ticks.push_back(tick);
  return scale;
}

Scale value_scale(double smallest, double largest) {
  const double low = std::min(smallest, 0.0), high = std::max(largest, 0.0);
  const double step = high > low ? round_up((high - low) / 5) : 1.0;
  const double first = std::floor(low / step), last = std::max(std::ceil(high / step), first + 1);
  Scale scale{first * step, last * step, {}};
  for (double i = first; i <= last; ++i) scale.ticks.push_back(i * step);
  return scale;
}

Scale decade_scale(double smallest, double largest, int max_ticks) {
  const double low = std::floor(std::log10(smallest) + 1e-9), high = std::ceil(std::log10(largest) - 1e-9);
  Scale scale{low, std::max(high, low + 1), {}};
  if (scale.high - scale.low > 2) {
    double step = 1;
    while (std::floor((scale.high - scale.low) / step) + 1 > max_ticks) ++step;
    for (double tick = scale.low; tick <= scale.high; tick += step) scale.ticks.push_back(tick);
    return scale;
  }
  std::vector<double> all;
  for (double decade = scale.low; decade <= scale.high; ++decade) {
    for (const double digit : {1.0, 2.0, 5.0}) all.push_back(decade + std::log10(digit));
  }
  const auto below = std::upper_bound(all.begin() + 1, all.end() - 1, std::log10(smallest) + 1e-9) - 1;
  const auto above = std::lower_bound(below + 1, all.end() - 1, std::log10(largest) - 1e-9);
  return {*below, *above, std::vector<double>(below, above + 1)};
}

}  // namespace lowp
