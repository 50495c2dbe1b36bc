// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/training_words.h"

#include <fmt/format.h>

#include <cmath>

#include "lowp/report/humanize.h"

namespace lowp::training {
namespace {

std::string base_name(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  if (end == std::string::npos) return path;
  const std::size_t slash = path.rfind('/', end), begin = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(begin, end + 1 - begin);
}

}  // namespace

std::string sources_text(const StepSeries& series) {
  const std::string first = base_name(series.inputs.front().path), last = base_name(series.inputs.back().path);
  return series.inputs.size() == 1 ? first : fmt::format("{} to {}", first, last);
}

std::string decibel_text(std::optional<double> snr_db) {
  return snr_db ? fmt::format("{:.0f} dB", *snr_db) : "exact";
}

std::string relative_text(std::optional<double> error) {
  if (!error) return "-";
  if (*error == 0) return "0";
  const double magnitude = std::abs(*error);
  if (magnitude < 1e-4) return fmt::format("{:.1e}", *error);
  if (magnitude >= 1e6) return fmt::format("{:.1e} x", *error);
  if (magnitude >= 100) {
    const double unit = std::pow(10, std::floor(std::log10(magnitude)) - 1);
    return fmt::format("{}{} x", *error < 0 ? "-" : "",
                       grouped(static_cast<std::uint64_t>(std::llround(magnitude / unit) * std::llround(unit))));
  }
  if (magnitude >= 2) return fmt::format("{:.2g} x", *error);
  if (magnitude >= 0.9995) return fmt::format("{:.0f} %", *error * 100);
  return magnitude < 0.01 ? fmt::format("{:.2f} %", *error * 100) : fmt::format("{:.1f} %", *error * 100);
}

std::string lost_text(std::uint64_t part, std::uint64_t whole) {
  if (part == 0) return "none";
  return part < 1000 && part * 1000 < whole ? fmt::format("{} of {}", grouped(part), grouped(whole))
                                            : percent_text(part, whole);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  }
  return text;
}

}  // namespace lowp::training
