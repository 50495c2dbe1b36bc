// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/trajectory_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "lowp/scaling/scaler_words.h"

namespace lowp::scaling {
namespace {

constexpr std::size_t shown = 8;

// "float16" is 16.
std::optional<double> value_of(const ConfigValue& value) {
  if (std::holds_alternative<std::monostate>(value)) return std::numeric_limits<double>::quiet_NaN();
  if (const double* number = std::get_if<double>(&value)) return *number;
  const auto& word = std::get<std::string>(value);
  if (word == "float16") return 16;
  if (word == "float32") return 32;
  return {};
}

std::string_view without_underscores(std::string_view name) {
  while (name.starts_with('_')) name.remove_prefix(1);
  return name;
}

const Counter* counter_named(const Scaler& row, std::string_view name) {
  for (const Counter& counter : row.counters) {
    if (counter.name == without_underscores(name)) return &counter;
  }
  return nullptr;
}

double value_of(const Counter& counter, const State& state) {
  return counter.real != nullptr ? static_cast<double>(state.*counter.real) : static_cast<double>(state.*counter.whole);
}

// One recorded case against the row.
class CaseCheck {
 public:
  CaseCheck(const Scaler& row, const RecordedCase& recorded, CheckedFile& file)
      : row_(row), recorded_(recorded), file_(file) {}

  void run(const std::vector<float>& input) {
    std::string unknown;
    settings_ = settings_of(row_, recorded_.config, unknown);
    if (!unknown.empty()) return miss(unknown);
    for (const auto& [name, runs] : recorded_.state) {
      if (const Counter* counter = counter_named(row_, name)) {
        followed_.push_back({counter, &runs, 0});
      } else {
        miss(fmt::format("the row has no counter '{}'", name));
      }
    }
    State state = start(row_, settings_);
    bool raised = false;
    for (std::int64_t step = 0; step < recorded_.steps && !raised; ++step) {
      raised = take_step(state, step, static_cast<double>(input[static_cast<std::size_t>(step)]));
    }
    if (raised) return;
    check_end(state);
    if (recorded_.raises) check_raise(state, static_cast<double>(input[static_cast<std::size_t>(recorded_.steps)]));
  }

  bool wrong() const { return wrong_; }

 private:
  struct Followed {
    const Counter* counter;
    const std::vector<Run>* runs;
    std::size_t cursor;
  };

  void miss(const std::string& what) {
    wrong_ = true;
    ++file_.mismatches;
    if (file_.first.size() < shown) file_.first.push_back(fmt::format("{}: {}", recorded_.id, what));
  }

  bool same_real(double recorded, double ours) const {
    if (std::isnan(recorded) || std::isnan(ours)) return std::isnan(recorded) && std::isnan(ours);
    if (recorded == ours || row_.tolerance == 0) return recorded == ours;
    return std::fabs(recorded - ours) <= row_.tolerance * std::fabs(recorded);
  }

  bool skip_recorded(std::int64_t step) {
    const auto& spans = recorded_.skipped;
    while (span_ < spans.size() && spans[span_].first + spans[span_].second <= step) ++span_;
    return span_ < spans.size() && spans[span_].first <= step;
  }

  Facts facts_at(const State& state, double largest) const {
    return {largest, overflows(state.scale, largest), std::fabs(state.scale * largest) > settings_.edge ? 1.0 : 0.0};
  }

  // Compares everything of one step; whether the row raised, which the record does not.
  bool take_step(State& state, std::int64_t step, double largest) {
    const Facts facts = facts_at(state, largest);
    const Decision decision = decide(row_, state, facts);
    const double scale = value_at(recorded_.scale, scale_cursor_, step);
    const bool skip = skip_recorded(step);
    skips_ += decision.skip;
    std::string wrong;
    const auto differs = [&](std::string_view what, std::string_view recorded, std::string_view ours) {
      if (wrong.empty()) wrong = fmt::format("step {}: {} recorded {}, ours {}", step, what, recorded, ours);
    };
    if (!same_real(scale, decision.scale)) differs("scale", hex_text(scale), hex_text(decision.scale));
    if (skip != decision.skip) differs("skipped", skip ? "true" : "false", decision.skip ? "true" : "false");
    const Advance after = advance(row_, settings_, state, facts);
    if (after.raised) {
      miss(fmt::format("step {}: ours raises {}, recorded none", step, row_.raise_type));
      return true;
    }
    state = after.next;
    for (Followed& one : followed_) {
      const double recorded = value_at(*one.runs, one.cursor, step), ours = value_of(*one.counter, state);
      if (!same_real(recorded, ours)) differs(one.counter->name, number_text(recorded), number_text(ours));
    }
    if (!wrong.empty()) miss(wrong);
    return false;
  }

  void check_end(const State& state) {
    if (recorded_.n_skipped != skips_) miss(fmt::format("n_skipped recorded {}, ours {}", recorded_.n_skipped, skips_));
    if (!same_real(recorded_.final_scale, state.scale)) {
      miss(fmt::format("final_scale recorded {}, ours {}", hex_text(recorded_.final_scale), hex_text(state.scale)));
    }
    for (const auto& [name, value] : recorded_.state_dict) check_saved(name, value, state);
  }

  void check_saved(const std::string& name, const ConfigValue& value, const State& state) {
    std::optional<double> ours;
    if (without_underscores(name) == "scale") {
      ours = state.scale;
    } else if (const Counter* counter = counter_named(row_, name)) {
      ours = value_of(*counter, state);
    } else if (const Parameter* parameter = find_parameter(row_, name)) {
      ours = settings_.*parameter->field;
    }
    const std::optional<double> recorded = value_of(value);
    if (!ours) return miss(fmt::format("state_dict: the row has no '{}'", name));
    if (!recorded || !same_real(*recorded, *ours)) {
      miss(fmt::format("state_dict {} recorded {}, ours {}", name, recorded ? hex_text(*recorded) : "a word",
                       hex_text(*ours)));
    }
  }

  // The step that ended the run.
  void check_raise(const State& state, double largest) {
    const RecordedRaise& recorded = *recorded_.raises;
    const Advance after = advance(row_, settings_, state, facts_at(state, largest));
    if (recorded.step != recorded_.steps)
      miss(fmt::format("raises at step {}, not at {}", recorded.step, recorded_.steps));
    if (!after.raised) return miss(fmt::format("step {}: recorded {}, ours goes on", recorded.step, recorded.type));
    if (recorded.type != row_.raise_type || !recorded.message.starts_with(row_.raise_message))
      miss(fmt::format("raises recorded {}: {}, ours {}: {}", recorded.type, recorded.message, row_.raise_type,
                       row_.raise_message));
    if (!same_real(recorded.scale_used, state.scale)) {
      miss(
          fmt::format("raises: scale used recorded {}, ours {}", hex_text(recorded.scale_used), hex_text(state.scale)));
    }
    if (!same_real(recorded.scale_after, after.next.scale)) {
      miss(fmt::format("raises: scale after recorded {}, ours {}", hex_text(recorded.scale_after),
                       hex_text(after.next.scale)));
    }
  }

  const Scaler& row_;
  const RecordedCase& recorded_;
  CheckedFile& file_;
  Settings settings_;
  std::vector<Followed> followed_;
  std::size_t scale_cursor_ = 0, span_ = 0;
  std::int64_t skips_ = 0;
  bool wrong_ = false;
};

}  // namespace

Settings settings_of(const Scaler& row, const std::map<std::string, ConfigValue>& config, std::string& unknown) {
  Settings settings = defaults_of(row);
  for (const Preset& preset : row.presets) {
    const auto chosen = config.find(std::string(preset.name));
    if (chosen == config.end() || value_of(chosen->second).value_or(0) == 0) continue;
    for (const Parameter& value : preset.values) settings.*value.field = value.initial;
  }
  for (const auto& [name, value] : config) {
    const Parameter* parameter = find_parameter(row, name);
    const bool is_preset = std::ranges::any_of(row.presets, [&](const Preset& preset) { return preset.name == name; });
    const std::optional<double> number = value_of(value);
    if (parameter != nullptr && number) {
      settings.*parameter->field = *number;
    } else if (!is_preset) {
      unknown = fmt::format("the row has no argument '{}' with this value", name);
    }
  }
  return settings;
}

CheckedFile check_trajectories(const TrajectoryFile& file, const Inputs& inputs) {
  CheckedFile checked;
  checked.path = file.path;
  checked.scaler = file.scaler;
  checked.provenance = file.provenance;
  checked.row = find_by_vectors(file.scaler);
  for (const RecordedCase& recorded : file.cases) {
    ++checked.cases;
    checked.steps += static_cast<std::uint64_t>(recorded.steps);
    if (checked.row == nullptr) continue;
    CaseCheck check(*checked.row, recorded, checked);
    check.run(inputs.at(recorded.input));
    checked.wrong_cases += check.wrong();
  }
  return checked;
}

}  // namespace lowp::scaling
