// SPDX-License-Identifier: Apache-2.0
#include "policy_options.h"

#include <fmt/format.h>

#include <cmath>

#include "arguments.h"
#include "format_words.h"
#include "lowp/summary/question.h"

namespace lowp::tool {
namespace {

Result<Format> loss_format(std::string_view word) {
  auto format = auditable_format(word);
  if (!format) return format.error();
  return format->format;
}

}  // namespace

void declare_policy(Options& o, Policy& policy) {
  o.value({.name = "--loss-dtype",
           .value = "DTYPE",
           .help = "of the loss, such as fp16: the gradient of an FP16 loss is the scale itself, so 2^15 is the limit"},
          policy.loss_format, optionally(loss_format));
  o.choice({.name = "--policy", .help = "what decides the smallest usable scale", .initial = "default"},
           policy.criteria, one_of<const Criteria*>(criteria_table, [](const Criteria& row) { return &row; }));
  o.value({.name = "--min-snr",
           .value = "DB",
           .help = "signal to noise that every tensor should keep, at most one bit below what the format can",
           .initial = fmt::format("{}", policy.min_snr_db)},
          policy.min_snr_db, number_that([](double x) { return std::isfinite(x); }, "a number of dB"));
  o.value({.name = "--max-flushed",
           .value = "SHARE",
           .help = "share of the non-zero weight gradients that may vanish beyond what the largest safe scale loses",
           .initial = fmt::format("{}", policy.max_flushed)},
          policy.max_flushed, number_that([](double x) { return x >= 0 && x <= 1; }, "a share from 0 to 1"));
  o.value({.name = "--headroom",
           .value = "N",
           .help = "binades that a static scale keeps free below overflow at least",
           .initial = fmt::format("{}", policy.min_headroom)},
          policy.min_headroom, integer_between<int>(0, scale_log2_limit));
}

}  // namespace lowp::tool
