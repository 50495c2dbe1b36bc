// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/audit_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "lowp/report/humanize.h"
#include "lowp/summary/below.h"

namespace lowp {
namespace {

double to_double(Exact x) {
  return std::ldexp(static_cast<double>(x.significand), x.exponent);
}

// One tensor name over all steps.
struct NamedLosses {
  const std::string* name = nullptr;
  Exact max_abs, min_nonzero_abs;
  std::uint64_t nonzero = 0;
  std::vector<std::uint64_t> lost;  // per target, flushed to zero at the scale shown for it
};

std::vector<NamedLosses> losses_by_name(const AuditFindings& f) {
  std::map<std::string_view, NamedLosses> by_name;
  for_each_tensor(f.result.summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    const std::optional<TensorCounts> known = counts_of(tensor.evidence);
    if (!known || known->nonzero() == 0) return;
    const TensorCounts& counts = *known;
    NamedLosses& losses = by_name[tensor.name];
    const bool first = losses.name == nullptr;
    losses.name = &tensor.name;
    losses.nonzero += counts.nonzero();
    if (first || to_double(losses.max_abs) < to_double(counts.max_abs)) losses.max_abs = counts.max_abs;
    if (first || to_double(losses.min_nonzero_abs) < to_double(counts.min_nonzero_abs)) {
      losses.min_nonzero_abs = counts.min_nonzero_abs;
    }
    losses.lost.resize(f.question.formats.size());
    for (std::size_t target = 0; target < losses.lost.size(); ++target) {
      losses.lost[target] += flushed_at(counts, f.question.target(target), shown_scale(f, target));
    }
  });
  std::vector<NamedLosses> all;
  for (auto& [name, losses] : by_name) all.push_back(std::move(losses));
  return all;
}

// The first format in which any tensor loses a value; how many formats there are where none does.
std::size_t first_losing(const AuditFindings& f, const std::vector<NamedLosses>& all) {
  std::size_t first = 0;
  const auto loses = [&](const NamedLosses& losses) { return losses.lost[first] != 0; };
  while (first < f.question.formats.size() && std::ranges::none_of(all, loses)) ++first;
  return first;
}

void sort_by_loss(std::vector<NamedLosses>& all, std::size_t format) {
  std::ranges::stable_sort(all, std::greater{}, [&](const NamedLosses& losses) { return losses.lost[format]; });
}

}  // namespace

std::vector<std::string_view> names_by_loss(const AuditFindings& f) {
  std::vector<NamedLosses> all = losses_by_name(f);
  const std::size_t first = first_losing(f, all);
  if (first < f.question.formats.size()) sort_by_loss(all, first);
  std::vector<std::string_view> names;
  for (const NamedLosses& losses : all) names.push_back(*losses.name);
  return names;
}

Block worst_tensors(const AuditFindings& f) {
  std::vector<NamedLosses> all = losses_by_name(f);
  const std::size_t targets = f.question.formats.size(), first = first_losing(f, all);
  if (first == targets)
    return Paragraph{"No tensor has a value flushed to zero at the scales that are advised.", 0, 0};
  if (f.by != Scope::tensor) std::erase_if(all, [&](const NamedLosses& losses) { return losses.lost[first] == 0; });
  sort_by_loss(all, first);
  const std::size_t shown = std::min(all.size(), f.top.value_or(f.by == Scope::tensor ? 40 : 5));
  const std::string rest =
      shown == all.size() ? "" : fmt::format("; {} of {}", grouped(shown), counted(all.size(), "tensor", "tensors"));
  all.resize(shown);
  Grid grid{fmt::format("Tensors that lose most in {} (share of their non-zero values flushed to zero{})",
                        f.question.formats[first].name, rest),
            {"tensor", "largest", "smallest"},
            1,
            {}};
  for (std::size_t target = 0; target < targets; ++target) {
    grid.header.push_back(fmt::format("{} {}", f.question.formats[target].name, power_text(shown_scale(f, target))));
  }
  grid.key_column = 3 + static_cast<int>(first);
  for (const NamedLosses& losses : all) {
    GridRow row{
        {*losses.name, magnitude_text(to_double(losses.max_abs)), magnitude_text(to_double(losses.min_nonzero_abs))},
        {}};
    for (const std::uint64_t lost : losses.lost) row.cells.push_back(percent_text(lost, losses.nonzero));
    grid.rows.push_back(std::move(row));
  }
  return grid;
}

std::optional<Grid> steps_grid(const AuditFindings& f) {
  if (f.by != Scope::step) return {};
  Grid grid{"Each step (share of its non-zero values flushed to zero, and overflowed)", {"step", "values"}, 1, {}};
  for (std::size_t target = 0; target < f.question.formats.size(); ++target) {
    grid.header.push_back(fmt::format("{} {}", f.question.formats[target].name, power_text(shown_scale(f, target))));
    grid.header.push_back("overflow");
  }
  for (const ScopedOutcomes& scoped : f.result.scoped) {
    const StepSummary& step = f.result.summary.steps[scoped.ref.step];
    const std::string name = step.step ? fmt::format("{}", *step.step) : step.path;
    GridRow row{{name, grouped(scoped.outcomes.front().front().elements)}, {}};
    for (std::size_t target = 0; target < f.question.formats.size(); ++target) {
      const int scale = shown_scale(f, target);
      if (!f.question.scales.contains(scale)) {  // steps are kept at the scales that were asked for
        row.cells.insert(row.cells.end(), 2, "-");
        continue;
      }
      const Outcome& outcome = scoped.outcomes[target][f.question.scales.index(scale)];
      for (const ElementClass c : {ElementClass::flushed, ElementClass::overflowed})
        row.cells.push_back(percent_text(outcome.counts[c].most, outcome.nonzero().most));
    }
    grid.rows.push_back(std::move(row));
  }
  return grid;
}

}  // namespace lowp
