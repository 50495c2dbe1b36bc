// SPDX-License-Identifier: Apache-2.0
// The answer first, then what it rests on, then what it does not cover.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lowp/report/humanize.h"
#include "lowp/scaling/replay_report.h"
#include "lowp/scaling/scaler_words.h"

namespace lowp::scaling {
namespace {

constexpr std::size_t spark_columns = 40;
constexpr std::size_t shown_steps = 12;

std::string steps_text(std::uint64_t count) {
  return counted(count, "step", "steps");
}
std::string is_or_are(std::uint64_t count) {
  return count == 1 ? "is" : "are";
}

std::string skips_text(const Replay& r) {
  if (r.steps.empty()) return "there is no step";
  if (r.skipped() == r.steps.size())
    return r.steps.size() == 1   ? "its only step is skipped"
           : r.steps.size() == 2 ? "both steps are skipped"
                                 : fmt::format("all {} are skipped", steps_text(r.steps.size()));
  if (r.skipped() == 0) return "no step is skipped";
  if (r.skipped_first == 0)
    return fmt::format("{} {} skipped, none at the start", steps_text(r.skipped_later), is_or_are(r.skipped_later));
  const std::string first = r.skipped_first == 1 ? "the first step is skipped"
                                                 : fmt::format("the first {} are skipped", steps_text(r.skipped_first));
  return fmt::format("{}, {} later", first, r.skipped_later == 0 ? "none" : grouped(r.skipped_later));
}

std::string end_text(const Replay& r) {
  const std::size_t from = stable_from(r);
  const std::string scale = scale_text(r.final_scale);
  if (r.steps.empty()) return fmt::format("the scale is {}", scale);
  if (r.raised)
    return fmt::format("{} ends the run at step {} and scale {}", r.setup.scaler->raise_type, r.steps.back().step,
                       scale_text(r.steps.back().scale));
  if (from == r.steps.size()) return fmt::format("the scale is {} after the last step", scale);
  if (from == 0) return fmt::format("the scale stays {}", scale);
  return fmt::format("the scale is {} from step {} to the end", scale, r.steps[from].step);
}

// 0..1 for each of a few columns: where the scale stands between the lowest and the highest of all replays.
std::vector<double> spark_of(const Replay& r, double low, double high) {
  std::vector<double> heights;
  const std::size_t columns = std::min(spark_columns, r.steps.size());
  for (std::size_t c = 0; c < columns; ++c) {
    const double log2 = std::log2(r.steps[c * r.steps.size() / columns].scale);
    heights.push_back(std::isfinite(log2) && high > low ? 0.05 + 0.95 * (log2 - low) / (high - low) : 0.05);
  }
  return heights;
}

Grid scales_grid(const ReplayAnswer& answer) {
  double low = INFINITY, high = -INFINITY;
  for (const Replay& r : answer.replays) {
    for (const ReplayedStep& step : r.steps) {
      const double log2 = std::log2(step.scale);
      if (!std::isfinite(log2)) continue;
      low = std::min(low, log2);
      high = std::max(high, log2);
    }
  }
  Grid grid{"Skipped steps, and the scale over steps",
            {"scaler", "from", "first", "later", "last scale", "since step"},
            1,
            {}};
  for (const Replay& r : answer.replays) {
    const std::size_t from = stable_from(r);
    grid.rows.push_back({{replay_name(r), scale_text(r.steps.empty() ? r.final_scale : r.steps.front().scale),
                          grouped(r.skipped_first), grouped(r.skipped_later), scale_text(r.final_scale),
                          from < r.steps.size() ? fmt::format("{}", r.steps[from].step) : "-"},
                         spark_of(r, low, high)});
  }
  return grid;
}

std::string percent(double share) {
  if (share == 0) return "0 %";
  if (share < 0.0001) return "<0.01 %";
  return share == 1 ? "100 %" : share > 0.999 ? "99.9 %" : fmt::format("{:.{}f} %", share * 100, share < 0.01 ? 2 : 1);
}

std::string share_words(const std::optional<ShareInterval>& share) {
  if (!share) return "-";
  const std::string least = percent(share->least), most = percent(share->most);
  return least == most ? least : fmt::format("{} to {}", least.substr(0, least.size() - 2), most);
}

// A few, evenly chosen, the first and the last among them.
std::vector<std::size_t> chosen_steps(std::size_t count) {
  std::vector<std::size_t> chosen;
  const std::size_t shown = std::min(count, shown_steps);
  for (std::size_t i = 0; i < shown; ++i) chosen.push_back(i * (count - 1) / std::max<std::size_t>(shown - 1, 1));
  return chosen;
}

Grid steps_grid(const ReplayAnswer& answer, const Replay& r) {
  const std::size_t count = std::min(r.from_run, r.steps.size());
  Grid grid{fmt::format("{}: {}, and the share of non-zero {} that become zero at its scale", replay_name(r),
                        count <= shown_steps ? "each step" : fmt::format("{} of {}", shown_steps, steps_text(count)),
                        answer.run->has(Kind::grad) && answer.run->kinds_known ? "weight gradients" : "gradients"),
            {"step", "scale", "largest scaled", "skipped", "flushed"},
            1,
            {}};
  for (const std::size_t i : chosen_steps(count)) {
    const std::size_t index = (i + 1) * static_cast<std::size_t>(answer.loop.accumulate) - 1;
    const double scaled = r.steps[i].scale * largest_scaled(answer.run->steps[index], answer.loop);
    const auto share = flushed_share(*answer.run, index, r.steps[i].scale / answer.loop.divide);
    grid.rows.push_back(
        {{fmt::format("{}", r.steps[i].step), scale_text(r.steps[i].scale),
          !(std::fabs(scaled) < 65520) ? std::isfinite(scaled) ? magnitude_text(scaled) + " > 65504" : "NaN or Inf"
                                       : magnitude_text(scaled),
          r.steps[i].skipped ? "yes" : "no", share_words(share)},
         {}});
  }
  return grid;
}

void add_costs(std::vector<Block>& story, const Replay& r, bool named) {
  const auto say = [&](const std::string& line) {
    story.push_back(Paragraph{named ? fmt::format("{}: {}", replay_name(r), line) : line, 2, 2});
  };
  const std::size_t after = r.steps.size() - r.skipped_first;
  if (r.skipped_first != 0 && after != 0)
    say(fmt::format("Start-up: {} of {} lost.", grouped(r.skipped_first), steps_text(r.steps.size())));
  if (r.skipped_later != 0)
    say(fmt::format("After the start: {} of {} skipped, {}.", grouped(r.skipped_later), steps_text(after),
                    percent(static_cast<double>(r.skipped_later) / static_cast<double>(after))));
  const Scaler& row = *r.setup.scaler;
  if (r.overflows_taken != 0)
    say(fmt::format("{} with an overflow {} taken: this scaler skips nothing.", steps_text(r.overflows_taken),
                    is_or_are(r.overflows_taken)));
  if (r.skipped() != 0 && row.schedule == Schedule::callers)
    say(fmt::format("A learning-rate schedule that is stepped in every iteration runs {} ahead of the optimizer.",
                    steps_text(r.skipped())));
  if (r.skipped() != 0 && row.schedule == Schedule::advances)
    say(fmt::format("The optimizer's iteration count advances on skipped steps too: its schedule runs {} ahead.",
                    steps_text(r.skipped())));
  if (r.growths != 0 && row.unscaled == Unscaled::by_the_next_scale)
    say(fmt::format("On {} the scale grows, and the optimizer gets 1/{} of the true gradient there.",
                    steps_text(r.growths), number_text(r.setup.settings.growth)));
  if (r.guesses != 0)
    say(fmt::format(
        "{} not decided by the evidence: more than the threshold may lie above the edge, and that was assumed.",
        counted(r.guesses, "decision is", "decisions are")));
}

void add_differences(std::vector<Block>& story, const ReplayAnswer& answer) {
  story.push_back(Heading{"First difference"});
  const Replay& a = answer.replays.front();
  for (std::size_t other = 1; other < answer.replays.size(); ++other) {
    const Replay& b = answer.replays[other];
    const auto at = first_difference(a, b);
    const std::string names = fmt::format("{} and {}", replay_name(a), replay_name(b));
    const auto side = [&](const Replay& r) {
      return fmt::format("{} has {}{}", replay_name(r), scale_text(r.steps[*at].scale),
                         r.steps[*at].skipped ? ", skipped" : "");
    };
    story.push_back(Paragraph{
        at ? fmt::format("{} differ first at step {}: {}, {}.", names, a.steps[*at].step, side(a), side(b))
        : a.steps.size() == b.steps.size() ? fmt::format("{} do the same at every step.", names)
                                           : fmt::format("{} do the same until one of them ends the run.", names),
        2, 2});
  }
}

bool counts_all(const RunSeries& run) {
  return run.kinds_known && run.has(Kind::grad) && (run.has(Kind::act_grad) || run.has(Kind::op_grad));
}

// Gradients that may overflow and are not among the facts.
std::string_view missing_gradients(const RunSeries& run) {
  if (!run.kinds_known)
    return "Whether the maxima are of all gradients: those of weights alone or of activations alone miss skips.";
  if (!run.has(Kind::grad))
    return "Gradients of weights: they are not here, and bias gradients often overflow first, so skips are missing.";
  if (!counts_all(run)) return "Gradients of activations: they are not here, and may overflow before those of weights.";
  if (run.has(Kind::op_grad)) return "";
  return "Functional operations between modules (temperature, attention scores), whose gradients no module shows.";
}

Grid trials_grid(const Advice& advice) {
  const Parameter* interval = interval_parameter(*advice.replay.setup.scaler);
  Grid grid{"Tried",
            {"first scale", interval != nullptr ? "interval" : "", "skipped", "flushed, mean", "last scale", ""},
            1,
            {}};
  for (const Trial& trial : advice.trials) {
    const bool chosen =
        trial.init == std::ldexp(1.0, advice.init_log2) && (interval == nullptr || trial.interval == advice.interval);
    grid.rows.push_back(
        {{scale_text(trial.init), interval != nullptr ? number_text(trial.interval) : "", grouped(trial.skipped),
          share_words(trial.flushed), scale_text(trial.final_scale), chosen ? "advised" : ""},
         {}});
  }
  return grid;
}

void add_advice(std::vector<Block>& story, const ReplayAnswer& answer) {
  const Advice& advice = *answer.advice;
  const Scaler& row = *advice.replay.setup.scaler;
  story.push_back(Heading{"Advice"});
  const auto say = [&](std::string line) { story.push_back(Paragraph{std::move(line), 2, 2}); };
  const Parameter* interval = interval_parameter(row);
  say(fmt::format("{}={}{}: {}.", init_parameter(row).name, scale_text(std::ldexp(1.0, advice.init_log2)),
                  interval != nullptr ? fmt::format(", {}={}", interval->name, number_text(advice.interval)) : "",
                  skips_text(advice.replay)));
  say(fmt::format("The limit is set by step {}.{}", step_of_update(*answer.run, answer.loop, advice.binding),
                  advice.without_binding_log2
                      ? fmt::format(" Without that step it would be 2^{}.", *advice.without_binding_log2)
                      : ""));
  say(counts_all(*answer.run) ? "It counts the gradients of weights and of activations."
                              : "It cannot count all gradients: see Not covered.");
  if (advice.hopeless != 0)
    say(fmt::format("{} at any scale: not a matter of scaling.",
                    counted(advice.hopeless, "step overflows", "steps overflow")));
  if (advice.longer_than_run)
    say(fmt::format("The run has {}, no more than the interval: it says nothing about a longer one.",
                    steps_text(advice.replay.steps.size())));
  story.push_back(trials_grid(advice));
}

// Dumps and logs may leave steps out.
std::string gaps_text(const RunSeries& run) {
  const std::size_t count = run.steps.size();
  if (count < 2 || run.steps.back().step - run.steps.front().step == static_cast<std::int64_t>(count) - 1) return "";
  return fmt::format("These are {} between {} and {}: each counts as one, and what lies between them is not seen.",
                     steps_text(count), run.steps.front().step, run.steps.back().step);
}

std::string advised_sentence(const ReplayAnswer& answer) {
  const Advice& advice = *answer.advice;
  const Settings &own = answer.replays.front().setup.settings, &advised = advice.replay.setup.settings;
  if (own.init == advised.init && own.interval == advised.interval) return " That is the advised first scale.";
  if (answer.replays.front().skipped() == 0 && own.init < advised.init && own.interval == advised.interval)
    return fmt::format(" The highest first scale without a skip is 2^{}.", advice.init_log2);
  const std::string interval =
      own.interval == advised.interval ? "" : fmt::format(" and an interval of {}", number_text(advised.interval));
  return fmt::format(" From the advised 2^{}{}: {}.", advice.init_log2, interval, skips_text(advice.replay));
}

void add_limits(std::vector<Block>& story, const ReplayAnswer& answer) {
  story.push_back(Heading{"Not covered"});
  const auto say = [&](std::string line) { story.push_back(Paragraph{std::move(line), 2, 2}); };
  const RunSeries& run = *answer.run;
  if (const std::string_view missing = missing_gradients(run); !missing.empty()) say(std::string(missing));
  if (!answer.loss_known && !run.has(Kind::loss_grad) && !answer.replays.front().steps.empty())
    say("The type of the loss: if it is FP16, scales from 2^16 on overflow whatever the gradients are (--loss-dtype "
        "fp16).");
  if (!run.has(Kind::act))
    say("The forward pass: if it overflows, no scale helps, and an advice below 1 is a sign of it.");
  if (!run.share_below) say("What becomes zero at the scale in force: only the largest magnitudes are known.");
  say("An FP16 run is another trajectory once a step is skipped: single skips move, their number by a few.");
  say("Clipping: unscale before it, or the threshold is divided by the scale.");
  say("All-reduce: FP16 sums over ranks may overflow where no rank does, and a pre-divide factor moves that limit.");
  for (const Replay& r : answer.replays) {
    const Scaler& row = *r.setup.scaler;
    const std::size_t repeated = r.steps.size() - std::min(r.from_run, r.steps.size());
    if (repeated != 0)
      say(fmt::format("{}: the last {} assume that the steps of the run come again in the same order.", row.name,
                      steps_text(repeated)));
    if (row.vectors.empty()) say(fmt::format("{}: from source, not run.", row.name));
    if (!row.caution.empty()) say(fmt::format("{}: {}.", row.name, row.caution));
  }
  for (const std::string& note : run.notes) say(note);
}

}  // namespace

std::string replay_name(const Replay& replay) {
  return std::string(replay.setup.scaler->name);
}

std::string answer_line(const Replay& r) {
  return fmt::format("{} from {}: {}; {}", replay_name(r),
                     scale_text(r.steps.empty() ? r.final_scale : r.steps.front().scale), skips_text(r), end_text(r));
}

std::vector<Block> replay_story(const ReplayAnswer& answer) {
  std::vector<Block> story;
  for (const Replay& r : answer.replays) {
    const bool first = &r == &answer.replays.front();
    story.push_back(Paragraph{answer_line(r) + "." + (first && answer.advice ? advised_sentence(answer) : "")});
  }
  if (const std::string gaps = gaps_text(*answer.run); !gaps.empty()) story.push_back(Paragraph{gaps});
  story.push_back(scales_grid(answer));
  for (const Replay& r : answer.replays) add_costs(story, r, answer.replays.size() > 1);
  if (answer.run->share_below) {
    for (const Replay& r : answer.replays) story.push_back(steps_grid(answer, r));
  }
  if (answer.shows_differences && answer.replays.size() > 1) add_differences(story, answer);
  if (answer.shows_advice && answer.advice) add_advice(story, answer);
  add_limits(story, answer);
  return story;
}

}  // namespace lowp::scaling
