// SPDX-License-Identifier: Apache-2.0
// Records for machines. The names are an interface: docs/records.md lists them, CHANGELOG.md what changed.
#include "lowp/audit/audit_report.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

#include "lowp/audit/audit_heat.h"
#include "lowp/audit/audit_story.h"
#include "lowp/report/cells.h"
#include "lowp/summary/measures.h"

namespace lowp {
namespace {

template <class T>
Cell maybe(const std::optional<T>& value, std::string_view reason = {}) {
  return value ? integer_cell(*value) : null_cell(reason);
}
Cell rate(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? null_cell("no elements") : Cell{static_cast<double>(part) / static_cast<double>(whole)};
}
Cell magnitude(Exact x, std::string_view reason) {
  if (x.kind != Kind::finite) return null_cell(reason);
  return Cell{std::ldexp(static_cast<double>(x.significand), x.exponent)};
}
CellList texts(const std::vector<std::string>& lines) {
  CellList list;
  for (const std::string& line : lines) list.push_back(text_cell(line));
  return list;
}

std::vector<Source> sources_of(const Summary& summary) {
  std::vector<Source> sources;
  for (const StepSummary& step : summary.steps) {
    Source source{step.path, step.reader, {}, step.tensors.size(), 0, step.bytes, step.notes};
    for (const TensorSummary& tensor : step.tensors) source.elements += census_of(tensor.evidence).elements;
    if (step.step) source.steps.push_back(*step.step);
    add_source(sources, std::move(source));
  }
  return sources;
}

// Extremes as they were dumped.
Row tensor_row(const StepSummary& step, const TensorSummary& tensor) {
  const Census census = census_of(tensor.evidence);
  constexpr std::string_view unknown = "only the largest magnitude is known";
  if (!counts_elements(tensor.evidence)) {
    return {text_cell(tensor.name), text_cell(step.path),
            maybe(step.step),       null_cell(unknown),
            null_cell(unknown),     null_cell(unknown),
            null_cell(unknown),     null_cell(unknown),
            null_cell(unknown),     magnitude(census.max_abs, "no finite non-zero value"),
            null_cell(unknown)};
  }
  CellList shape;
  for (const std::uint64_t size : tensor.shape) shape.push_back(count_cell(size));
  return {text_cell(tensor.name),
          text_cell(step.path),
          maybe(step.step),
          Cell{shape},
          text_cell(tensor.dtype->name),
          count_cell(census.elements),
          count_cell(census.zero_in),
          count_cell(census.nan_in),
          count_cell(census.inf_in),
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

// Which outcome a row is of, then every measure that has a column.
std::vector<std::string> outcome_keys() {
  std::vector<std::string> keys{"scope", "name", "step", "format", "rounding", "overflow", "scale_log2"};
  for (const Measure& measure : measures()) {
    if (!measure.key.empty()) keys.emplace_back(measure.key);
  }
  return keys;
}

// An interval that is exact is one number.
Cell cell_of(const Measured& measured) {
  switch (measured.kind) {
    case Measured::Kind::missing: return null_cell(measured.why);
    case Measured::Kind::count:
      return measured.count.exact() ? count_cell(measured.count.most)
                                    : Cell{CountRange{measured.count.least, measured.count.most}};
    case Measured::Kind::number:
      return measured.exact() ? Cell{measured.most} : Cell{NumberRange{measured.least, measured.most}};
  }
  return null_cell({});
}

Row outcome_row(Row scope, const Target& target, const Outcome& outcome, bool counts_only) {
  Row row = std::move(scope);
  row.push_back(text_cell(target.name));
  row.push_back(text_cell(rounding_name(target.rounding)));
  row.push_back(text_cell(overflow_name(target.overflow)));
  row.push_back(integer_cell(outcome.scale_log2));
  for (const Measure& measure : measures()) {
    if (measure.key.empty()) continue;
    const bool unasked = counts_only && (measure.name == "exact" || measure.needs >= Level::errors);
    row.push_back(unasked ? null_cell("only counts were asked for") : cell_of(measure.value(outcome)));
  }
  return row;
}

bool give_outcomes(const AuditFindings& f, const std::vector<Cell>& scope, const Outcomes& outcomes,
                   const TakeRow& take) {
  for (std::size_t target = 0; target < outcomes.size(); ++target) {
    for (const Outcome& outcome : outcomes[target]) {
      if (!take(outcome_row(scope, f.question.target(target), outcome, f.question.counts_only))) return false;
    }
  }
  return true;
}

// Of a dump with many tensors its rows are most of the report: they are made when they are written.
Table outcomes_table(const AuditFindings& f) {
  Table table{"outcomes", outcome_keys(), {}, false};
  table.more = [&f](const TakeRow& take) {
    if (!give_outcomes(f, {text_cell("total"), null_cell({}), null_cell({})}, f.result.total, take)) return;
    for (const ScopedOutcomes& scoped : f.result.scoped) {
      const StepSummary& step = f.result.summary.steps[scoped.ref.step];
      const bool tensor = scoped.scope == Scope::tensor;
      const std::string& name = tensor ? step.tensors[scoped.ref.tensor].name : step.path;
      const std::vector<Cell> scope{text_cell(tensor ? "tensor" : "step"), text_cell(name), maybe(step.step)};
      if (!give_outcomes(f, scope, outcomes_of(f.result, scoped, f.question), take)) return;
    }
  };
  return table;
}

// init_scale as an integer where it is one that JSON readers keep, else as a double.
Cell scale_cell(int scale_log2) {
  if (scale_log2 >= 0 && scale_log2 <= 53) return count_cell(std::uint64_t{1} << scale_log2);
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
  if (!ref) return {null_cell({}), null_cell({})};
  const StepSummary& step = f.result.summary.steps[ref->step];
  return {text_cell(step.tensors[ref->tensor].name), maybe(step.step)};
}

constexpr std::string_view peaks_alone = "only largest magnitudes are known";

Cell limits_cell(const AuditFindings& f, const Judgement& judgement) {
  Table limits{"limits", {"cause", "log2", "name", "step"}, {}, false};
  for (const Limit& limit : judgement.limits) {
    const Named where = named(f, limit.ref);
    limits.rows.push_back(
        {text_cell(cause_name(limit.cause)), maybe(limit.log2, "no loss scale helps"), where.name, where.step});
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
  constexpr std::string_view unknown = "signal to noise was not judged", everywhere = "met down to the smallest scale";
  criteria.rows.push_back(
      {text_cell("precision"), Cell{precision_decides(judgement, f.policy)}, Cell{judgement.floor_db},
       judgement.errors_known ? maybe(judgement.precision_low, everywhere) : null_cell(unknown),
       judgement.errors_known ? met(judgement.precision_low) : null_cell(unknown), precise.name, precise.step});
  criteria.rows.push_back({text_cell("range"), Cell{range_decides(judgement, f.policy)}, Cell{f.policy.max_flushed},
                           maybe(judgement.range_low, everywhere), met(judgement.range_low), ranged.name, ranged.step});
  return Cell{std::make_shared<const Table>(std::move(criteria))};
}

std::vector<Cell> worst_cells(const AuditFindings& f, const std::optional<TensorState>& worst) {
  if (!worst) return {null_cell("no gradient was counted"), null_cell({}), null_cell({}), null_cell({})};
  const Named where = named(f, worst->ref);
  return {where.name, where.step,
          worst->snr_db ? Cell{*worst->snr_db} : null_cell("exact, or signal to noise was not judged"),
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
    const std::string_view none = advice.nothing_to_scale() ? "nothing to scale"
                                  : advice.empty_window ? "no single scale fits"
                                                        : "8-bit formats have a scale per tensor or block";
    const Named above = named(f, advice.above), below = named(f, advice.below);
    std::vector<Cell> row{text_cell(f.question.formats[i].name),
                          text_cell(advice.verdict),
                          maybe(advice.init_scale_log2, none),
                          advice.init_scale_log2 ? scale_cell(*advice.init_scale_log2) : null_cell({}),
                          maybe(advice.static_scale_log2, none),
                          Cell{CellList{maybe(advice.window_low), maybe(advice.window_high)}},
                          Cell{advice.empty_window},
                          maybe(advice.headroom_log2),
                          above.name,
                          above.step,
                          below.name,
                          below.step,
                          advice.nothing_to_scale() || advice.loss_known() ? rate(advice.flushed, advice.nonzero)
                                                                           : null_cell(peaks_alone),
                          count_cell(advice.beyond)};
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

AuditFindings audit_findings(const AuditResult& result, const Question& question, const Policy& policy, Scope by,
                             std::optional<std::size_t> top) {
  AuditFindings found{result, question, policy, recommend(result, question, policy), {}, by, top};
  found.caveats = caveats(result, question, policy, found.recommendations);
  return found;
}

Report audit_report(const AuditFindings& findings, bool with_tables, bool with_figure) {
  Report report;
  if (with_tables) {
    report.sources = sources_of(findings.result.summary);
    report.tables = {tensors_table(findings.result.summary), outcomes_table(findings), recommendations_table(findings)};
  }
  report.story = audit_story(findings);
  if (with_figure) report.figures = {findings.by == Scope::total ? audit_figure(findings) : audit_heat(findings)};
  return report;
}

}  // namespace lowp
