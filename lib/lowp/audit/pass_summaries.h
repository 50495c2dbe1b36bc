// SPDX-License-Identifier: Apache-2.0
// Steps that are evidence already, in place of elements. Part of summarize.cpp.
#pragma once

#include <map>
#include <utility>

#include "lowp/audit/pass.h"

namespace lowp::pass {

// What was selected of a step, at the level asked for or at its own.
template <class Way>
Result<Done> Pass<Way>::take_summary(std::size_t s) {
  auto read = series_.inputs[s].summary();
  if (!read) return read.error();
  StepSummary& step = summary_.steps[s];
  step.sources = read->sources;
  step.dump = read->dump;
  read_notes_ = read->notes;
  std::map<std::string_view, TensorSummary*> by_name;
  for (TensorSummary& entry : read->tensors) by_name[entry.name] = &entry;
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, step.tensors.size(), 16), [&](const auto& range) {
    for (std::size_t t = range.begin(); t != range.end(); ++t) take_entry({s, t}, *by_name.at(step.tensors[t].name));
  });
  if (effort_.progress) effort_.progress(step.bytes);
  auto total = sum_of_read();
  if (!total) return total.error();
  if (keep_.step_totals) step.total = *total ? **total : Evidence{typename Way::Counter(plan_).take()};
  if (!*total || !keep_.total) return Done{};
  return add_evidence(read_total_, **std::move(total));
}

// What all threads have added up since the last time.
template <class Way>
Result<std::optional<Evidence>> Pass<Way>::sum_of_read() {
  std::optional<Evidence> total;
  for (auto& work : workspaces_) {
    if (!work) continue;
    if (work->error) return *work->error;
    std::vector<Evidence> sums;
    if (work->read) sums.push_back(*std::exchange(work->read, std::nullopt));
    if (!work->read_counts.is_empty()) sums.push_back(Evidence{work->read_counts.take()});
    if (work->running.elements() != 0) sums.push_back(Evidence{work->running.take()});
    for (Evidence& sum : sums) {
      if (auto done = add_evidence(total, std::move(sum)); !done) return done.error();
    }
  }
  return total;
}

// Counts and tables of the counter's own shape are added in place.
template <class Way>
void Pass<Way>::take_entry(TensorRef ref, TensorSummary& entry) {
  Workspace<Way>& work = workspace();
  if (watch_.tensor) watch_.tensor(ref, entry.evidence);
  if ((keep_.total || keep_.step_totals) && counts_elements(entry.evidence)) {
    const auto* table = std::get_if<typename Way::Table>(&entry.evidence);
    if (const auto* counts = std::get_if<BinadeCounts>(&entry.evidence)) {
      work.read_counts.add(*counts);
    } else if (!table || dump_scale_log2_ != 0 || !work.running.add(*table)) {
      if (auto done = add_evidence(work.read, entry.evidence); !done) work.error = done.error();
    }
  }
  TensorSummary& tensor = summary_.steps[ref.step].tensors[ref.tensor];
  tensor.part = entry.part;
  auto kept = lowered(entry.evidence, keep_.tensors);
  tensor.evidence = kept ? *std::move(kept) : std::move(entry.evidence);
}

}  // namespace lowp::pass
