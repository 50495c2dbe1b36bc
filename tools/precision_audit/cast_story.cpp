// SPDX-License-Identifier: Apache-2.0
#include "cast_story.h"

#include <fmt/format.h>

#include "format_text.h"
#include "lowp/exact/exact_number.h"

namespace lowp::tool {
namespace {

// 2^-23 (1.1920929e-07); a short decimal stands alone.
std::string value_text(Exact x) {
  const std::string exact = exact_text(x);
  return exact.find('^') == exact.npos ? exact : fmt::format("{} ({})", exact, short_text(x));
}

GridRow neighbour_row(std::string_view name, Format f, std::uint64_t code) {
  return {{std::string(name), code_text(f, code), bits_text(f, code), value_text(decode(f, code))}, {}};
}

// The finite numbers next to the result, in the order of values. Codes of one sign are in order of magnitude.
Grid neighbours(const CastRules& rules, const Cast& cast) {
  const Format f = rules.format;
  Grid grid{"", {"", "code", fields_text(f), "value"}, 4, {}};
  const Kind kind = cast.result.kind;
  const bool steps = (kind == Kind::finite || kind == Kind::zero) && f.sign != SignRule::complement;
  const std::uint64_t magnitude = cast.code & magnitude_mask(f);
  const std::uint64_t sign = cast.code & sign_bit(f);
  if (steps && magnitude < max_finite_code(f))
    grid.rows.push_back(neighbour_row("farther from zero", f, sign | (magnitude + 1)));
  grid.rows.push_back(neighbour_row("result", f, cast.code));
  if (steps && magnitude > (sign != 0 && !has_negative_zero(f) ? 1 : 0))
    grid.rows.push_back(neighbour_row("nearer to zero", f, sign | (magnitude - 1)));
  return grid;
}

std::string scale_text(int scale_log2) {
  return scale_log2 < 63 && scale_log2 >= 0 ? fmt::format("2^{} ({})", scale_log2, std::uint64_t{1} << scale_log2)
                                            : fmt::format("2^{}", scale_log2);
}

std::string rescue_text(const Cast& cast) {
  std::string text;
  if (cast.outcome == CastClass::flushed && cast.survives_at)
    text = fmt::format("A loss scale of {} keeps it from zero", scale_text(*cast.survives_at));
  if (cast.normal_at)
    text +=
        fmt::format("{} {} keeps full precision.", text.empty() ? "A loss scale of" : ";", scale_text(*cast.normal_at));
  else if (!text.empty())
    text += ".";
  if (cast.fits_at) text = fmt::format("A scale of {} would bring it into range.", scale_text(*cast.fits_at));
  return text;
}

}  // namespace

void tell_cast(const std::string& word, int scale_log2, const CastRules& rules, const Cast& cast, Report& report) {
  const std::string scale = scale_log2 == 0 ? "" : fmt::format(" times 2^{}", scale_log2);
  const bool after_text = !report.story.empty() && std::holds_alternative<Paragraph>(report.story.back());
  if (after_text) report.story.push_back(Paragraph{});
  report.story.push_back(Paragraph{
      fmt::format("{}{} in {} becomes {}: {}", word, scale, rules.to, value_text(cast.result), why(rules, cast)), 0,
      2});
  report.story.push_back(neighbours(rules, cast));
  if (cast.outcome == CastClass::flushed) {
    report.story.push_back(Paragraph{"Error: the whole value.", 2, 0});
  } else if (cast.ulps && *cast.ulps != 0) {
    report.story.push_back(Paragraph{fmt::format("Error: {:+.3g} units in the last place.", *cast.ulps), 2, 0});
  }
  if (const std::string rescue = rescue_text(cast); !rescue.empty()) report.story.push_back(Paragraph{rescue, 2, 0});
}

namespace {

template <class T>
Cell optional_cell(const std::optional<T>& value, std::string_view reason) {
  if (!value) return {Null{std::string(reason)}};
  if constexpr (std::is_same_v<T, double>) {
    return {*value};
  } else {
    return {static_cast<std::int64_t>(*value)};
  }
}

}  // namespace

Table cast_table() {
  return {"casts",
          {"value", "to", "applied_scale_log2", "code", "bits", "result", "result_decimal", "class", "exact",
           "error_ulps", "scale_log2.survives", "scale_log2.normal", "scale_log2.fits", "why"},
          {}};
}

Row cast_record(const std::string& word, int scale_log2, const CastRules& rules, const Cast& cast) {
  return {{word},
          {rules.to},
          {std::int64_t{scale_log2}},
          {code_text(rules.format, cast.code)},
          {bits_text(rules.format, cast.code)},
          {exact_text(cast.result)},
          {decimal_text(cast.result)},
          {std::string(class_name(cast.outcome))},
          {cast.exact},
          optional_cell(cast.ulps, "not a finite result"),
          optional_cell(cast.survives_at, "not flushed or subnormal"),
          optional_cell(cast.normal_at, "not flushed or subnormal"),
          optional_cell(cast.fits_at, "in range"),
          {why(rules, cast)}};
}

}  // namespace lowp::tool
