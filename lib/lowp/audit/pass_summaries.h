// SPDX-License-Identifier: Apache-2.0
// Steps that are evidence already, in place of elements. Part of summarize.cpp.
#pragma once

#include <tbb/task_arena.h>

#include <map>
#include <optional>
#include <utility>

#include "lowp/audit/pass.h"

namespace lowp::pass {

// As many are read at the same time as there are threads.
template <class Way>
std::size_t Pass<Way>::end_of_summaries(std::size_t begin) const {
  const std::size_t most = begin + static_cast<std::size_t>(tbb::this_task_arena::max_concurrency());
  std::size_t end = begin + 1;
  while (end < std::min(most, series_.inputs.size()) && series_.inputs[end].summary) ++end;
  return end;
}

// Side by side, except where each step's sum is wanted before the next is begun.
template <class Way>
Result<Done> Pass<Way>::take_summaries(std::size_t begin, std::size_t end) {
  std::vector<std::optional<Result<std::vector<std::string>>>> notes(end - begin);
  const auto take = [&](std::size_t s) { notes[s - begin] = take_summary(s); };
  if (keep_.step_totals) {
    for (std::size_t s = begin; s < end; ++s) take(s);
  } else {
    tbb::parallel_for(begin, end, take);
  }
  for (std::size_t s = begin; s < end; ++s) {
    if (!*notes[s - begin]) return notes[s - begin]->error();
    if (auto done = finish_step(s, **notes[s - begin]); !done) return done.error();
  }
  return Done{};
}

// What was selected of a step, at the level asked for or at its own; the notes of the summary.
template <class Way>
Result<std::vector<std::string>> Pass<Way>::take_summary(std::size_t s) {
  auto read = series_.inputs[s].summary();
  if (!read) return read.error();
  StepSummary& step = summary_.steps[s];
  step.sources = std::move(read->sources);
  step.dump = std::move(read->dump);
  std::map<std::string_view, TensorSummary*> by_name;  // where some were left out
  const bool all = read->tensors.size() == step.tensors.size();
  if (!all) {
    for (TensorSummary& entry : read->tensors) by_name[entry.name] = &entry;
  }
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, step.tensors.size(), 64), [&](const auto& range) {
    for (std::size_t t = range.begin(); t != range.end(); ++t)
      take_entry({s, t}, all ? read->tensors[t] : *by_name.at(step.tensors[t].name));
  });
  if (effort_.progress) effort_.progress(step.bytes);
  if (keep_.step_totals) {
    auto total = sum_of_read();
    if (!total) return total.error();
    step.total = *total ? **total : Evidence{typename Way::Counter(plan_).take()};
    if (*total && keep_.total) {
      if (auto done = add_evidence(read_total_, **std::move(total)); !done) return done.error();
    }
  }
  return std::move(read->notes);
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

template <class Way>
Result<Done> Pass<Way>::take_read() {
  auto sum = sum_of_read();
  if (!sum) return sum.error();
  if (!*sum || !keep_.total) return Done{};
  return add_evidence(read_total_, **std::move(sum));
}

// Counts and tables of the counter's own shape are added in place.
template <class Way>
void Pass<Way>::take_entry(TensorRef ref, TensorSummary& entry) {
  Workspace<Way>& work = workspace();
  if (watch_.tensor) watch_.tensor(ref, entry.evidence);
  TensorSummary& tensor = summary_.steps[ref.step].tensors[ref.tensor];
  tensor.part = entry.part;
  const bool adds = (keep_.total || keep_.step_totals) && counts_elements(entry.evidence);
  if (const auto* counts = std::get_if<BinadeCounts>(&entry.evidence)) {
    const CountedRows rows = counts->counted();
    if (adds) work.read_counts.add(rows);
    tensor.evidence = keep_.tensors == Level::flushed ? Evidence{flushed_of(rows)} : std::move(entry.evidence);
    return;
  }
  const auto* table = std::get_if<typename Way::Table>(&entry.evidence);
  if (adds && (!table || dump_scale_log2_ != 0 || !work.running.add(*table))) {
    if (auto done = add_evidence(work.read, entry.evidence); !done) work.error = done.error();
  }
  auto kept = lowered(entry.evidence, keep_.tensors);
  tensor.evidence = kept ? *std::move(kept) : std::move(entry.evidence);
}

}  // namespace lowp::pass
