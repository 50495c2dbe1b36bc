// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/audit_heat.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lowp/audit/audit_story.h"
#include "lowp/audit/audit_tables.h"
#include "lowp/report/humanize.h"

namespace lowp {
namespace {

constexpr std::size_t usual_rows = 40, most_rows = 400;

// What one row says of a format at a scale.
struct Part {
  std::uint64_t flushed = 0, nonzero = 0, beyond = 0;

  void add(const Outcome& outcome) {
    flushed += outcome.counts[ElementClass::flushed].most;
    nonzero += outcome.nonzero().most;
    beyond += outcome.counts[ElementClass::overflowed].least + outcome.counts[ElementClass::saturated].least;
  }
};
using Parts = std::vector<std::vector<Part>>;  // per format, per scale

struct NamedParts {
  std::string label;
  Parts parts;
};

Parts no_parts(const Question& question) {
  return Parts(question.formats.size(), std::vector<Part>(question.scales.size()));
}

void add(Parts& parts, const Outcomes& outcomes) {
  for (std::size_t format = 0; format < outcomes.size(); ++format) {
    for (std::size_t i = 0; i < outcomes[format].size(); ++i) parts[format][i].add(outcomes[format][i]);
  }
}

std::vector<NamedParts> parts_by_tensor(const AuditFindings& f, std::size_t rows) {
  Question question = f.question;
  question.counts_only = true;
  std::vector<NamedParts> all;
  std::map<std::string_view, std::size_t> place;
  for (const std::string_view name : names_by_loss(f)) {
    if (all.size() == rows) break;
    place[name] = all.size();
    all.push_back({std::string(name), no_parts(question)});
  }
  for_each_tensor(f.result.summary, [&](TensorRef, const StepSummary&, const TensorSummary& tensor) {
    const auto found = place.find(tensor.name);
    if (found == place.end() || !counts_elements(tensor.evidence)) return;
    if (const auto sweep = Sweep::of(tensor.evidence, question)) add(all[found->second].parts, sweep->all());
  });
  return all;
}

// The first, the last, and others at even distances.
std::vector<NamedParts> parts_by_step(const AuditFindings& f, std::size_t rows) {
  const auto& scoped = f.result.scoped;
  const std::size_t shown = std::min(rows, scoped.size());
  std::vector<NamedParts> all;
  for (std::size_t i = 0; i < shown; ++i) {
    const ScopedOutcomes& one = scoped[shown == 1 ? 0 : i * (scoped.size() - 1) / (shown - 1)];
    const StepSummary& step = f.result.summary.steps[one.ref.step];
    all.push_back({step.step ? fmt::format("step {}", *step.step) : step.path, no_parts(f.question)});
    add(all.back().parts, one.outcomes);
  }
  return all;
}

// "share of non-zero values flushed to zero; 40 of 312 tensors; needs no loss scale"
std::string remark_of(const Panel& panel, const std::string& of_what, const std::string& verdict) {
  std::string text = "share of non-zero values flushed to zero";
  const auto is_blank = [](const HeatRow& row) {
    return std::ranges::all_of(row.share, [](double share) { return share == 0; }) &&
           std::ranges::none_of(row.marked, [](bool marked) { return marked; });
  };
  if (std::ranges::all_of(panel.heat, is_blank)) text += ": none at any of these scales";
  for (const std::string& part : {of_what, verdict}) text += part.empty() ? "" : "; " + part;
  return text;
}

HeatRow row_of(const NamedParts& named, std::size_t format) {
  HeatRow row{named.label, {}, {}};
  for (const Part& part : named.parts[format]) {
    row.share.push_back(part.nonzero == 0 ? 0 : static_cast<double>(part.flushed) / static_cast<double>(part.nonzero));
    row.marked.push_back(part.beyond != 0);
  }
  return row;
}

}  // namespace

Figure audit_heat(const AuditFindings& f) {
  const bool by_tensor = f.by == Scope::tensor;
  Figure figure{by_tensor ? "What each tensor loses, by loss scale" : "What each step loses, by loss scale",
                subtitle_of(f), "loss scale", "", {}};
  if (f.by == Scope::total || f.result.total.empty()) return figure;
  const std::size_t rows = std::min(f.top.value_or(usual_rows), most_rows);
  const std::vector<NamedParts> all = by_tensor ? parts_by_tensor(f, rows) : parts_by_step(f, rows);
  const std::size_t whole = by_tensor ? names_by_loss(f).size() : f.result.scoped.size();
  for (std::size_t format = 0; format < f.question.formats.size(); ++format) {
    Panel panel;
    panel.title = f.question.formats[format].name;
    for (int scale = f.question.scales.low; scale <= f.question.scales.high; ++scale) panel.x.push_back(scale);
    for (const NamedParts& named : all) panel.heat.push_back(row_of(named, format));
    point_out(panel, f.recommendations[format], f.question.scales);
    const std::string of_what = by_tensor ? counted(whole, "tensor", "tensors") : counted(whole, "step", "steps");
    panel.remark = remark_of(
        panel, all.size() < whole ? fmt::format("{} of {}", grouped(all.size()), of_what) : "", panel.remark);
    figure.panels.push_back(std::move(panel));
  }
  return figure;
}

}  // namespace lowp
