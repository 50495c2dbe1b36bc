// SPDX-License-Identifier: Apache-2.0
#include "accumulate_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arguments.h"
#include "commands.h"
#include "lowp/accumulate/over_report.h"

namespace lowp::tool::accumulate {
namespace {

using Wrong = std::optional<std::string>;

template <class Rows>
std::string names_of(const Rows& rows) {
  std::string names;
  for (const auto& row : rows) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

Result<Report> answer_over(const StepSeries& series, const Words& words, const Settings& settings) {
  const OverOptions options{settings.accumulators, settings.models,    settings.terms,      words.block,
                            words.predivide,       settings.scale_low, settings.scale_high, words.threads};
  auto result = sum_over(series, options);
  if (!result) return result.error();
  return over_report(series, options, *result, words.over == "files", version);
}

// One row per question: how it is asked, what it is kept in unless told otherwise, who answers.
struct Mode {
  std::string_view name;
  bool (*asked)(const Words& words);
  std::string_view formats;
  Question question;
};
const Mode modes[] = {
    {"--over", [](const Words& w) { return !w.over.empty(); }, "bf16,fp16,fp32", answer_over},
};

Wrong read_accumulators(const Words& words, std::string_view formats, Settings& settings) {
  const RoundingName* rounding = find_rounding(words.rounding);
  if (!rounding) return fmt::format("--rounding: unknown '{}'; known: {}", words.rounding, names_of(rounding_names));
  const OverflowName* overflow = find_overflow(words.overflow);
  if (!overflow) return fmt::format("--overflow: unknown '{}'; known: {}", words.overflow, names_of(overflow_names));
  const auto read = [&](const std::string& name) -> std::optional<Accumulator> {
    const FormatLookup found = find_format(name);
    if (!found.found || !fits_double(found.format) || !is_signed(found.format)) return {};
    const int random_bits = std::min(32, 62 - found.format.precision);
    return Accumulator{name, found.format, rounding->mode, overflow->rule, std::min(random_bits, 23), words.seed};
  };
  for (const std::string& name : split(formats, ',')) {
    const auto accumulator = read(name);
    if (!accumulator) return fmt::format("--formats: '{}' is no format that sums can be kept in", name);
    settings.accumulators.push_back(*accumulator);
  }
  if (!words.terms.empty()) {
    settings.terms = read(words.terms);
    if (!settings.terms) return fmt::format("--terms: '{}' is no format that contributions can have", words.terms);
  }
  return {};
}

Wrong read_models(const Words& words, Settings& settings) {
  for (const std::string& name : split(words.models, ',')) {
    const SumModel* model = find_sum_model(name);
    if (!model) return fmt::format("--models: unknown '{}'; known: {}", name, names_of(sum_table));
    settings.models.push_back(model);
  }
  return {};
}

Wrong read_numbers(const Words& words, Settings& settings) {
  const auto scales = parse_scales(words.scales);
  if (!scales || scales->low < -200 || scales->high > 200) {
    return fmt::format("--scales: wanted LOW:HIGH as log2 between -200 and 200, found '{}'", words.scales);
  }
  settings.scale_low = scales->low;
  settings.scale_high = scales->high;
  const auto scale = parse_power_of_two(words.scale);
  if (!scale) return fmt::format("--scale: wanted a power of two such as 65536 or 2^16, found '{}'", words.scale);
  settings.scale_log2 = *scale;
  if (!words.over.empty() && words.over != "steps" && words.over != "files") return "--over: wanted steps or files";
  if (words.block < 1) return "--block: wanted at least 1";
  if (!(words.predivide > 0) || !std::isfinite(words.predivide)) return "--predivide: wanted a positive number";
  if (words.threads < 0 || words.threads > 1024) return "--threads: wanted 0 to 1024";
  return {};
}

}  // namespace

void declare_modes(CLI::App&, Words&, const char*) {}

std::optional<std::string> read_words(const Words& words, Settings& settings) {
  const Mode* chosen = nullptr;
  std::string names;
  for (const Mode& mode : modes) {
    names += (names.empty() ? "" : ", ") + std::string(mode.name);
    if (!mode.asked(words)) continue;
    if (chosen != nullptr) return fmt::format("wanted one of {}, found {} and {}", names, chosen->name, mode.name);
    chosen = &mode;
  }
  if (chosen == nullptr) return fmt::format("wanted one of {} (see accumulate --help)", names);
  settings.question = chosen->question;
  settings.open.select = words.select;
  const std::string formats = words.formats.empty() ? std::string(chosen->formats) : words.formats;
  if (Wrong wrong = read_accumulators(words, formats, settings)) return wrong;
  if (Wrong wrong = read_models(words, settings)) return wrong;
  if (Wrong wrong = read_numbers(words, settings)) return wrong;
  settings.writer = find_writer(words.output);
  if (!settings.writer) return fmt::format("--output: unknown '{}'; known: {}", words.output, names_of(writers()));
  return {};
}

}  // namespace lowp::tool::accumulate
