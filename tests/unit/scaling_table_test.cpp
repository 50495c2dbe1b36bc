// SPDX-License-Identifier: Apache-2.0
// The table of loss scalers: recorded trajectories, known answers, what a resume loses.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "lowp/scaling/trajectory_check.h"

using namespace lowp;
using namespace lowp::scaling;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

Settings settings_for(const Scaler& row, std::map<std::string, ConfigValue> config) {
  std::string unknown;
  const Settings settings = settings_of(row, config, unknown);
  REQUIRE_MESSAGE(unknown.empty(), row.name, ": ", unknown);
  return settings;
}

// One scaler stepped by a sequence of overflows.
struct Machine {
  const Scaler& row;
  Settings settings;
  State state;
  int steps = 0;

  Machine(std::string_view name, std::map<std::string, ConfigValue> config)
      : row(*find_scaler(name)), settings(settings_for(row, std::move(config))), state(start(row, settings)) {}

  void step(bool overflow) {
    state = advance(row, settings, state, {.largest = overflow ? inf : 0x1p-200, .overflow = overflow}).next;
    ++steps;
  }
  double log2() const { return std::log2(state.scale); }
  // Steps done when the scale rises: the next `count` growths of a clean run.
  std::vector<int> growths(std::size_t count) {
    std::vector<int> found;
    while (found.size() < count && steps < 1000) {
      const double before = state.scale;
      step(false);
      if (state.scale > before) found.push_back(steps);
    }
    return found;
  }
};

// The words of each row for a first scale of 2^10 and an interval of 10, and two of what it counts.
struct Column {
  std::string_view name;
  std::map<std::string, ConfigValue> config;
  std::vector<int> clean;      // steps of the first three growths
  double after_one;            // log2 after one overflow at step 5
  std::vector<int> next;       // the next growths
  double every_third, bursts;  // log2 at the end
};

std::vector<Column> columns() {
  const auto torch_words = [](double hysteresis) -> std::map<std::string, ConfigValue> {
    return {{"init_scale", 1024.0}, {"growth_interval", 10.0}, {"hysteresis", hysteresis}};
  };
  const std::map<std::string, ConfigValue> apex{{"init_scale", 1024.0}, {"scale_window", 10.0}};
  std::map<std::string, ConfigValue> consecutive = apex;
  consecutive["consecutive_hysteresis"] = 1.0;
  return {
      {"torch", {{"init_scale", 1024.0}, {"growth_interval", 10.0}}, {10, 20, 30}, 9, {15, 25}, 2, 2},
      {"apex-hysteresis", torch_words(2), {10, 20, 30}, 10, {15, 25}, 10, 6},
      {"apex-fp16-utils", apex, {10, 20, 30}, 9, {15, 25}, 2, 2},
      {"deepspeed", apex, {11, 21, 31}, 10, {16, 26}, 3, 3},
      {"deepspeed", consecutive, {11, 21, 31}, 10, {16, 26}, 10, 6},
      {"megatron", {{"initial_scale", 1024.0}, {"growth_interval", 10.0}}, {10, 20, 30}, 10, {15, 25}, 3, 3},
      {"colossalai", {{"initial_scale", 1024.0}, {"growth_interval", 10.0}}, {10, 20, 30}, 10, {15, 25}, 3, 3},
      {"fairseq", apex, {10, 20, 30}, 9, {15, 25}, 2, 2},
      {"flax", {{"scale", 1024.0}, {"growth_interval", 10.0}}, {11, 22, 33}, 9, {16, 27}, 2, 2},
      {"paddle",
       {{"init_loss_scaling", 1024.0}, {"incr_every_n_steps", 10.0}, {"decr_every_n_nan_or_inf", 2.0}},
       {10, 20, 30},
       10,
       {15, 25},
       10,
       6},
      {"mindspore-manager", {{"init_loss_scale", 1024.0}, {"scale_window", 10.0}}, {10, 20, 30}, 9, {15, 25}, 2, 2},
      {"mindspore-cell", {{"loss_scale_value", 1024.0}, {"scale_window", 10.0}}, {10, 20, 30}, 9, {15, 25}, 2, 2},
  };
}

int skips_to_1024(std::string_view name) {
  Machine machine(name, {});
  while (machine.state.scale > 1024 && machine.steps < 1000) machine.step(true);
  return machine.steps;
}

std::size_t check_folder(const std::string& folder) {
  const auto read = read_trajectories(folder);
  REQUIRE_MESSAGE(read, read.error().message());
  std::set<std::string> seen;
  for (const TrajectoryFile& file : read->files) {
    const CheckedFile checked = check_trajectories(file, read->inputs);
    REQUIRE_MESSAGE(checked.row != nullptr, file.scaler);
    CHECK(checked.cases > 0);
    if (!checked.row->informational)
      CHECK_MESSAGE(checked.mismatches == 0, file.scaler, ": ", checked.first.empty() ? "" : checked.first.front());
    seen.insert(file.scaler);
  }
  return seen.size();
}

// What a change of one recorded number leads to.
template <class Change>
std::uint64_t mismatches_after(const std::string& file_name, Change change) {
  auto read = read_trajectories(LOWP_SCALERS);
  REQUIRE(read);
  for (TrajectoryFile& file : read->files) {
    if (!file.path.ends_with(file_name)) continue;
    change(file);
    return check_trajectories(file, read->inputs).mismatches;
  }
  FAIL("no such file");
  return 0;
}

}  // namespace

TEST_CASE("every row is complete, and its names are its own") {
  std::set<std::string_view> names;
  for (const Scaler& row : scalers()) {
    CAPTURE(row.name);
    CHECK(names.insert(row.name).second);
    if (!row.vectors.empty()) CHECK(names.insert(row.vectors).second);
    CHECK(!row.what.empty());
    CHECK(!row.source.empty());
    CHECK(!row.rule.empty());
    CHECK(!row.tested.empty());
    CHECK(!row.resume.empty());
    CHECK(!row.arithmetic.empty());
    CHECK(!row.parameters.empty());
    std::set<std::string_view> words;
    for (const Parameter& parameter : row.parameters) CHECK(words.insert(parameter.name).second);
    for (const Counter& counter : row.counters) CHECK((counter.whole != nullptr) != (counter.real != nullptr));
    CHECK(find_scaler(row.name) == &row);
    CHECK(find_scaler(row.vectors) == (row.vectors.empty() ? nullptr : &row));
  }
  CHECK(find_scaler("") == nullptr);
  CHECK(find_by_vectors("torch") == nullptr);
}

TEST_CASE("the overflow edge of FP16") {
  CHECK(!overflows(1, 65504));
  CHECK(!overflows(1, std::nextafter(65520.0, 0.0)));
  CHECK(overflows(1, 65520));
  CHECK(overflows(2, 32760));
  CHECK(overflows(0, inf));
  CHECK(overflows(inf, 0));
  CHECK(overflows(1, std::numeric_limits<double>::quiet_NaN()));
  CHECK(!overflows(0, 1));
  CHECK(overflows(-1, 65520));
}

TEST_CASE("recorded trajectories of every executed scaler") {
  std::size_t rows = 0;
  for (const Scaler& row : scalers()) rows += !row.vectors.empty();
  CHECK(check_folder(LOWP_SCALERS) == rows);
  if (std::filesystem::is_directory(LOWP_TRAJECTORIES)) {
    CHECK(check_folder(LOWP_TRAJECTORIES) == rows);
  } else {
    MESSAGE("skipped: no folder " LOWP_TRAJECTORIES " with all recorded trajectories");
  }
}

TEST_CASE("one changed number in a recording is a mismatch") {
  const std::string torch = "torch_GradScaler.json";
  CHECK(mismatches_after(torch, [](TrajectoryFile&) {}) == 0);
  CHECK(mismatches_after(torch, [](TrajectoryFile& file) {
          file.cases[0].final_scale = std::nextafter(file.cases[0].final_scale, 0.0);
        }) == 1);
  CHECK(mismatches_after(torch, [](TrajectoryFile& file) { ++file.cases[0].n_skipped; }) == 1);
  CHECK(mismatches_after(torch, [](TrajectoryFile& file) { file.cases[0].scale[0].value *= 2; }) >= 1);
  CHECK(mismatches_after(torch, [](TrajectoryFile& file) { file.cases[0].skipped.push_back({0, 1}); }) == 1);
  CHECK(mismatches_after(torch,
                         [](TrajectoryFile& file) { file.cases[0].state["growth_tracker"].front().value += 1; }) >= 1);
  CHECK(mismatches_after(torch, [](TrajectoryFile& file) { file.cases[0].state_dict["growth_factor"] = 3.0; }) == 1);
  CHECK(mismatches_after(torch, [](TrajectoryFile& file) { file.cases[0].config["growth"] = 3.0; }) == 1);
  const auto raising = [](TrajectoryFile& file) -> RecordedCase& {
    for (RecordedCase& one : file.cases) {
      if (one.raises) return one;
    }
    FAIL("no case raises");
    return file.cases.front();
  };
  const std::string fairseq = "fairseq_DynamicLossScaler.json";
  CHECK(mismatches_after(fairseq, [&](TrajectoryFile& file) { raising(file).raises->type = "Exception"; }) == 1);
  CHECK(mismatches_after(fairseq, [&](TrajectoryFile& file) { raising(file).raises->scale_after /= 2; }) == 1);
  CHECK(mismatches_after(fairseq, [&](TrajectoryFile& file) { raising(file).raises->scale_used /= 2; }) == 1);
  CHECK(mismatches_after(fairseq, [&](TrajectoryFile& file) { raising(file).raises->message = "?"; }) == 1);
}

TEST_CASE("known answers with a first scale of 2^10 and an interval of 10") {
  for (const Column& column : columns()) {
    CAPTURE(column.name);
    Machine clean(column.name, column.config);
    CHECK(clean.growths(3) == column.clean);

    Machine one(column.name, column.config);
    for (int i = 1; i <= 5; ++i) one.step(i == 5);
    CHECK(one.log2() == column.after_one);
    CHECK(one.growths(2) == column.next);

    Machine third(column.name, column.config);
    for (int i = 1; i <= 24; ++i) third.step(i % 3 == 0);
    CHECK(third.log2() == column.every_third);

    Machine bursts(column.name, column.config);
    for (int i = 0; i < 24; ++i) bursts.step(i % 6 < 2);
    CHECK(bursts.log2() == column.bursts);
  }
}

TEST_CASE("skipped steps from the default scale down to 2^10") {
  CHECK(skips_to_1024("torch") == 6);
  CHECK(skips_to_1024("paddle") == 6);
  CHECK(skips_to_1024("keras") == 5);
  CHECK(skips_to_1024("tf-keras") == 5);
  CHECK(skips_to_1024("jmp") == 5);
  CHECK(skips_to_1024("deepspeed") == 7);
  CHECK(skips_to_1024("mindspore-manager") == 14);
  CHECK(skips_to_1024("megatron") == 23);
  CHECK(skips_to_1024("paddle-static") == 32);
  Machine trainer("fairseq", {{"trainer_defaults", 1.0}});
  CHECK(trainer.state.scale == 128);
}

TEST_CASE("fairseq's tolerance, torch's ceiling, PopART's two bins") {
  for (const int period : {3, 6}) {
    Machine machine("fairseq", {{"init_scale", 1024.0}, {"scale_window", 10.0}, {"tolerance", 0.25}});
    for (int i = 1; i <= 8 * period; ++i) machine.step(i % period == 0);
    CHECK(machine.log2() == (period == 3 ? 2 : 10));
  }
  Machine top("torch", {{"init_scale", 0x1p127}, {"growth_interval", 1.0}});
  top.step(false);
  CHECK(top.log2() == 127);
  Machine popart("popart", {});
  const auto step = [&](double above) {
    popart.state = advance(popart.row, popart.settings, popart.state, {.largest = 1, .above_edge = above}).next;
    return popart.log2();
  };
  CHECK(step(0) == 1);
  CHECK(step(1e-7) == 2);  // not more than the threshold
  CHECK(step(2e-7) == 1);
  CHECK(!decide(popart.row, popart.state, {.largest = inf, .overflow = true}).skip);
}

TEST_CASE("a resume is exact for torch, Megatron and DeepSpeed") {
  for (const std::string_view name :
       {"torch", "torch-sharded", "megatron", "deepspeed", "deepspeed-fused", "keras", "paddle"}) {
    CAPTURE(name);
    const Scaler& row = *find_scaler(name);
    const std::string init(init_parameter(row).name), interval(interval_parameter(row)->name);
    Machine machine(name, {{init, 1024.0}, {interval, 10.0}});
    for (int i = 0; i < 60; ++i) {
      machine.step(i % 7 == 2 || i % 13 == 3);
      CHECK(resumed(row, machine.settings, machine.state) == machine.state);
    }
  }
}

TEST_CASE("what a resume loses") {
  // NeMo: the hysteresis comes back as 1, so the first overflow lowers the scale.
  Machine nemo("nemo", {{"init_scale", 1024.0}, {"growth_interval", 10.0}, {"hysteresis", 2.0}});
  for (int i = 0; i < 15; ++i) nemo.step(i == 12);
  Machine loaded = nemo;
  loaded.state = resumed(nemo.row, nemo.settings, nemo.state);
  CHECK(loaded.state.clean == nemo.state.clean);
  CHECK(loaded.state.hysteresis == 1);
  nemo.step(true);
  loaded.step(true);
  CHECK(loaded.log2() == nemo.log2() - 1);

  // fairseq: only the scale is saved, so growths move.
  Machine whole("fairseq", {{"init_scale", 1024.0}, {"scale_window", 10.0}});
  for (int i = 0; i < 15; ++i) whole.step(i == 12);
  Machine cut = whole;
  cut.state = resumed(whole.row, whole.settings, whole.state);
  CHECK(cut.state.scale == whole.state.scale);
  CHECK(whole.growths(3) == std::vector<int>{23, 33, 43});
  CHECK(cut.growths(3) == std::vector<int>{25, 35, 45});

  // ColossalAI: the count of clean steps and of overflows.
  Machine colossalai("colossalai", {{"initial_scale", 1024.0}, {"growth_interval", 10.0}});
  for (int i = 0; i < 15; ++i) colossalai.step(i == 12);
  Machine again = colossalai;
  again.state = resumed(colossalai.row, colossalai.settings, colossalai.state);
  CHECK(colossalai.growths(1) == std::vector<int>{23});
  CHECK(again.growths(1) == std::vector<int>{25});
}
