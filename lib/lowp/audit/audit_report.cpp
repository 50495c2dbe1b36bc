// SPDX-License-Identifier: Apache-2.0
// Records for machines. The names are an interface: docs/records.md lists them, CHANGELOG.md what changed.
#include "lowp/audit/audit_report.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "lowp/audit/audit_story.h"

namespace lowp {
namespace {

Cell text(std::string_view value) {
  return Cell{std::string(value)};
}
Cell integer(std::int64_t value) {
  return Cell{value};
}
Cell count(std::uint64_t value) {
  return Cell{value};
}
Cell null(std::string_view reason = {}) {
  return Cell{Null{std::string(reason)}};
}
template <class T>
Cell maybe(const std::optional<T>& value, std::string_view reason = {}) {
  return value ? integer(*value) : null(reason);
}
Cell rate(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? null("no elements") : Cell{static_cast<double>(part) / static_cast<double>(whole)};
}
Cell magnitude(Exact x, std::string_view reason) {
  if (x.kind != Kind::finite) return null(reason);
  return Cell{std::ldexp(static_cast<double>(x.significand), x.exponent)};
}
CellList texts(const std::vector<std::string>& lines) {
  CellList list;
  for (const std::string& line : lines) list.push_back(text(line));
  return list;
}

std::vector<Source> sources_of(const Summary& summary) {
  std::vector<Source> sources;
  for (const StepSummary& step : summary.steps) {
    Source source{step.path, step.reader, {}, step.tensors.size(), 0, step.bytes, step.notes};
    for (const TensorSummary& tensor : step.tensors) source.elements += census_of(tensor.evidence).elements;
    if (step.step) source.steps.push_back(*step.step);
    sources.push_back(std::move(source));
  }
  return sources;
}

// Extremes as they were dumped.
Row tensor_row(const StepSummary& step, const TensorSummary& tensor) {
  const Census census = census_of(tensor.evidence);
  CellList shape;
  for (const std::uint64_t size : tensor.shape) shape.push_back(count(size));
  return {text(tensor.name),
          text(step.path),
          maybe(step.step),
          Cell{shape},
          text(tensor.dtype->name),
          count(census.elements),
          count(census.zero_in),
          count(census.nan_in),
          count(census.inf_in),
          magnitude(scaled(census.max_abs, step.dump_scale_log2), "no finite non-zero value"),
          magnitude(scaled(census.min_nonzero_abs, step.dump_scale_log2), "no finite non-zero value")};
}

Table tensors_table(const Summary& summary) {
  Table table{"tensors",
              {"name", "path", "step", "shape", "dtype", "elements", "zero_in", "nan_in", "inf_in", "max_abs",
               "min_nonzero_abs"},
              {},
              false};
  table.more = [&summary](const TakeRow& take) {
    for (const StepSummary& step : summary.steps) {
      for (const TensorSummary& tensor : step.tensors) {
        if (!take(tensor_row(step, tensor))) return;
      }
    }
  };
  return table;
}

const std::vector<std::string> outcome_keys{"scope",
                                            "name",
                                            "step",
                                            "format",
                                            "rounding",
                                            "overflow",
                                            "scale_log2",
                                            "elements",
                                            "zero_in",
                                            "nan_in",
                                            "inf_in",
                                            "counts.flushed",
                                            "counts.subnormal",
                                            "counts.normal",
                                            "counts.saturated",
                                            "counts.overflowed",
                                            "counts.exact",
                                            "rates.flushed_of_all",
                                            "rates.flushed_of_nonzero",
                                            "rates.subnormal_of_nonzero",
                                            "rates.overflowed_of_nonzero",
                                            "error.sum_abs",
                                            "error.sum_squared",
                                            "error.bias",
                                            "error.snr_db",
                                            "error.share_of_squared.flushed",
                                            "error.share_of_squared.subnormal",
                                            "error.share_of_squared.normal",
                                            "error.share_of_squared.saturated"};

// A sum of squares may leave double's range although every element is inside: that is Null, never Inf.
Cell finite(double value) {
  return std::isfinite(value) ? Cell{value} : null("beyond the range of a double");
}

// The signal-to-noise ratio of what did not overflow would rise with every element that does.
std::string why_no_snr(const Outcome& outcome) {
  const Interval overflowed = outcome.counts[ElementClass::overflowed];
  if (overflowed.least != 0) return fmt::format("{} overflowed", overflowed.least);
  return outcome.nonzero() == 0 ? "no signal" : "no error";
}

std::vector<Cell> outcome_row(std::vector<Cell> scope, const Target& target, const Outcome& outcome) {
  const ClassCounts& counts = outcome.counts;
  const Interval nonzero = outcome.nonzero();
  std::vector<Cell> row = std::move(scope);
  const auto put = [&row](Cell cell) { row.push_back(std::move(cell)); };
  put(text(target.name));
  put(text(rounding_name(target.rounding)));
  put(text(overflow_name(target.overflow)));
  put(integer(outcome.scale_log2));
  for (const std::uint64_t number : {outcome.elements, outcome.zero_in.most, outcome.nan_in, outcome.inf_in})
    put(count(number));
  for (const Interval number : counts.of) put(count(number.most));
  constexpr std::string_view unasked = "only counts were asked for";
  put(outcome.exact ? count(outcome.exact->most) : null(unasked));
  put(rate(counts[ElementClass::flushed].most, outcome.elements));
  for (const ElementClass c : {ElementClass::flushed, ElementClass::subnormal, ElementClass::overflowed}) {
    put(rate(counts[c].most, nonzero.most));
  }
  if (!outcome.error) {
    while (row.size() < outcome_keys.size()) put(null(unasked));
    return row;
  }
  put(finite(outcome.error->sum_abs));
  put(finite(outcome.error->sum_squared));
  put(outcome.error->bias ? finite(*outcome.error->bias) : null("no elements"));
  put(outcome.error->snr_db ? Cell{*outcome.error->snr_db} : null(why_no_snr(outcome)));
  for (const double share : outcome.error->share_of_squared) put(Cell{share});
  return row;
}

bool give_outcomes(const AuditFindings& f, const std::vector<Cell>& scope, const Outcomes& outcomes,
                   const TakeRow& take) {
  for (std::size_t target = 0; target < outcomes.size(); ++target) {
    for (const Outcome& outcome : outcomes[target]) {
      if (!take(outcome_row(scope, f.question.target(target), outcome))) return false;
    }
  }
  return true;
}

// Of a dump with many tensors its rows are most of the report: they are made when they are written.
Table outcomes_table(const AuditFindings& f) {
  Table table{"outcomes", outcome_keys, {}, false};
  table.more = [&f](const TakeRow& take) {
    if (!give_outcomes(f, {text("total"), null(), null()}, f.result.total, take)) return;
    for (const ScopedOutcomes& scoped : f.result.scoped) {
      const StepSummary& step = f.result.summary.steps[scoped.ref.step];
      const bool tensor = scoped.scope == Scope::tensor;
      const std::string& name = tensor ? step.tensors[scoped.ref.tensor].name : step.path;
      const std::vector<Cell> scope{text(tensor ? "tensor" : "step"), text(name), maybe(step.step)};
      if (!give_outcomes(f, scope, scoped.outcomes, take)) return;
    }
  };
  return table;
}

// init_scale as an integer where it is one that JSON readers keep, else as a double.
Cell scale_cell(int scale_log2) {
  if (scale_log2 >= 0 && scale_log2 <= 53) return count(std::uint64_t{1} << scale_log2);
  return Cell{std::ldexp(1.0, scale_log2)};
}

std::string_view cause_name(Cause cause) {
  switch (cause) {
    case Cause::gradient: return "gradient";
    case Cause::loss_dtype: return "loss_dtype";
    case Cause::forward: return "forward";
    case Cause::dump_scale: return "dump_scale";
  }
  return "";
}

// A tensor by name and step.
struct Named {
  Cell name, step;
};
Named named(const AuditFindings& f, const std::optional<TensorRef>& ref) {
  if (!ref) return {null(), null()};
  const StepSummary& step = f.result.summary.steps[ref->step];
  return {text(step.tensors[ref->tensor].name), maybe(step.step)};
}

Cell limits_cell(const AuditFindings& f, const Judgement& judgement) {
  Table limits{"limits", {"cause", "log2", "name", "step"}, {}, false};
  for (const Limit& limit : judgement.limits) {
    const Named where = named(f, limit.ref);
    limits.rows.push_back(
        {text(cause_name(limit.cause)), maybe(limit.log2, "no loss scale helps"), where.name, where.step});
  }
  return Cell{std::make_shared<const Table>(std::move(limits))};
}

// `met`: the scale that the figures speak of meets the criterion.
Cell criteria_cell(const AuditFindings& f, const Recommendation& advice) {
  const Judgement& judgement = advice.judgement;
  Table criteria{
      "criteria", {"name", "decides", "threshold", "low_log2", "met", "bound_by.name", "bound_by.step"}, {}, false};
  const auto met = [&](const std::optional<int>& low) {
    return Cell{advice.shown_log2 >= low.value_or(advice.shown_log2)};
  };
  const Named precise = named(f, judgement.precision_by), ranged = named(f, judgement.range_by);
  constexpr std::string_view unknown = "only counts were asked for", everywhere = "met down to the smallest scale";
  criteria.rows.push_back({text("precision"), Cell{precision_decides(judgement, f.policy)}, Cell{judgement.floor_db},
                           judgement.errors_known ? maybe(judgement.precision_low, everywhere) : null(unknown),
                           judgement.errors_known ? met(judgement.precision_low) : null(unknown), precise.name,
                           precise.step});
  criteria.rows.push_back({text("range"), Cell{range_decides(judgement, f.policy)}, Cell{f.policy.max_flushed},
                           maybe(judgement.range_low, everywhere), met(judgement.range_low), ranged.name, ranged.step});
  return Cell{std::make_shared<const Table>(std::move(criteria))};
}

std::vector<Cell> worst_cells(const AuditFindings& f, const std::optional<TensorState>& worst) {
  if (!worst) return {null("no gradient"), null(), null(), null()};
  const Named where = named(f, worst->ref);
  return {where.name, where.step, worst->snr_db ? Cell{*worst->snr_db} : null("exact, or only counts were asked for"),
          rate(worst->flushed, worst->nonzero)};
}

Table recommendations_table(const AuditFindings& f) {
  Table table{"recommendations",
              {"format",
               "verdict",
               "init_scale_log2",
               "init_scale",
               "static_scale_log2",
               "window_log2",
               "empty_window",
               "headroom_log2",
               "bound_above_by.name",
               "bound_above_by.step",
               "bound_below_by.name",
               "bound_below_by.step",
               "flushed_of_nonzero",
               "overflowed",
               "worst_tensor.name",
               "worst_tensor.step",
               "worst_tensor.snr_db",
               "worst_tensor.flushed_of_nonzero",
               "criteria",
               "limits",
               "reasons",
               "caveats"},
              {},
              false};
  for (std::size_t i = 0; i < f.recommendations.size(); ++i) {
    const Recommendation& advice = f.recommendations[i];
    const std::string_view none = advice.nonzero == 0   ? "nothing to scale"
                                  : advice.empty_window ? "no single scale fits"
                                                        : "8-bit formats have a scale per tensor or block";
    const Named above = named(f, advice.above), below = named(f, advice.below);
    std::vector<Cell> row{text(f.question.formats[i].name),
                          text(advice.verdict),
                          maybe(advice.init_scale_log2, none),
                          advice.init_scale_log2 ? scale_cell(*advice.init_scale_log2) : null(),
                          maybe(advice.static_scale_log2, none),
                          Cell{CellList{maybe(advice.window_low), maybe(advice.window_high)}},
                          Cell{advice.empty_window},
                          maybe(advice.headroom_log2),
                          above.name,
                          above.step,
                          below.name,
                          below.step,
                          rate(advice.flushed, advice.nonzero),
                          count(advice.beyond)};
    for (Cell& cell : worst_cells(f, advice.judgement.worst)) row.push_back(std::move(cell));
    row.push_back(criteria_cell(f, advice));
    row.push_back(limits_cell(f, advice.judgement));
    row.push_back(Cell{texts(advice.reasons)});
    row.push_back(Cell{texts(f.caveats)});
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::string_view overflow_name(Overflow overflow) {
  for (const OverflowName& row : overflow_names) {
    if (row.rule == overflow) return row.name;
  }
  return "custom";
}

std::string_view rounding_name(Rounding rounding) {
  for (const RoundingName& row : rounding_names) {
    if (row.mode == rounding) return row.name;
  }
  return "unknown";
}

Report audit_report(const AuditFindings& findings, bool with_tables) {
  Report report;
  if (with_tables) {
    report.sources = sources_of(findings.result.summary);
    report.tables = {tensors_table(findings.result.summary), outcomes_table(findings), recommendations_table(findings)};
  }
  report.story = audit_story(findings);
  report.figures = {audit_figure(findings)};
  return report;
}

}  // namespace lowp
