// SPDX-License-Identifier: Apache-2.0
// Advice on dumps made for one trap each: spikes, late tensors, one tiny value, Inf in scaled dumps, weights, 8 bits.
#include <doctest/doctest.h>

#include <cmath>

#include "advice_dumps.h"

using namespace lowp;
using namespace lowp_test;

TEST_CASE("a spike that is over is no drift, one at the end is") {
  Dump over, last;
  for (int step = 1; step <= 20; ++step) {
    const float extra = step == 9 ? 0x1p-4f : 0x1p-16f;
    Dump::add(over.step(step), "grad/w", with(normal(200, 1e-6), extra));
    Dump::add(last.step(step), "grad/w", with(normal(200, 1e-6), step == 20 ? 0x1p-4f : 0x1p-16f));
  }
  const Recommendation spike = advised(over, asked({"fp16"})).front();
  CHECK(spike.window_high == 19);  // 2^-4 * 2^19 is 2^15
  CHECK(spike.static_scale_log2 == 16);
  CHECK(advised(last, asked({"fp16"})).front().static_scale_log2 == 19 - Policy{}.max_headroom);
}

TEST_CASE("a tensor that appears late is no drift") {
  Dump dump;
  Dump::add(dump.step(1), "grad/w", with(normal(200, 1e-4), 0x1p-10f));
  for (int step = 2; step <= 3; ++step) {
    StepSummary& late = dump.step(step);
    Dump::add(late, "grad/w", with(normal(200, 1e-4), 0x1p-10f));
    Dump::add(late, "act_grad/logits", with(normal(200, 0.1), 2.0f));
  }
  const Recommendation advice = advised(dump, asked({"fp16"})).front();
  CHECK(advice.window_high == 14);
  CHECK(advice.static_scale_log2 == 11);
}

TEST_CASE("a trend counts, however small its steps") {
  Dump dump;
  for (int step = 1; step <= 40; ++step) {
    const auto largest = static_cast<float>(std::exp2(-30 + 0.5 * step));
    Dump::add(dump.step(step), "grad/w", with(normal(50, 1e-9), largest));
  }
  const Recommendation advice = advised(dump, asked({"fp16"})).front();
  CHECK(advice.judgement.headroom == Policy{}.max_headroom);
  CHECK(*advice.window_high - *advice.static_scale_log2 == Policy{}.max_headroom);
}

TEST_CASE("the same file twice, or steps that follow each other, mean no less headroom than one step") {
  Dump one, two;
  Dump::add(one.step(1), "grad/w", normal(500, 1e-3));
  Dump::add(two.step(1), "grad/w", normal(500, 1e-3));
  Dump::add(two.step(2), "grad/w", normal(500, 1e-3));
  CHECK(advised(one, asked({"fp16"})).front().static_scale_log2 ==
        advised(two, asked({"fp16"})).front().static_scale_log2);
}

TEST_CASE("one tiny value does not make BF16 want a scale") {
  for (const float tiny : {3e-39f, 2e-41f}) {
    Dump dump;
    Dump::add(dump.step(1), "grad/w", with(normal(100000, 1e-4), tiny));
    for (const Recommendation& advice : advised(dump, asked({"bf16", "tf32", "fp32"})).recommendations) {
      CHECK(advice.needs_no_scale);
      CHECK(advice.init_scale_log2 == 0);
      CHECK(says(advice, "Needs no loss scale"));
    }
  }
}

TEST_CASE("needing no scale still wants headroom") {
  Dump dump;
  Dump::add(dump.step(1), "grad/w", {60000.0f});
  const Recommendation advice = advised(dump, asked({"fp16"})).front();
  CHECK_FALSE(advice.needs_no_scale);
  CHECK(advice.window_high == 0);
  CHECK(advice.static_scale_log2 == -3);
  CHECK(says(advice, "A scale below 1"));
}

TEST_CASE("Inf in a dump taken at 2^16 bounds the scale from above") {
  Dump dump;
  std::vector<float> values = normal(500, 0.5);
  values.push_back(std::numeric_limits<float>::infinity());
  Dump::add(dump.step(1, 16), "grad/w", values, f16);
  const Advised all = advised(dump, asked({"fp16", "bf16"}));
  CHECK(*all.front().window_high <= 15);
  CHECK(says(all.front(), "holds Inf"));
  CHECK(all.warns("the overflow at the scale it was taken with"));
  CHECK_FALSE(all.warns("no scale can help"));
}

TEST_CASE("an FP16 loss ends the scale at 2^15") {
  Dump dump;
  Dump::add(dump.step(1), "grad/w", normal(500, 1e-6));
  const Advised unknown = advised(dump, asked({"fp16"}));
  CHECK(*unknown.front().window_high > 15);
  CHECK(unknown.warns("2^15"));
  Policy fp16_loss;
  fp16_loss.loss_format = find_format("fp16").format;
  const Advised known = advised(dump, asked({"fp16", "bf16"}), fp16_loss);
  CHECK(known.front().window_high == 15);
  CHECK(known.front().static_scale_log2 == 12);
  CHECK_FALSE(known.warns("2^15"));
  CHECK(known.recommendations[1].needs_no_scale);
  Dump with_loss = dump;
  Dump::add(with_loss.summary.steps[0], "act_grad/loss", {1.0f});
  CHECK(advised(with_loss, asked({"fp16"})).front().window_high == 15);
  Policy fp32_loss;
  fp32_loss.loss_format = find_format("fp32").format;
  CHECK(*advised(with_loss, asked({"fp16"}), fp32_loss).front().window_high > 15);
}

TEST_CASE("a forward pass that overflows is helped by no scale") {
  Dump dump;
  StepSummary& step = dump.step(1);
  Dump::add(step, "grad/w", normal(500, 1e-3));
  Dump::add(step, "act/out", {1.0f, 70000.0f});
  const Advised all = advised(dump, asked({"fp16", "bf16"}));
  CHECK(all.front().empty_window);
  CHECK_FALSE(all.front().init_scale_log2);
  CHECK(says(all.front(), "No loss scale helps: act/out"));
  CHECK_FALSE(says(advised(dump, asked({"e4m3"})).front(), "No loss scale helps"));
  CHECK(says(all.front(), "bf16 holds these gradients"));
  CHECK(all.recommendations[1].needs_no_scale);
}

TEST_CASE("a small tensor that is lost is named, and decides the low end") {
  Dump dump;
  StepSummary& step = dump.step(1);
  for (int i = 0; i < 6; ++i) {
    Dump::add(step, "act_grad/body" + std::to_string(i), normal(5000, 1e-2, static_cast<unsigned>(i)));
  }
  Dump::add(step, "grad/norm.gain", normal(64, 1e-9));
  const Recommendation advice = advised(dump, asked({"fp16"})).front();
  REQUIRE(advice.window_low);
  CHECK(dump.summary.steps[0].tensors[advice.below->tensor].name == "grad/norm.gain");
  REQUIRE(advice.judgement.worst);
  CHECK(dump.summary.steps[0].tensors[advice.judgement.worst->ref.tensor].name == "grad/norm.gain");
}

TEST_CASE("the ends follow from the evidence, not from the scales that are shown") {
  Dump dump;
  Dump::add(dump.step(1), "grad/w", normal(2000, 3e4));
  const Recommendation wide = advised(dump, asked({"fp16", "e4m3"}, {-20, 32})).front();
  const Advised narrow = advised(dump, asked({"fp16", "e4m3"}, {0, 1}));
  CHECK(narrow.front().static_scale_log2 == wide.static_scale_log2);
  CHECK(narrow.front().window_high == wide.window_high);
  Dump tiny;
  Dump::add(tiny.step(1), "grad/w", normal(2000, 1e-20));
  const Advised clamped = advised(tiny, asked({"e4m3"}, {-8, 32})), free = advised(tiny, asked({"e4m3"}, {-8, 80}));
  CHECK(clamped.front().judgement.flushed_own == free.front().judgement.flushed_own);
}

TEST_CASE("8 bits: what one scale would do, what one per tensor does, and no init_scale") {
  Dump dump;
  StepSummary& step = dump.step(1);
  Dump::add(step, "grad/a", normal(2000, 1.0));
  Dump::add(step, "act_grad/b", normal(2000, 1e-6));
  const Recommendation advice = advised(dump, asked({"e4m3"})).front();
  CHECK_FALSE(advice.init_scale_log2);
  CHECK(advice.judgement.worst_own_db.value_or(0) > 25);
  CHECK(says(advice, "One scale per tensor keeps"));
}

TEST_CASE("weights and optimizer state get no scale without a word") {
  Dump dump;
  StepSummary& step = dump.step(1);
  Dump::add(step, "param/w", normal(500, 0.02));
  Dump::add(step, "exp_avg_sq/w", normal(500, 1e-9));
  CHECK(advised(dump, asked({"fp16"})).warns("look like weights or optimizer state"));
  Dump::add(step, "grad/w", normal(500, 1e-3));
  const Advised mixed = advised(dump, asked({"fp16"}));
  CHECK(mixed.front().nonzero == 500);
  CHECK(mixed.warns("2 tensors not named like gradients have no part"));
}

TEST_CASE("largest values alone: the end and the headroom, and what vanishes is not known") {
  Dump dump;
  for (int step = 1; step <= 10; ++step) add_peak(dump.step(step), "grad/w", step == 10 ? 0x1p-6f : 0x1p-10f);
  const Advised all = advised(dump, asked({"fp16", "bf16", "e4m3"}));
  const Recommendation& fp16 = all.front();
  CHECK(fp16.window_high == 21);  // 2^-6 * 2^21 is 2^15
  CHECK_FALSE(fp16.window_low);
  CHECK(fp16.static_scale_log2 == 21 - 5);  // it rose by 4 binades
  CHECK(fp16.init_scale_log2 == 16);
  CHECK_FALSE(fp16.loss_known());
  CHECK_FALSE(fp16.nothing_to_scale());
  CHECK(says(fp16, "at 65536 what vanishes is not known"));
  CHECK(says(fp16, "cannot be known from largest values"));
  CHECK(says(all.recommendations[1], "Needs no loss scale"));
  CHECK(says(all.recommendations[2], "One for all is 2^14 at most."));
  CHECK(all.warns("A dump of one step beside them"));
  CHECK(all.warns("10 steps that follow each other"));
}

TEST_CASE("largest values beside a dump lower its end and widen its headroom, and count nothing") {
  Dump dump;
  Dump::add(dump.step(1), "grad/w", with(normal(500, 1e-4), 0x1p-10f));
  const Recommendation alone = advised(dump, asked({"fp16"})).front();
  add_peak(dump.step(2), "grad/w", 0x1p-5f);
  const Recommendation both = advised(dump, asked({"fp16"})).front();
  CHECK(alone.window_high == 25);
  CHECK(both.window_high == 20);
  CHECK(both.judgement.headroom == 6);
  CHECK(dump.summary.steps[both.above->step].step == 2);
  CHECK(both.nonzero == alone.nonzero);
  CHECK(both.window_low == alone.window_low);
  // Names in one of them take nothing away from tensors without such names in the other.
  Dump plain;
  Dump::add(plain.step(1), "fc.weight", normal(500, 1e-4));
  add_peak(plain.step(1), "grad/fc.weight", 0x1p-5f);
  CHECK(advised(plain, asked({"fp16"})).front().nonzero == 500);
}

TEST_CASE("largest values of the forward pass and of the loss have their own say") {
  Dump dump;
  StepSummary& step = dump.step(1);
  add_peak(step, "grad/w", 0x1p-10f);
  add_peak(step, "act/out", 60000.0f);
  CHECK(advised(dump, asked({"fp16"})).front().window_high == 25);
  CHECK_FALSE(advised(dump, asked({"fp16"})).warns("Whether the forward pass overflows"));
  add_peak(dump.summary.steps[0], "loss_grad/*", 1.0f);
  CHECK(advised(dump, asked({"fp16"})).front().window_high == 15);
  add_peak(dump.summary.steps[0], "act/logits", 70000.0f);
  CHECK(says(advised(dump, asked({"fp16"})).front(), "No loss scale helps: act/logits"));
  Dump forward;
  add_peak(forward.step(1), "act/out", 70000.0f);
  CHECK(says(advised(forward, asked({"fp16"})).front(), "Nothing to scale"));
}

TEST_CASE("logged histograms: the end is exact, the low end lies between what may be and what is sure") {
  Dump dump;
  add_bins(dump.step(1), "grad/w", {{-1e-12, 1e-12, 500}, {0x1p-20, 0x1p-16, 500}, {0x1p-12, 0x1p-8, 9000}},
           exact_finite(false, 1, -8));
  const Advised all = advised(dump, asked({"fp16", "bf16"}));
  const Recommendation& fp16 = all.front();
  CHECK(fp16.window_high == 23);
  CHECK(fp16.static_scale_log2 == 20);
  // From 2^-9 on no value of 2^-16 or less is flushed for sure; the bin around zero stays open up to the end.
  CHECK(fp16.judgement.range_low == 23);
  REQUIRE(fp16.window_low);
  CHECK(fp16.window_low == fp16.judgement.range_low_least);
  CHECK(*fp16.window_low < 0);
  CHECK(fp16.init_scale_log2 == 16);
  CHECK(says(fp16, "0 to 5.0 % of all values are zero or vanish"));
  CHECK(says(fp16, "Usable at 2^23 for sure, perhaps from"));
  CHECK(all.recommendations[1].needs_no_scale);
  CHECK(all.warns("a bin holds them together"));
  Dump open;  // extremes that nobody logged
  add_bins(open.step(1), "grad/w", {{0x1p-12, 0x1p-8, 9000}});
  CHECK(says(advised(open, asked({"fp16"}), [] { Policy p; p.min_headroom = 30; return p; }()).front(), "may overflow"));
}

TEST_CASE("the gradient of the loss hides no rise of the others") {
  Dump dump;
  for (int step = 1; step <= 4; ++step) {
    StepSummary& one = dump.step(step);
    Dump::add(one, "act_grad/loss", {1.0f});
    Dump::add(one, "grad/w", with(normal(200, 1e-8), step == 4 ? 0x1p-12f : 0x1p-16f));
  }
  CHECK(advised(dump, asked({"fp16"})).front().judgement.headroom == 5);
}

TEST_CASE("nothing to scale") {
  Dump dump;
  Dump::add(dump.step(1), "grad/w", {0.0f, -0.0f});
  const Recommendation advice = advised(dump, asked({"fp16"})).front();
  CHECK(says(advice, "Nothing to scale"));
  CHECK_FALSE(advice.init_scale_log2);
  CHECK_FALSE(advice.window_high);
}

TEST_CASE("names say what a tensor is") {
  CHECK(kind_of("grad/layer.0.weight") == TensorKind::weight_gradient);
  CHECK(kind_of("model.fc.weight.grad") == TensorKind::weight_gradient);
  CHECK(kind_of("act_grad/d1.0") == TensorKind::activation_gradient);
  CHECK(kind_of("layer.grad_output.0") == TensorKind::activation_gradient);
  CHECK(kind_of("act_grad/loss") == TensorKind::loss_gradient);
  CHECK(kind_of("op_grad/attn.scores") == TensorKind::activation_gradient);
  CHECK(kind_of("act/fc1") == TensorKind::forward);
  CHECK(kind_of("exp_avg_sq/w") == TensorKind::state);
  CHECK(kind_of("optimizer.state.0.step") == TensorKind::state);
  CHECK(kind_of("model.layers.3.self_attn.q_proj.weight") == TensorKind::state);
  CHECK(kind_of("x") == TensorKind::unknown);
}
