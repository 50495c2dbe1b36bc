// SPDX-License-Identifier: Apache-2.0
// Verdicts on logs made here, in the frameworks' own line formats.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "lowp/logs/log_formats.h"
#include "lowp/logs/log_sections.h"

namespace {

using namespace lowp;

struct Expected {
  std::string_view verdict;
  std::optional<std::int64_t> began;
  std::optional<std::uint64_t> skipped;
};

LogSection one(const std::string& text) {
  auto sections = parse_log(text, "log", {});
  REQUIRE(static_cast<bool>(sections));
  CHECK_MESSAGE(sections->size() == 1, text);
  return sections->front();
}

void check(const std::string& text, const Expected& expected) {
  CAPTURE(text);
  const LogSection section = one(text);
  CHECK(name_of(section.verdict.state).name == expected.verdict);
  CHECK(section.verdict.began_step == expected.began);
  CHECK(section.verdict.skipped_steps == expected.skipped);
}

// A Megatron line; `skipped` and `nans` count the interval.
std::string megatron(int iteration, double scale, int skipped = 0, int nans = 0, bool norm = true) {
  return fmt::format(
      " [2026-01-01 00:00:00] iteration {:8}/  5000 | consumed samples: {:12} | elapsed time per iteration (ms): 411.9 "
      "| "
      "learning rate: 1.500000E-04 | global batch size:    64 | {}loss scale: {:.1f} | {}number of skipped iterations: "
      "{:3} | number of nan iterations: {:3} |\n",
      iteration, iteration * 64, norm ? "lm loss: 1.080000E+01 | " : "", scale, norm ? "grad norm: 0.030 | " : "",
      skipped, nans);
}

std::string hf(const std::string& norm, int line, int of = 64) {
  return fmt::format("{{'loss': '1', 'grad_norm': '{}', 'learning_rate': '0.001', 'epoch': '{:.4g}'}}\n", norm,
                     static_cast<double>(line) / of);
}
std::string hf_run(const std::vector<std::string>& norms) {
  std::string text;
  for (std::size_t i = 0; i < norms.size(); ++i) text += hf(norms[i], static_cast<int>(i) + 1);
  return text;
}

std::string deepspeed(double scale, double next) {
  const std::string what = next == scale / 2 || next == scale ? fmt::format("reducing to {}", next) : "";
  return fmt::format(
      "[2026-01-01 00:00:00,000] [INFO] [loss_scaler.py:266:update_scale] [deepspeed] OVERFLOW! Rank 0 "
      "Skipping step. Attempted loss scale: {}, {}\n",
      scale, what);
}
std::string absorbed(double scale) {
  return fmt::format(
      "[2026-01-01 00:00:00,000] [INFO] [loss_scaler.py:273:update_scale] [deepspeed] OVERFLOW! Rank 0 "
      "Skipping step. Attempted loss scale: {}, but hysteresis is 2. Reducing hysteresis to 1\n",
      scale);
}
std::string progress(int step, int skipped) {
  return fmt::format(
      "[2026-01-01 00:00:00,000] [INFO] [logging.py:123:log_dist] [Rank 0] step={}, skipped={}, "
      "lr=[1.0], mom=[0]\n",
      step, skipped);
}
std::string note(double scale) {
  return fmt::format(
      "2026-01-01 00:00:00 | INFO | fairseq.trainer | NOTE: gradient overflow detected, ignoring "
      "gradient, setting loss scale to: {}\n",
      scale);
}
std::string inner(int updates, double scale) {
  return fmt::format(
      "2026-01-01 00:00:00 | INFO | train_inner | {{\"epoch\": 1, \"update\": 0.1, \"loss\": \"5.1\", "
      "\"num_updates\": \"{}\", \"gnorm\": \"1.2\", \"loss_scale\": \"{}\"}}\n",
      updates, scale);
}
std::string paddle(double scale) {
  return fmt::format("Found inf or nan, current scale is: {0}, decrease to: {0}*0.5\n", scale);
}

std::string repeated(int times, const std::string& text) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("Hugging Face: only the gradient norm shows an overflow") {
  check(hf_run({"2", "2", "2", "2", "2", "nan", "nan", "nan"}), {"NaN source", 6, 3});
  check(hf_run({"2", "2", "2", "inf", "inf", "inf", "2", "2"}), {"spike and recovery", 4, 3});
  check(hf_run({"2", "2", "2", "2", "inf", "2", "2", "2", "2", "inf", "2"}), {"healthy", {}, 2});
  check(hf_run({"2", "2", "2", "2", "2", "inf", "2", "2", "inf", "2"}), {"spike and recovery", 6, 2});
  check(hf_run({"inf", "inf", "inf", "inf", "inf", "inf", "inf", "inf", "inf", "inf", "inf"}),
        {"sinking to the floor", 1, 11});
  check(hf_run({"2", "inf", "inf", "inf", "inf", "inf", "inf", "inf", "inf", "inf", "inf", "inf"}),
        {"sinking to the floor", 2, 11});
}

TEST_CASE("Hugging Face: numbers without quotation marks, behind a progress bar, in the middle of a run") {
  check(
      "  1%|1         | 1/100 [00:01<01:40]\r  2%|2   | 2/100 [00:02<01:38]{'loss': 2.3, 'grad_norm': 1.5, "
      "'learning_rate': 5e-05, 'epoch': 0.01}\n{'loss': 0.0, 'grad_norm': nan, 'learning_rate': 5e-05, 'epoch': "
      "0.02}\n",
      {"NaN source", 2, 1});
  check(hf("2", 33) + hf("2", 34) + hf("inf", 35) + hf("inf", 36) + hf("2", 37), {"spike and recovery", 35, 2});
  check("{'train_runtime': '0.02', 'train_loss': '1', 'epoch': '0.25'}\n", {"no scale logged", {}, {}});
}

TEST_CASE("Megatron: spikes, probes, intervals") {
  std::string clean;
  for (int i = 1; i <= 5; ++i) clean += megatron(i, 65536);
  // The first overflow is taken by the hysteresis.
  check(clean + megatron(6, 65536, 1, 0, false) + megatron(7, 32768, 1, 0, false) + megatron(8, 32768),
        {"spike and recovery", 6, 2});
  check(clean + megatron(6, 131072) + megatron(7, 131072, 1, 0, false) + megatron(8, 65536, 1, 0, false) +
            megatron(9, 65536),
        {"healthy", {}, 2});
  check(clean + megatron(6, 131072) + megatron(7, 65536, 1, 0, false) + megatron(8, 65536), {"healthy", {}, 1});
  check(clean + megatron(6, 131072) + megatron(7, 65536, 1, 0, false) + megatron(8, 32768, 1, 0, false) +
            megatron(9, 32768),
        {"spike and recovery", 7, 2});
  // Line 1 is printed and counted again by the next.
  check(megatron(1, 65536, 1, 0, false) + megatron(10, 2048, 6) + megatron(20, 2048) + megatron(30, 2048),
        {"start-up skips", 1, 6});
  check(megatron(1, 65536) + megatron(10, 65536) + megatron(20, 16384, 3) + megatron(30, 16384),
        {"spike and recovery", 20, 3});
  check(megatron(1, 65536) + megatron(10, 65536) + megatron(20, 8192, 4, 4, false) + megatron(30, 8, 10, 10, false),
        {"NaN source", 20, 14});
  check(megatron(1, 65536, 1, 0, false) + megatron(10, 128, 10, 0, false) + megatron(20, 1, 10, 0, false) +
            megatron(30, 1, 10, 0, false) + megatron(40, 1, 10, 0, false),
        {"stuck at the floor", 20, 40});
  check(megatron(501, 65536) + megatron(502, 65536, 1, 0, false) + megatron(503, 32768, 1, 0, false) +
            megatron(504, 32768),
        {"spike and recovery", 502, 2});
}

TEST_CASE("Megatron: a second run in the same log is a section of its own, a resumed one is not") {
  const std::string run = megatron(1, 65536) + megatron(2, 65536) + megatron(3, 65536);
  auto sections = parse_log(run + run, "log", {});
  REQUIRE(static_cast<bool>(sections));
  REQUIRE(sections->size() == 2);
  CHECK(sections->at(1).first_line == 4);
  check(run + megatron(3, 65536) + megatron(4, 65536), {"healthy", {}, 0});
}

TEST_CASE("resumed with lost state: the scale jumps back up") {
  std::string run;
  for (int i = 101; i <= 110; ++i) run += megatron(i, 1024);
  check(run + megatron(111, 65536) + megatron(112, 65536), {"resumed with lost state", 111, 0});
  check(run + megatron(106, 65536) + megatron(107, 65536), {"resumed with lost state", 106, 0});
  check(run + megatron(111, 32768, 1, 0, false) + megatron(112, 16384, 1, 0, false) + megatron(113, 16384),
        {"resumed with lost state", 111, 2});
  check(run + megatron(111, 2048) + megatron(112, 2048), {"healthy", {}, 0});
}

TEST_CASE("growing without bound: ten raises and no answer") {
  std::string run;
  double scale = 65536;
  for (int i = 1; i <= 40; ++i) run += megatron(i, i % 4 == 0 ? scale *= 2 : scale);
  check(run, {"growing without bound", 4, 0});
  check(run + megatron(41, scale / 2, 1, 0, false) + megatron(42, scale / 2), {"healthy", {}, 1});
}

TEST_CASE("16-bit loss cap: every step at 65536 overflows, 32768 holds") {
  std::string run;
  for (int i = 1; i <= 40; ++i) {
    const bool raised = i % 10 == 0, answer = i % 10 == 1;
    run += megatron(i, raised ? 65536 : 32768, answer, 0, !answer);
  }
  const LogSection section = one(run);
  CHECK(name_of(section.verdict.state).name == "16-bit loss cap");
  CHECK(section.verdict.began_step == 11);
  // One step at 65536 that holds, and it is no cap.
  check(run + megatron(41, 65536) + megatron(42, 65536) + megatron(43, 65536), {"start-up skips", 1, 4});
}

TEST_CASE("DeepSpeed: messages alone, raises unseen") {
  const std::string first = absorbed(8192) + deepspeed(8192, 4096);
  check(first, {"start-up skips", {}, 2});
  check(first + first + first, {"start-up skips", {}, 6});  // back at 8192 each time: probes
  check(deepspeed(2, 1) + repeated(12, deepspeed(1, 1)), {"stuck at the floor", {}, 13});
  check(deepspeed(64, 32) + deepspeed(32, 16) +
            "Exception: Current loss scale already at minimum - cannot decrease "
            "scale anymore. Exiting run.\n",
        {"sinking to the floor", {}, 2});
}

TEST_CASE("DeepSpeed: steps_per_print sums up") {
  const std::string start = absorbed(65536) + deepspeed(65536, 32768) + deepspeed(32768, 16384);
  check(start + progress(10, 3) + progress(20, 3) + progress(30, 3), {"start-up skips", 1, 3});
  check(
      progress(10, 0) + progress(20, 0) + absorbed(65536) + deepspeed(65536, 32768) + progress(30, 2) + progress(40, 2),
      {"spike and recovery", 21, 2});
  check(progress(10, 6) + progress(20, 6), {"start-up skips", 10, 6});
  check(progress(10, 0) + progress(20, 0), {"healthy", {}, 0});
}

TEST_CASE("DeepSpeed without ZeRO: iterations on the messages") {
  const auto overflow = [](int iteration, double scale) {
    return fmt::format(
        "[INFO] [fused_optimizer.py:413:_update_scale] \nGrad overflow on iteration {}\n[INFO] "
        "[fused_optimizer.py:414:_update_scale] Reducing dynamic loss scale from {} to {}\n",
        iteration, scale, scale / 2);
  };
  check(overflow(0, 65536) + overflow(1, 32768), {"start-up skips", 0, 2});
  check(overflow(0, 65536) + overflow(500, 32768) + overflow(501, 16384), {"spike and recovery", 500, 3});
  check("[INFO] No Grad overflow for 1000 iterations\n[INFO] Increasing dynamic loss scale from 1024 to 2048.0\n" +
            overflow(1001, 2048),
        {"healthy", {}, 1});
}

TEST_CASE("fairseq: attempts are counted, averages of intervals are not taken for a scale") {
  check(inner(100, 128) + inner(200, 128) + note(64) + note(32) + inner(300, 32) + inner(400, 32),
        {"spike and recovery", 101 + 100, 2});
  check(note(64) + inner(1, 64) + inner(2, 64), {"start-up skips", 1, 1});
  check("NOTE: AMP: overflow detected, setting scale to to 64.0\nAMP: overflow detected, setting scale to to 32.0\n",
        {"start-up skips", {}, 2});
  std::string sinking = inner(1, 0.5) + inner(2, 0.5);
  check(sinking + note(0.25) + note(0.125) + "FloatingPointError: Minimum loss scale reached (0.0001).\n",
        {"sinking to the floor", 3, 2});
}

TEST_CASE("Paddle") {
  std::string run;
  for (double scale = 65536; scale > 16; scale /= 2) run += paddle(scale);
  check(run, {"sinking to the floor", {}, 12});
  const auto step = [](int number, const char* loss = "1.4") {
    return fmt::format(
        "[2026-01-01 00:00:00,000] [    INFO] - loss: {}, learning_rate: 0.0, global_step: {}, ppl: 4.2\n", loss,
        number);
  };
  const std::string warn =
      "[2026-01-01 00:00:00,000] [ WARNING] - optimizer not run, scale_before: 4096.0, scale_after: "
      "2048.0\n";
  check(step(1) + step(2) + paddle(4096) + warn + step(3) + step(4), {"spike and recovery", 3, 1});
  check(step(1) + step(2) + paddle(4096) + step(3, "nan") + step(4), {"NaN source", 3, 1});
}

TEST_CASE("Colossal-AI, Apex: messages alone") {
  std::string colossal, apex;
  for (double scale = 32768; scale >= 16; scale /= 2) {
    colossal += fmt::format("Overflow occurs, the loss scale is adjusted to {}\n", scale);
    apex += fmt::format("Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to {}\n", scale);
  }
  check(colossal, {"sinking to the floor", {}, 12});
  check(apex, {"sinking to the floor", {}, 12});
  check(
      "No overflow for consecutive 1000 steps, the loss scale is adjusted to 2048.0\nOverflow occurs, the loss scale "
      "is adjusted to 1024.0\n",
      {"healthy", {}, 1});
  check("OVERFLOW! Skipping step.  Attempted loss scale: 65536.0, reducing to 32768.0\n", {"start-up skips", {}, 1});
}

TEST_CASE("CSV tables: the scale of the step, or after it") {
  check("epoch,loss_scale,step,train_loss\n0,65536.0,0,1.0\n0,65536.0,50,1.0\n0,16384.0,100,1.0\n0,16384.0,150,1.0\n",
        {"spike and recovery", 50, 2});
  check("epoch,loss_scale,step,train_loss\n0,65536.0,0,1.0\n0,65536.0,1,nan\n0,32768.0,2,nan\n0,16384.0,3,nan\n",
        {"NaN source", 1, 2});
  const LogSection monitor = one("step,loss_scale\n8,256\n16,256\n24,128\n32,128\n");
  CHECK(monitor.framework == "DeepSpeed");
  CHECK(monitor.scale_meaning == ScaleMeaning::of_the_next_step);
  CHECK(monitor.verdict.skipped_steps == 1u);
}

TEST_CASE("other logs: JSON lines and named values") {
  std::string json, named;
  for (int i = 1; i <= 6; ++i) {
    const int scale = i < 4 ? 512 : i == 4 ? 256 : 128;
    json += fmt::format("{{\"step\": {}, \"train/loss_scale\": {}, \"loss\": 1.0}}\n", i, scale);
    named += fmt::format("2026-01-01 INFO Train: step {} lr 0.1 loss 6.9 (6.9) loss_scale {}.0000 (512.0)\n", i, scale);
  }
  check(json, {"spike and recovery", 4, 2});
  check(named, {"spike and recovery", 4, 2});
}

TEST_CASE("sections share no line, however much a progress bar wrote into it") {
  const std::string header = "epoch,loss_scale,step", bar = header + "\r" + header + "\r0,8,1";
  const auto sections = parse_log(bar + "\n" + bar + "\n", "log", {});
  REQUIRE(static_cast<bool>(sections));
  REQUIRE(sections->size() == 2);
  CHECK(sections->at(0).last_line == 1);
  CHECK(sections->at(1).first_line == 2);
}

TEST_CASE("nothing to say") {
  check("hello\n\nworld\n", {"no scale logged", {}, {}});
  check("\n", {"no scale logged", {}, {}});
}

TEST_CASE("lines: a range, and what is no log") {
  const std::string text = megatron(1, 65536) + megatron(2, 65536) + megatron(3, 32768, 1, 0, false);
  const auto part = parse_log(text, "log", {1, 2});
  REQUIRE(static_cast<bool>(part));
  CHECK(part->front().verdict.state == ScalerState::healthy);
  CHECK(part->front().last_line == 2);
  const auto beyond = parse_log(text, "log", {3, 9});
  REQUIRE(!beyond);
  CHECK(beyond.error().message() == "log: wanted line 9, found 3 lines");
  const auto binary = parse_log(std::string("a\nb\0c\n", 6), "log", {});
  REQUIRE(!binary);
  CHECK(binary.error().message() == "log: wanted a log of lines of text, found a NUL byte in line 2");
}

TEST_CASE("any cut of a log is read") {
  const std::string text = hf_run({"2", "inf"}) + megatron(1, 65536) + deepspeed(8, 4) + progress(10, 1) + note(4) +
                           inner(3, 4) + paddle(65536) + "epoch,loss_scale,step\n0,1.0,1\n";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    CHECK(static_cast<bool>(parse_log(text.substr(0, length) + "\n", "log", {})));
  }
}

TEST_CASE("every row of the table reads a line of its own") {
  const std::string lines[] = {
      "epoch,loss_scale,step,train_loss",
      absorbed(8),
      "Grad overflow on iteration 6",
      "step 4 scale used 1024 applied 0.5 scale after 2048.0",
      progress(10, 1),
      megatron(1, 8),
      note(4),
      inner(3, 4),
      "Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 32.0",
      "OVERFLOW! Skipping step.  Attempted loss scale: 65536.0, reducing to 32768.0",
      "Overflow occurs, the loss scale is adjusted to 1024.0",
      "4 S 2048.0 skipped",
      paddle(8),
      "[    INFO] - loss: 1.4, global_step: 3, ppl: 4.2",
      hf("2", 1),
      "`Trainer.fit` stopped: `max_steps=12` reached.",
      "{\"step\": 1, \"loss_scale\": 512}",
      "step 3 loss_scale 512.0",
      "DeepSpeed ops built",
  };
  REQUIRE(std::size(lines) == log_formats().size());
  for (std::size_t row = 0; row < std::size(lines); ++row) {
    for (std::size_t reader = 0; reader <= row; ++reader) {
      CsvColumns csv;
      LogEvent event;
      CAPTURE(lines[row]);
      CAPTURE(reader);
      CHECK(log_formats()[reader].read(lines[row], csv, event) == (reader == row));
    }
  }
}
