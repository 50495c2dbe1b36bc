// SPDX-License-Identifier: Apache-2.0
// One pass over a series in one way. Part of summarize.cpp.
#pragma once

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>

#include "lowp/audit/pass_ways.h"
#include "lowp/base/crc32c.h"
#include "lowp/summary/class_edges.h"

namespace lowp::pass {

template <class Way>
class Pass {
  using Table = typename Way::Table;

 public:
  Pass(const StepSeries& series, const Keep& keep, const Effort& effort, const Watch& watch, typename Way::Plan plan)
      : series_(series), keep_(keep), effort_(effort), watch_(watch), plan_(std::move(plan)) {}

  Result<Summary> run() {
    summary_.steps.resize(series_.inputs.size());
    for (std::size_t begin = 0; begin < series_.inputs.size();) {
      const std::size_t end = end_of_batch(begin);
      for (std::size_t s = begin; s < end; ++s) summary_.steps[s] = described(series_.inputs[s]);
      if (auto done = run_batch(begin, end); !done) return done.error();
      begin = end;
    }
    if (!keep_.total) return std::move(summary_);
    if (auto done = take_read(); !done) return done.error();
    if (!total_ && !read_total_) total_ = typename Way::Counter(plan_).take();
    if (total_) {
      if (auto done = add_evidence(read_total_, Evidence{std::move(*total_)}); !done) return done.error();
    }
    summary_.total = std::move(read_total_);
    return std::move(summary_);
  }

 private:
  StepSummary described(const Input& input) const {
    StepSummary step;
    step.path = input.path;
    step.dump = std::filesystem::path(input.path).filename().string();
    step.reader = input.format;
    step.step = input.step;
    step.bytes = input.bytes;
    step.dump_scale_log2 = scale_of(input);
    step.loss_dtype = input.loss_dtype;
    step.notes = input.notes;
    for (const TensorView& view : input.tensors)
      step.tensors.push_back({view.name, view.dtype, view.shape, {}, keep_.part});
    return step;
  }

  // Steps that are counted together share their dump scale. Each is by itself where its total is wanted, and they are
  // few where somebody waits for them.
  std::size_t end_of_batch(std::size_t begin) const {
    const std::size_t most_waiting = keep_.tensors >= Level::leaves ? 64 : 1024;  // tensors
    if (series_.inputs[begin].summary) return end_of_summaries(begin);
    std::size_t end = begin + 1, tensors = series_.inputs[begin].tensors.size();
    if (keep_.step_totals) return end;
    for (; end < series_.inputs.size(); ++end) {
      const Input& input = series_.inputs[end];
      tensors += input.tensors.size();
      if (input.summary || scale_of(input) != scale_of(series_.inputs[begin])) break;
      if (watch_.step && tensors > most_waiting) break;
    }
    return end;
  }
  int scale_of(const Input& input) const { return input.dump_scale_log2.value_or(keep_.dump_scale_log2); }

  Result<Done> run_batch(std::size_t begin, std::size_t end) {
    if (series_.inputs[begin].summary) return take_summaries(begin, end);
    if (auto done = count_batch(begin, end); !done) return done.error();
    for (std::size_t s = begin; s < end; ++s) {
      if (auto done = finish_step(s, {}); !done) return done.error();
    }
    return Done{};
  }

  Result<Done> finish_step(std::size_t s, const std::vector<std::string>& more_notes) {
    std::vector<std::string> notes = notes_after_reading(series_.inputs[s]);
    notes.insert(notes.end(), more_notes.begin(), more_notes.end());
    summary_.steps[s].notes = std::move(notes);
    return watch_.step ? watch_.step(summary_.steps[s]) : Result<Done>(Done{});
  }

  Result<Done> count_batch(std::size_t begin, std::size_t end) {
    if (const int scale = summary_.steps[begin].dump_scale_log2; scale != dump_scale_log2_) {
      if (auto done = take_read(); !done) return done.error();
      workspaces_.clear();
      dump_scale_log2_ = scale;
    }
    std::vector<Job> jobs;
    for (std::size_t s = begin; s < end; ++s) {
      for (std::size_t t = 0; t < series_.inputs[s].tensors.size(); ++t)
        jobs.push_back({{s, t}, &series_.inputs[s].tensors[t], jobs.size()});
    }
    checksums_.assign(jobs.size(), 0);
    std::optional<Table> total;
    if (auto done = run_jobs(jobs, total); !done) return done.error();
    if (keep_.step_totals) summary_.steps[begin].total = total ? *total : typename Way::Counter(plan_).take();
    if (effort_.checksums) stamp(jobs);
    if (!total || !keep_.total) return Done{};
    return add_to(total_, *std::move(total));
  }

  // What each step's elements were, by checksums joined in the order of its tensors.
  void stamp(const std::vector<Job>& jobs) {
    std::map<std::size_t, std::uint32_t> crc;
    for (const Job& job : jobs) {
      std::uint32_t& sum = crc[job.ref.step];
      sum = crc32c_joined(sum, checksums_[job.number], job.bytes());
    }
    for (const auto& [step, sum] : crc) {
      const Input& input = series_.inputs[step];
      summary_.steps[step].sources = {{summary_.steps[step].dump, input.bytes, sum}};
    }
  }

  // Steps that are evidence already: see pass_summaries.h.
  std::size_t end_of_summaries(std::size_t begin) const;
  Result<Done> take_summaries(std::size_t begin, std::size_t end);
  Result<std::vector<std::string>> take_summary(std::size_t s);
  Result<std::optional<Evidence>> sum_of_read();
  Result<Done> take_read();
  void take_entry(TensorRef ref, TensorSummary& entry);

  // Small and sequential tensors side by side, then each large one by all threads: never more tables than threads.
  Result<Done> run_jobs(const std::vector<Job>& jobs, std::optional<Table>& total) {
    errors_.assign(jobs.size(), std::nullopt);
    std::vector<std::size_t> whole, split;
    for (std::size_t j = 0; j < jobs.size(); ++j) (is_split(jobs[j]) ? split : whole).push_back(j);
    if (is_elsewhere()) {
      for (const std::size_t j : whole) note(j, run_whole(jobs[j]));
    } else {
      tbb::parallel_for(tbb::blocked_range<std::size_t>(0, whole.size(), 1), [&](const auto& range) {
        for (std::size_t i = range.begin(); i != range.end(); ++i) {
          const Job& job = jobs[whole[i]];
          note(whole[i], is_small(job) ? run_small(job) : run_whole(job));
        }
      });
    }
    for (const std::size_t j : split) note(j, run_split(jobs[j], total));
    for (const std::optional<Error>& error : errors_) {
      if (error) return *error;
    }
    for (auto& work : workspaces_) {
      if (!work || work->running.elements() == 0) continue;
      if (auto done = add_to(total, work->running.take()); !done) return done.error();
    }
    return Done{};
  }

  void note(std::size_t j, const Result<Done>& done) {
    if (!done) errors_[j] = done.error();
  }

  bool is_elsewhere() const { return std::is_same_v<Way, AllMoments> && effort_.count_tensor; }

  // Tensors that need no table of their own, since bringing one to order would cost more than counting them twice: into
  // the running table, and into mere counts. Those know signs only where they are taken of all words at once.
  bool is_small(const Job& job) const {
    if (watch_.tensor || keep_.tensors != Level::flushed || job.view->dtype->bytes != 4) return false;
    if (std::is_same_v<Way, CountsAlone>) return job.bytes() <= counted_at_once();
    constexpr std::uint64_t most = std::uint64_t{64} << 20;  // more is worth the work of all threads
    return job.bytes() <= std::min(most, (sign_matters() ? 4 : 64) * chunk_of(job));
  }
  std::uint64_t counted_at_once() const { return std::min<std::uint64_t>(effort_.chunk_bytes, 1 << 16); }
  bool sign_matters() const { return looks_at_sign(keep_.question.rounding); }

  bool is_split(const Job& job) const {
    return !is_elsewhere() && job.bytes() > 2 * effort_.chunk_bytes && job.view->source->random_access() &&
           !is_small(job);
  }

  std::uint64_t chunk_of(const Job& job) const {
    const auto step = static_cast<std::uint64_t>(job.view->dtype->bytes);
    return std::max<std::uint64_t>(effort_.chunk_bytes / step, 1) * step;
  }

  Workspace<Way>& workspace() {
    std::unique_ptr<Workspace<Way>>& held = workspaces_.local();
    if (!held) held = std::make_unique<Workspace<Way>>(plan_, dump_scale_log2_);
    return *held;
  }

  // Reads `size` bytes from `begin` on, `chunk` at a time; each piece goes to `count`.
  template <class Count>
  Result<Done> read_range(const Job& job, std::uint64_t begin, std::uint64_t size, std::uint64_t chunk,
                          Workspace<Way>& work, Count count) {
    work.checksum = 0;
    auto stream = job.view->source->stream(begin);
    if (!stream) return stream.error();
    const auto step = static_cast<std::uint64_t>(job.view->dtype->bytes);
    for (std::uint64_t at = 0; at < size; at += chunk) {
      if (at + chunk < size) job.view->source->expect(begin + at + chunk, chunk);  // read ahead while this is counted
      const std::uint64_t wanted = std::min(chunk, size - at);
      work.buffer.resize(static_cast<std::size_t>(wanted));
      const auto got = (*stream)->read_up_to(work.buffer);
      if (!got) return got.error();
      if (*got % step != 0) {
        return Error{series_.inputs[job.ref.step].path, at + *got / step * step,
                     fmt::format("whole {} elements of {} bytes", job.view->dtype->name, step),
                     fmt::format("{} bytes", *got % step)};
      }
      const auto bytes = std::span<const std::byte>(work.buffer).first(*got);
      if (auto done = count(bytes); !done) return done.error();
      if (effort_.checksums) work.checksum = crc32c(bytes, work.checksum);
      if (effort_.progress) effort_.progress(*got);
      if (*got < wanted) break;  // the end of a pipe
    }
    work.stream = std::move(*stream);
    return Done{};
  }

  Result<Done> count_range(const Job& job, std::uint64_t begin, std::uint64_t size, Workspace<Way>& work) {
    return read_range(job, begin, size, chunk_of(job), work, [&](std::span<const std::byte> bytes) {
      return work.table.count(*job.view->dtype, bytes, job.view->multiplicity);
    });
  }

  Result<Done> run_small(const Job& job) {
    const TensorView& view = *job.view;
    Workspace<Way>& work = workspace();
    const bool at_once = sign_matters() || job.bytes() <= counted_at_once();
    TensorCounts counts;
    const auto count = [&](std::span<const std::byte> bytes) -> Result<Done> {
      if (at_once) {
        counts = counts_of_fp32(bytes, view.multiplicity, dump_scale_log2_);
      } else if (auto done = work.counts.count(*view.dtype, bytes, view.multiplicity); !done) {
        return done.error();
      }
      return work.running.count(*view.dtype, bytes, view.multiplicity);
    };
    if (job.bytes() != 0) {
      const std::uint64_t piece = at_once ? std::max<std::uint64_t>(job.bytes(), 4) : chunk_of(job);
      if (auto done = read_range(job, 0, job.bytes(), piece, work, count); !done) return done.error();
      checksums_[job.number] = work.checksum;
    }
    if (!at_once) counts = counts_of(work.counts.take());
    counts.elements += view.implicit_zeros;
    counts.zero_in += view.implicit_zeros;
    work.running.count_zeros(view.implicit_zeros);
    keep(job, Evidence{std::move(counts)});
    return Done{};
  }

  Result<Done> run_whole(const Job& job) {
    Workspace<Way>& work = workspace();
    if (job.bytes() != 0) {
      if (auto done = count_whole(job, work); !done) {
        work.table.take();
        return done.error();
      }
    }
    work.table.count_zeros(job.view->implicit_zeros);
    Table table = work.table.take();
    if (keep_.total || keep_.step_totals) {
      if (auto done = work.running.add(table); !done) return done.error();
    }
    finish_tensor(job, std::move(table));
    return Done{};
  }

  Result<Done> count_whole(const Job& job, Workspace<Way>& work) {
    if constexpr (std::is_same_v<Way, AllMoments>) {
      if (effort_.count_tensor) return effort_.count_tensor(*job.view, work.table);
    }
    auto done = count_range(job, 0, job.bytes(), work);
    checksums_[job.number] = work.checksum;
    return done;
  }

  Result<Done> run_split(const Job& job, std::optional<Table>& total) {
    const std::uint64_t chunk = chunk_of(job), chunks = (job.bytes() + chunk - 1) / chunk;
    std::mutex failing;
    std::uint64_t failed_chunk = chunks;
    std::optional<Error> error;
    std::map<std::uint64_t, std::pair<std::uint32_t, std::uint64_t>> pieces;  // by begin: checksum and size
    tbb::parallel_for(tbb::blocked_range<std::uint64_t>(0, chunks, 1), [&](const auto& range) {
      const std::uint64_t begin = range.begin() * chunk, end = std::min(range.end() * chunk, job.bytes());
      Workspace<Way>& work = workspace();
      auto counted = count_range(job, begin, end - begin, work);
      if (counted && !effort_.checksums) return;
      const std::scoped_lock lock(failing);
      pieces[begin] = {work.checksum, end - begin};
      if (counted) return;
      if (range.begin() >= failed_chunk) return;
      failed_chunk = range.begin();
      error = counted.error();
    });
    workspace().table.count_zeros(job.view->implicit_zeros);
    std::optional<Table> table;
    for (auto& work : workspaces_) {
      if (!work || work->table.elements() == 0) continue;
      if (auto done = add_to(table, work->table.take()); !done) return done.error();
    }
    if (error) return *error;
    for (const auto& [begin, piece] : pieces) {
      checksums_[job.number] = crc32c_joined(checksums_[job.number], piece.first, piece.second);
    }
    if (!table) table = workspace().table.take();
    if (!keep_.total && !keep_.step_totals) {
      finish_tensor(job, *std::move(table));
      return Done{};
    }
    finish_tensor(job, *table);
    return add_to(total, *std::move(table));
  }

  void finish_tensor(const Job& job, Table table) {
    Evidence full{std::move(table)};
    if (watch_.tensor) watch_.tensor(job.ref, full);
    auto kept = lowered(full, keep_.tensors);
    keep(job, kept ? *std::move(kept) : std::move(full));
  }

  // Of a pipe only the pass knows how much came.
  void keep(const Job& job, Evidence evidence) {
    StepSummary& step = summary_.steps[job.ref.step];
    TensorSummary& tensor = step.tensors[job.ref.tensor];
    if (job.view->elements == unknown_size) {
      const std::uint64_t elements = census_of(evidence).elements;
      tensor.shape = {elements};
      step.bytes = elements * static_cast<std::uint64_t>(job.view->dtype->bytes);
    }
    tensor.evidence = std::move(evidence);
  }

  const StepSeries& series_;
  const Keep& keep_;
  const Effort& effort_;
  const Watch& watch_;
  const typename Way::Plan plan_;
  int dump_scale_log2_ = 0;
  tbb::enumerable_thread_specific<std::unique_ptr<Workspace<Way>>> workspaces_;
  std::vector<std::optional<Error>> errors_;
  std::vector<std::uint32_t> checksums_;  // of the bytes of each job
  std::optional<Table> total_;
  std::optional<Evidence> read_total_;  // of steps that were evidence already
  Summary summary_;
};

}  // namespace lowp::pass
