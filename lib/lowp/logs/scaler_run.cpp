// SPDX-License-Identifier: Apache-2.0
#include "lowp/logs/scaler_run.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace lowp {
namespace {

constexpr std::uint64_t max_halvings = 1100;  // more than there are binades

// Halvings from `high` down to `low`, at least 1.
std::uint64_t halvings(double high, double low) {
  return static_cast<std::uint64_t>(std::clamp(std::round(std::log2(high / low)), 1.0, double{max_halvings}));
}

class RunBuilder {
 public:
  explicit RunBuilder(std::span<const LogEvent> events) {
    bool every_step = false;
    for (const LogEvent& event : events) every_step |= event.kind == LogEventKind::step && !event.coarse;
    for (const LogEvent& event : events) {
      if (event.kind == LogEventKind::step && event.coarse && every_step) continue;
      if (event.kind != LogEventKind::mention && event.kind != LogEventKind::table) events_.push_back(&event);
    }
    look_ahead();
  }

  ScalerRun build() {
    for (const LogEvent* event : events_) {
      run_.logs_scale |= event->used || event->after;
      run_.scale_of_this_step |= event->used.has_value();
      if (event->kind == LogEventKind::step) {
        close(*event);
      } else if (event->kind == LogEventKind::ended) {
        run_.ended_at_minimum = true;
      } else {
        pending_.push_back(event);
      }
    }
    flush();
    infer_from_next();
    return std::move(run_);
  }

 private:
  // The first two numbers tell how many steps the first line sums up, and whether it is the first of the run; epochs do
  // where there are no numbers.
  void look_ahead() {
    std::vector<const LogEvent*> lines;
    for (const LogEvent* event : events_) {
      if (event->kind == LogEventKind::step) lines.push_back(event);
    }
    if (lines.empty()) return;
    const LogEvent& first = *lines.front();
    if (first.step) {
      for (const LogEvent* line : lines) {
        if (!line->step || *line->step <= *first.step) continue;
        first_interval_ = *line->step - *first.step;
        break;
      }
      std::int64_t told = 0;  // skips before the first line, which its number may include
      for (const LogEvent* event : events_) {
        if (event == &first) break;
        told += event->kind == LogEventKind::overflow;
      }
      run_.from_start = *first.step - (first.numbers == StepNumbers::all ? told : 0) <= first_interval_;
      if (lines.size() == 1 && first.coarse) first_interval_ = std::max<std::int64_t>(*first.step, 1);
    } else if (first.epoch && lines.back()->epoch && lines.size() > 1) {
      const double each = (*lines.back()->epoch - *first.epoch) / static_cast<double>(lines.size() - 1);
      const double number = std::round(*first.epoch / each);
      if (each > 0 && number >= 1 && number < 1e12) counted_ = static_cast<std::int64_t>(number) - 1;
      run_.from_start = counted_ == 0;
    }
  }

  std::uint64_t messages() const {
    return static_cast<std::uint64_t>(std::ranges::count(pending_, LogEventKind::overflow, &LogEvent::kind));
  }

  std::optional<std::int64_t> number_of(const LogEvent& line) {
    switch (line.numbers) {
      case StepNumbers::all: return line.step;
      case StepNumbers::none: return ++counted_;
      case StepNumbers::taken: return *line.step + static_cast<std::int64_t>(skipped_ + messages());
    }
    return {};
  }

  // Skipped steps that the line itself counts.
  std::optional<std::uint64_t> counted_skips(const LogEvent& line, std::uint64_t covered) {
    std::optional<std::uint64_t> own = line.skipped;
    if (line.skipped_so_far) {
      own = so_far_ ? *line.skipped_so_far - std::min(*so_far_, *line.skipped_so_far)
                    : std::min(*line.skipped_so_far, covered);
      so_far_ = line.skipped_so_far;
    }
    if (line.first_not_reset && own) {
      if (number_ == 1 && first_skips_ && *own >= *first_skips_) own = *own - *first_skips_;
      first_skips_ = number_ ? std::nullopt : own;
    }
    return own;
  }

  void close(const LogEvent& line) {
    const auto number = number_of(line);
    if (number && number_ && *number == *number_ && pending_.empty()) return;  // the same step again
    resumed_ = number && number_ && *number < *number_;
    std::uint64_t covered = 1;
    if (number && number_ && *number > *number_) covered = static_cast<std::uint64_t>(*number - *number_);
    if (number && !number_ && line.step && run_.from_start)
      covered = static_cast<std::uint64_t>(std::max<std::int64_t>({1, std::min(*number, first_interval_)}));
    const auto own = counted_skips(line, covered);
    run_.shows_skips |= own.has_value() || line.used || line.after;
    covers_one_ = covered == 1 && number_;
    if ((covered == 1 || line.used) && line.numbers != StepNumbers::taken && messages() <= 1 &&
        !(own == 0u && messages() == 1)) {
      close_one(line, number, own);
    } else {
      close_many(line, number, own, covered);
    }
    pending_.clear();
    covers_one_ = false;
    if (number) number_ = number;
  }

  // The messages before the line and the line are about one step.
  void close_one(const LogEvent& line, std::optional<std::int64_t> number, std::optional<std::uint64_t> own) {
    ScalerStep step{.step = number, .nan = line.nan, .used = line.used, .after = line.after};
    for (const LogEvent* message : pending_) {
      if (message->kind == LogEventKind::overflow || message->kind == LogEventKind::new_scale) step.skipped = true;
      step.absorbed |= message->absorbed;
      if (message->used && !step.used) step.used = message->used;
      if (message->after && !step.after) step.after = message->after;
    }
    step.skipped |= own.value_or(0) > 0;
    if (!own && pending_.empty() && line.after && !line.used) {
      step.skipped = scale_ && *line.after < *scale_;  // the scale falls only where a step is skipped
    }
    push(step);
  }

  // The line sums up `covered` steps; messages tell of some.
  void close_many(const LogEvent& line, std::optional<std::int64_t> number, std::optional<std::uint64_t> own,
                  std::uint64_t covered) {
    const std::optional<double> before = scale_;
    const bool skipping = run_.steps.empty() || run_.steps.back().skipped;  // goes on
    const std::uint64_t told = messages();
    std::uint64_t skips = std::max(own.value_or(0), told);
    if (!own && told == 0 && before && line.after && *line.after < *before)
      skips = std::min(halvings(*before, *line.after), covered);
    tell(number_ ? number_ : run_.from_start ? std::optional<std::int64_t>(0) : std::nullopt, number);
    covered = std::max(covered, skips + (own == 0u || line.numbers == StepNumbers::taken ? 1 : 0));
    std::uint64_t taken = covered - skips;
    const std::uint64_t silent = skips - told;
    if (silent > 0) {
      const std::uint64_t last = line.last_taken && taken > 0 ? 1 : 0;
      const bool probe = before && line.after && *line.after >= *before && taken > last && !skipping;
      if (taken > last && !skipping) {
        push({.step = number, .count = taken - last, .after = probe ? std::optional(2 * *line.after) : std::nullopt});
        taken = last;
      }
      push_skips(number, silent, line);
    }
    if (taken > 0) push({.step = number, .count = taken, .nan = line.nan && skips == 0, .after = line.after});
  }

  // Skips without a message each: from the scale in force down to the line's.
  void push_skips(std::optional<std::int64_t> number, std::uint64_t skips, const LogEvent& line) {
    if (scale_ && line.after && *line.after < *scale_) {
      const double factor = std::exp2(-std::ceil(std::log2(*scale_ / *line.after) / static_cast<double>(skips)));
      while (skips > 1 && *scale_ * factor > *line.after) {
        push({.step = number, .skipped = true, .nan = line.nan, .after = *scale_ * factor});
        --skips;
      }
      push({.step = number, .skipped = true, .nan = line.nan, .after = line.after});
      --skips;
    }
    if (skips > 0) push({.step = number, .count = skips, .skipped = true, .nan = line.nan, .after = line.after});
  }

  // Steps that only messages tell of, after step `before` and not beyond `last`.
  void tell(std::optional<std::int64_t> before, std::optional<std::int64_t> last) {
    const std::size_t begin = run_.steps.size();
    for (const LogEvent* message : pending_) {
      ScalerStep step{.step = message->step, .used = message->used, .after = message->after};
      if (!step.step && before) step.step = last ? std::min(*last, *before + 1) : *before + 1;
      const bool told = run_.steps.size() > begin;
      switch (message->kind) {
        case LogEventKind::overflow:
          step.skipped = true;
          step.absorbed = message->absorbed;
          infer_used(step);
          fill_gap(message->step, told);
          push(step);
          break;
        case LogEventKind::new_scale:
          if (told && run_.steps.back().skipped && (!run_.steps.back().used || run_.steps.back().used == step.used)) {
            run_.steps.back().used = step.used;
            run_.steps.back().after = scale_ = step.after;
            continue;
          }
          step.skipped = true;
          push(step);
          break;
        case LogEventKind::taken:
          step.count = message->steps;
          push(step);
          break;
        case LogEventKind::raised:
          if (!step.used && step.after) step.used = scale_ ? scale_ : std::optional(*step.after / 2);
          if (told && !run_.steps.back().skipped) {
            run_.steps.back().used = step.used;
            run_.steps.back().after = scale_ = step.after;
            continue;
          }
          push(step);
          break;
        default: continue;
      }
      if (step.step && before) ++*before;
    }
  }

  // Overflows with numbers of their own: the steps between two of them were taken.
  void fill_gap(std::optional<std::int64_t> number, bool told) {
    if (!number || number_) return;
    const std::int64_t from = last_told_.value_or(-1);
    const bool after_taken = told && !run_.steps.back().skipped;
    if (*number > from + 1 && !after_taken) {
      push({.step = *number - 1, .count = static_cast<std::uint64_t>(*number - from - 1)});
    }
    last_told_ = number;
  }

  // A message that gives only the lower scale: twice that was used, where nothing was known before or where the scale
  // cannot have fallen to it. Below 1 it may have: a minimum.
  void infer_used(ScalerStep& step) const {
    if (step.used || !step.after) return;
    if (!scale_ || *step.after > *scale_ || (*step.after == *scale_ && *scale_ > 1)) step.used = 2 * *step.after;
  }

  void flush() {
    const bool with_lines = number_.has_value();
    run_.shows_skips |=
        !with_lines && std::ranges::any_of(pending_, [](const LogEvent* e) { return e->kind == LogEventKind::taken; });
    tell(with_lines ? number_ : std::nullopt, std::nullopt);
    pending_.clear();
  }

  void push(ScalerStep step) {
    if (!step.used) step.used = scale_;
    if (step.used && scale_ && *step.used > *scale_) step.raised_before = true;
    if (!step.after && !step.skipped) step.after = step.used;
    if (const auto now = step.used > step.after ? step.used : step.after; covers_one_ || resumed_) {
      step.reset = scale_ && now && *now >= 4 * *scale_;
    }
    step.resumed = std::exchange(resumed_, false);
    if (step.skipped) skipped_ += step.count;
    if (step.after) scale_ = step.after;
    run_.steps.push_back(step);
  }

  // Where only the scale in use is logged, the next line shows what became of the step.
  void infer_from_next() {
    auto& steps = run_.steps;
    const bool only_used = std::ranges::all_of(events_, [](const LogEvent* e) {
      return e->kind == LogEventKind::step && e->used && !e->after && !e->skipped && !e->skipped_so_far;
    });
    if (!only_used) return;
    for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
      steps[i + 1].raised_before = steps[i + 1].used > steps[i].used;
      steps[i].after = steps[i + 1].used;
      steps[i].skipped = steps[i].used > steps[i + 1].used;
      const bool numbered = steps[i].step && steps[i + 1].step && *steps[i + 1].step > *steps[i].step;
      const auto gap = numbered ? static_cast<std::uint64_t>(*steps[i + 1].step - *steps[i].step) : 1;
      steps[i].count = steps[i].skipped ? std::min(gap, halvings(*steps[i].used, *steps[i].after)) : gap;
    }
  }

  std::vector<const LogEvent*> events_, pending_;
  ScalerRun run_;
  std::int64_t first_interval_ = 1, counted_ = 0;
  std::optional<std::int64_t> number_, last_told_;
  std::optional<double> scale_;
  std::optional<std::uint64_t> so_far_, first_skips_;
  std::uint64_t skipped_ = 0;
  bool resumed_ = false, covers_one_ = false;
};

}  // namespace

ScalerRun scaler_run(std::span<const LogEvent> events) {
  return RunBuilder(events).build();
}

}  // namespace lowp
