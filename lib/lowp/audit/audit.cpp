// SPDX-License-Identifier: Apache-2.0
#include "lowp/audit/audit.h"

#include <fmt/format.h>
#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <mutex>
#include <type_traits>

#include "lowp/base/threads.h"
#include "lowp/summary/cut_table.h"

namespace lowp {
namespace {

// One tensor of the series, numbered in series order.
struct Job {
  std::size_t input;
  std::size_t tensor;
  const TensorView* view;

  std::uint64_t bytes() const { return view->source ? view->source->size() : 0; }
};

// What an audit needs of a table beside counting: its counts, and every outcome.
TensorCounts counts_in(const BinadeTable& table) {
  return counts_of(table);
}
TensorCounts counts_in(const CutTable& table) {
  return table.counts();
}

Outcomes outcomes_in(const BinadeTable& table, const AuditOptions& options) {
  const Prepared prepared = prepare(table, options.targets.front().rounding);
  Outcomes outcomes;
  for (const Target& target : options.targets) {
    auto& row = outcomes.emplace_back();
    for (int scale = options.scales.low; scale <= options.scales.high; ++scale) {
      row.push_back(measure(prepared, target, options.scales, scale));
      if (options.counts_only) row.back() = without_errors(row.back());
    }
  }
  return outcomes;
}
Outcomes outcomes_in(const CutTable& table, const AuditOptions& options) {
  Outcomes outcomes;
  for (const Target& target : options.targets) {
    auto& row = outcomes.emplace_back();
    for (int scale = options.scales.low; scale <= options.scales.high; ++scale) {
      row.push_back(table.measure(target, options.scales, scale));
    }
  }
  return outcomes;
}

// What a worker thread keeps between tensors.
template <class Table>
struct Workspace {
  Table table;      // of the tensor at hand
  Table running;    // of all tensors without a table of their own so far
  CutTable counts;  // of the tensor at hand, where that is all it has
  std::vector<std::byte> buffer;
  std::unique_ptr<ByteStream> stream;  // the last one: while it lives its file stays open for the next tensor
};

// `Plan` is what tables are made from.
template <class Table, class Plan>
class Auditor {
 public:
  Auditor(const StepSeries& series, const AuditOptions& options, Plan plan)
      : series_(series), options_(options), plan_(std::move(plan)), totals_(plan_) {
    for (std::size_t i = 0; i < series.inputs.size(); ++i) {
      for (std::size_t t = 0; t < series.inputs[i].tensors.size(); ++t)
        jobs_.push_back({i, t, &series.inputs[i].tensors[t]});
    }
    result_.tensors.resize(jobs_.size());
    errors_.resize(jobs_.size());
    if (options.by == Scope::tensor) result_.scoped.resize(jobs_.size());
  }

  Result<AuditResult> run() {
    if (options_.by == Scope::step) {
      run_by_step();
    } else {
      run_jobs(0, jobs_.size(), totals_);
    }
    for (std::optional<Error>& error : errors_) {
      if (error) return std::move(*error);
    }
    result_.total = outcomes_of(totals_);
    return std::move(result_);
  }

 private:
  // One step's table at a time, however many steps there are.
  void run_by_step() {
    Table step(plan_);
    for (std::size_t begin = 0, input = 0; input < series_.inputs.size(); ++input) {
      const std::size_t end = begin + series_.inputs[input].tensors.size();
      step.clear();
      run_jobs(begin, end, step);
      result_.scoped.push_back({Scope::step, input, 0, outcomes_of(step)});
      totals_.merge(step);
      begin = end;
    }
  }

  // Small and sequential tensors side by side, then each large one by all threads: never more tables than threads.
  void run_jobs(std::size_t begin, std::size_t end, Table& into) {
    if constexpr (std::is_same_v<Table, BinadeTable>) {
      if (options_.count_tensor) {
        for (std::size_t j = begin; j < end; ++j) run_elsewhere(j, into);
        return;
      }
    }
    std::vector<std::size_t> whole, split;
    for (std::size_t j = begin; j < end; ++j) (is_split(jobs_[j]) ? split : whole).push_back(j);
    tbb::parallel_for(tbb::blocked_range<std::size_t>(0, whole.size(), 1), [&](const auto& range) {
      for (std::size_t i = range.begin(); i != range.end(); ++i) {
        is_small(jobs_[whole[i]]) ? run_small(whole[i]) : run_whole(whole[i], into);
      }
    });
    for (auto& work : workspaces_) {
      if (!work) continue;
      work->running.settle();
      into.merge(work->running);
      work->running.clear();
    }
    for (const std::size_t j : split) run_split(j, into);
  }

  // Tensors that need no table of their own, since bringing one to order would cost more than counting them twice: into
  // the running table, and into mere counts. Those know signs only where they are taken of all words at once.
  bool is_small(const Job& job) const {
    if (options_.by == Scope::tensor || job.view->dtype->bytes != 4) return false;
    if (std::is_same_v<Table, CutTable>) return job.bytes() <= counted_at_once();
    constexpr std::uint64_t most = std::uint64_t{64} << 20;  // more is worth the work of all threads
    return job.bytes() <= std::min(most, (sign_matters() ? 4 : 64) * chunk_of(job));
  }
  std::uint64_t counted_at_once() const { return std::min<std::uint64_t>(options_.chunk_bytes, 1 << 16); }
  bool sign_matters() const { return CutPlan::sign_matters(options_.targets.front().rounding); }

  bool is_split(const Job& job) const {
    return job.bytes() > 2 * options_.chunk_bytes && job.view->source->random_access() && !is_small(job);
  }

  std::uint64_t chunk_of(const Job& job) const {
    const auto step = static_cast<std::uint64_t>(job.view->dtype->bytes);
    return std::max<std::uint64_t>(options_.chunk_bytes / step, 1) * step;
  }

  Workspace<Table>& workspace() {
    std::unique_ptr<Workspace<Table>>& held = workspaces_.local();
    if (!held)
      held = std::make_unique<Workspace<Table>>(
          Workspace<Table>{Table(plan_), Table(plan_), CutTable(*CutPlan::make({})), {}, {}});
    return *held;
  }

  // Reads `size` bytes from `begin` on, `chunk` at a time; each piece goes to `count`.
  template <class Count>
  Result<Done> read_range(const Job& job, std::uint64_t begin, std::uint64_t size, std::uint64_t chunk,
                          Workspace<Table>& work, Count count) {
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
        return Error{series_.inputs[job.input].path, at + *got / step * step,
                     fmt::format("whole {} elements of {} bytes", job.view->dtype->name, step),
                     fmt::format("{} bytes", *got % step)};
      }
      count(std::span<const std::byte>(work.buffer).first(*got));
      if (options_.progress) options_.progress(*got);
      if (*got < wanted) break;  // the end of a pipe
    }
    work.stream = std::move(*stream);
    return Done{};
  }

  Result<Done> count_range(const Job& job, std::uint64_t begin, std::uint64_t size, Workspace<Table>& work) {
    return read_range(job, begin, size, chunk_of(job), work, [&](std::span<const std::byte> bytes) {
      work.table.count(*job.view->dtype, bytes, job.view->multiplicity);
    });
  }

  void run_small(std::size_t j) {
    const Job& job = jobs_[j];
    const TensorView& view = *job.view;
    Workspace<Table>& work = workspace();
    const bool at_once = sign_matters() || job.bytes() <= counted_at_once();
    TensorCounts counts;
    if (!at_once) work.counts.clear();
    const auto count = [&](std::span<const std::byte> bytes) {
      if (at_once) {
        counts = counts_of_fp32(bytes, view.multiplicity);
      } else {
        work.counts.count(*view.dtype, bytes, view.multiplicity);
      }
      work.running.count(*view.dtype, bytes, view.multiplicity);
    };
    const std::uint64_t piece = at_once ? std::max<std::uint64_t>(job.bytes(), 4) : chunk_of(job);
    const auto done = job.bytes() == 0 ? Result<Done>(Done{}) : read_range(job, 0, job.bytes(), piece, work, count);
    if (!done) {
      errors_[j] = done.error();
      return;
    }
    if (!at_once) {
      work.counts.settle();
      counts = work.counts.counts();
    }
    counts.elements += view.implicit_zeros;
    counts.zero_in += view.implicit_zeros;
    result_.tensors[j] = {job.input, job.tensor, std::move(counts)};
    work.running.count_zeros(view.implicit_zeros);
  }

  void run_whole(std::size_t j, Table& into) {
    Workspace<Table>& work = workspace();
    work.table.clear();
    if (jobs_[j].bytes() != 0) {
      if (auto counted = count_range(jobs_[j], 0, jobs_[j].bytes(), work); !counted) {
        errors_[j] = counted.error();
        return;
      }
    }
    finish_tensor(j, work.table, into);
  }

  void run_elsewhere(std::size_t j, BinadeTable& into) {
    BinadeTable& table = workspace().table;
    table.clear();
    if (jobs_[j].bytes() != 0) {
      if (auto counted = options_.count_tensor(*jobs_[j].view, table); !counted) {
        errors_[j] = counted.error();
        return;
      }
    }
    finish_tensor(j, table, into);
  }

  void run_split(std::size_t j, Table& into) {
    const Job& job = jobs_[j];
    const std::uint64_t chunk = chunk_of(job), chunks = (job.bytes() + chunk - 1) / chunk;
    for (auto& work : workspaces_) {
      if (work) work->table.clear();
    }
    std::mutex failing;
    std::uint64_t failed_chunk = chunks;
    tbb::parallel_for(tbb::blocked_range<std::uint64_t>(0, chunks, 1), [&](const auto& range) {
      const std::uint64_t begin = range.begin() * chunk, end = std::min(range.end() * chunk, job.bytes());
      auto counted = count_range(job, begin, end - begin, workspace());
      if (counted) return;
      const std::scoped_lock lock(failing);
      if (range.begin() >= failed_chunk) return;
      failed_chunk = range.begin();
      errors_[j] = counted.error();
    });
    if (errors_[j]) return;
    Table& table = workspace().table;
    for (auto& work : workspaces_) {
      if (!work || &work->table == &table) continue;
      work->table.settle();
      table.merge(work->table);
    }
    finish_tensor(j, table, into);
  }

  void finish_tensor(std::size_t j, Table& table, Table& into) {
    const Job& job = jobs_[j];
    table.count_zeros(job.view->implicit_zeros);
    table.settle();
    result_.tensors[j] = {job.input, job.tensor, counts_in(table)};
    if (options_.by == Scope::tensor) result_.scoped[j] = {Scope::tensor, job.input, job.tensor, outcomes_of(table)};
    const std::scoped_lock lock(merging_);
    into.merge(table);
  }

  Outcomes outcomes_of(const Table& table) const { return outcomes_in(table, options_); }

  const StepSeries& series_;
  const AuditOptions& options_;
  const Plan plan_;
  std::vector<Job> jobs_;
  tbb::enumerable_thread_specific<std::unique_ptr<Workspace<Table>>> workspaces_;
  std::mutex merging_;
  Table totals_;
  std::vector<std::optional<Error>> errors_;
  AuditResult result_;
};

bool holds_fp64(const StepSeries& series) {
  return std::ranges::any_of(series.inputs, [](const Input& input) {
    return std::ranges::any_of(input.tensors, [](const TensorView& view) { return view.dtype->bytes == 8; });
  });
}

Result<AuditResult> run_pass(const StepSeries& series, const AuditOptions& options) {
  const bool wide = holds_fp64(series);
  if (options.counts_only && !wide && !options.count_tensor) {
    if (auto plan = CutPlan::make(options.targets)) {
      return Auditor<CutTable, CutPlan>(series, options, *std::move(plan)).run();
    }
  }
  const int fraction_bits = wide ? wide_fraction_bits : narrow_fraction_bits;
  return Auditor<BinadeTable, PassOptions>(series, options, plan_pass(options.targets, options.scales, fraction_bits))
      .run();
}

}  // namespace

Result<AuditResult> run_audit(const StepSeries& series, const AuditOptions& options) {
  return on_threads(options.threads, [&] { return run_pass(series, options); });
}

}  // namespace lowp
