// SPDX-License-Identifier: Apache-2.0
// Small dumps made value by value, and the advice on them.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "lowp/audit/recommend.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/binade_counter.h"
#include "lowp/summary/sweep.h"

namespace lowp_test {

using namespace lowp;

inline const Dtype& f32 = *find_dtype("f32");
inline const Dtype& f16 = *find_dtype("f16");

inline BinadeTable table_of(const std::vector<float>& values, const Dtype& dtype, int dump_scale) {
  std::vector<std::byte> bytes(values.size() * static_cast<std::size_t>(dtype.bytes));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t code =
        convert(ieee_format(8, 23), dtype.format, Conversion{}, std::bit_cast<std::uint32_t>(values[i]));
    std::memcpy(bytes.data() + i * static_cast<std::size_t>(dtype.bytes), &code, static_cast<std::size_t>(dtype.bytes));
  }
  BinadeCounter counter({}, dump_scale);
  REQUIRE(counter.count(dtype, bytes));
  return counter.take();
}

struct Dump {
  Summary summary;

  StepSummary& step(std::int64_t number, int dump_scale = 0) {
    StepSummary& step = summary.steps.emplace_back();
    step.path = "step" + std::to_string(number);
    step.step = number;
    step.dump_scale_log2 = dump_scale;
    return step;
  }
  static void add(StepSummary& step, const std::string& name, const std::vector<float>& values,
                  const Dtype& dtype = f32) {
    step.tensors.push_back(
        {name, &dtype, {values.size()}, Evidence{RoundingErrors(table_of(values, dtype, step.dump_scale_log2))}});
  }
};

inline std::vector<float> normal(std::size_t count, double scale, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> draw(0, scale);
  std::vector<float> values(count);
  for (float& x : values) x = static_cast<float>(draw(random));
  return values;
}

inline std::vector<float> with(std::vector<float> values, float extra) {
  values.push_back(extra);
  return values;
}

inline Question asked(const std::vector<std::string>& formats, ScaleRange scales = {}) {
  Question question;
  for (const std::string& name : formats) question.formats.push_back({name, find_format(name).format});
  question.scales = scales;
  return question;
}

struct Advised {
  std::vector<Recommendation> recommendations;
  std::vector<std::string> caveats;

  const Recommendation& front() const { return recommendations.front(); }
  bool warns(std::string_view part) const {
    return std::ranges::any_of(caveats, [&](const std::string& c) { return c.find(part) != std::string::npos; });
  }
};

inline Advised advised(const Dump& dump, const Question& question, const Policy& policy = {}) {
  AuditResult result;
  result.summary = dump.summary;
  std::vector<float> none;
  Evidence total{table_of(none, f32, 0)};
  bool first = true;
  for_each_tensor(dump.summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    if (!counts_elements(tensor.evidence)) return;
    total = first ? tensor.evidence : *merged(total, tensor.evidence);
    first = false;
  });
  const auto counted = [](const StepSummary& step) { return counts_elements(step); };
  if (std::ranges::any_of(dump.summary.steps, counted)) result.total = Sweep::of(total, question)->all();
  Advised all;
  all.recommendations = recommend(result, question, policy);
  all.caveats = caveats(result, question, policy, all.recommendations);
  return all;
}

// A largest magnitude that somebody wrote down.
inline void add_peak(StepSummary& step, const std::string& name, float largest) {
  const std::vector<float> one{largest};
  Evidence peak = *lowered(Evidence{table_of(one, f32, 0)}, Level::peak);
  std::get<Peak>(peak).elements = 0;
  step.tensors.push_back({name, find_dtype("f64"), {0}, std::move(peak)});
}

// A histogram that somebody logged; `max_abs` where its extremes are known.
inline void add_bins(StepSummary& step, const std::string& name, std::vector<Bin> bins, std::optional<Exact> max_abs = {}) {
  Bins evidence{std::move(bins), 0, 0, max_abs, {}};
  const std::uint64_t elements = evidence.elements();
  step.tensors.push_back({name, find_dtype("f32"), {elements}, Evidence{std::move(evidence)}});
}

inline bool says(const Recommendation& advice, std::string_view part) {
  if (advice.verdict.find(part) != std::string::npos) return true;
  return std::ranges::any_of(advice.reasons, [&](const std::string& r) { return r.find(part) != std::string::npos; });
}

}  // namespace lowp_test
