// SPDX-License-Identifier: Apache-2.0
// `accumulate --update` on dumps small enough to be followed by hand, and the quantiles of its errors.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "accumulate_dumps.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/training/update.h"

using namespace lowp;
using namespace lowp::training;
using namespace lowp::testing;

TEST_CASE("update: the smallest step that moves a weight of 1 in bf16") {
  // After many steps with m = v = 1 Adam's direction is 1 / (1 + eps): updates are lr, hardly less.
  Dumps dumps;
  dumps.add(1000000,
            {{"param/w", {3}, {1, -1, 1}}, {"exp_avg/w", {3}, {1, -1, 0}}, {"exp_avg_sq/w", {3}, {1, 1, 1e-12f}}});
  UpdateOptions options;
  options.formats = {in_format("bf16"), in_format("fp16"), in_format("fp32")};
  const auto stalled = [&](double learning_rate) {
    options.learning_rate = learning_rate;
    const auto result = stalled_updates(dumps.open().inputs.front(), options);
    REQUIRE(result);
    return *result;
  };
  const StateResult small = stalled(std::ldexp(1, -9));
  CHECK(small.total[0].moving == 2);
  CHECK(small.total[0].nearest == 2);
  CHECK(small.total[0].nearest_at_rate[rate_log2_limit] == 2);
  CHECK(small.total[0].nearest_at_rate[rate_log2_limit + 1] == 0);
  CHECK(small.total[1].nearest_at_rate[0] == 2);
  CHECK(small.total[0].kahan == 0);
  CHECK(small.total[1].nearest == 0);
  CHECK(small.total[1].second_flushed == 1);
  CHECK(small.total[1].no_denominator == 1);  // eps 1e-8 and v are 0 in fp16
  CHECK(small.epsilon[1] == 0);
  CHECK(small.total[2].no_denominator == 0);
  CHECK(stalled(std::ldexp(1.01, -9)).total[0].nearest == 0);
  CHECK(stalled(1e-9).total[2].nearest == 2);
}

TEST_CASE("update: moments over steps") {
  Dumps dumps;
  for (int step = 1; step <= 3; ++step) dumps.add(step, {{"grad/w", {2}, {1, 1e-4f}}});
  UpdateOptions options;
  options.formats = {in_format("fp64"), in_format("fp16")};
  const auto result = moments_over_steps(dumps.open(), options);
  REQUIRE(result);
  CHECK(result->values == 2);
  CHECK(result->last()[0].first.exact_count() == 2);
  CHECK(result->last()[0].update.exact_count() == 2);
  CHECK(result->last()[1].second_flushed == 1);  // 3 * 0.001 * 1e-8 = 3e-11
  CHECK(result->last()[1].first_flushed == 0);
  // 0.1 rounded to fp16 after one step, 0.19 and 0.271 after two and three.
  const auto fp16 = [](double x) {
    return std::bit_cast<double>(
        convert(ieee_format(5, 10), ieee_format(11, 52), Conversion{},
                convert(ieee_format(11, 52), ieee_format(5, 10), Conversion{}, std::bit_cast<std::uint64_t>(x))));
  };
  const double stored = fp16(0.9 * fp16(0.9 * fp16(1 - 0.9) + (1 - 0.9)) + (1 - 0.9));
  CHECK(*result->last()[1].first.largest_relative() >= std::abs(stored / 0.271 - 1) * 0.999);
}

TEST_CASE("update: a weight stays despite Kahan's compensation where simulating it to the end says so") {
  std::uint64_t state = 1;
  const auto random = [&] { return static_cast<double>((state = state * 6364136223846793005u + 1) >> 11) * 0x1p-53; };
  int stayed = 0, moved = 0, near_edge = 0;
  for (const char* name : {"bf16", "fp16", "e4m3", "e5m2"}) {
    Adder adder(in_format(name));
    for (int round = 0; round < 3000; ++round) {
      const double weight = adder.round((random() + 1) * (round % 3 == 0 ? 1 : -1));
      const int precision = adder.how().format.precision;
      // Around the edge, about 2^-precision times half a unit of the weight; some exact powers of two, where ties are.
      double update = std::ldexp(round % 5 == 0 ? 0.5 : 0.25 + random(), -2 * precision + round % 5 - 1);
      if (round % 2 == 0) update = -update;
      double carried = 0;
      bool moves = false;
      while (!moves) {
        const double before = carried;
        carried = adder.round(carried + update);
        moves = adder.round(weight + carried) != weight;
        if (carried == before) break;
      }
      CAPTURE(name);
      CAPTURE(weight);
      CAPTURE(update);
      CHECK(stays_despite_compensation(adder, weight, update) == !moves);
      ++(moves ? moved : stayed);
      near_edge += !moves && adder.round(update) != 0 ? 1 : 0;  // one step's rounding would have said that they move
    }
  }
  CHECK(stayed > 1000);
  CHECK(moved > 1000);
  CHECK(near_edge > 1000);
}

TEST_CASE("update: RMSNorm weights of 1 with fine-tuning updates are stuck in bf16, with a compensation too") {
  Dumps dumps;
  dumps.add(1000000, {{"param/w", {2}, {1, 1}}, {"exp_avg/w", {2}, {1, -1}}, {"exp_avg_sq/w", {2}, {1, 1}}});
  UpdateOptions options;
  options.formats = {in_format("bf16")};
  const auto stuck = [&](double learning_rate) {
    options.learning_rate = learning_rate;
    const auto result = stalled_updates(dumps.open().inputs.front(), options);
    REQUIRE(result);
    CHECK(result->total[0].nearest == 2);
    return result->total[0].kahan;
  };
  CHECK(stuck(1e-4) == 0);
  CHECK(stuck(1e-5) == 1);  // the compensation stops at 2^-8: a tie above 1, but twice half a unit below it
  CHECK(stuck(1e-6) == 2);
}

TEST_CASE("update: torch's AdamW in bf16 keeps exp_avg_sq from fading, fused does not") {
  Dumps dumps;
  dumps.add(1, {{"grad/w", {1}, {1}}});
  for (int step = 2; step <= 64; ++step) dumps.add(step, {{"grad/w", {1}, {0}}});
  UpdateOptions options;
  options.formats = {in_format("bf16"), in_format("e4m3")};
  options.beta2 = 0.998;
  options.threads = 2;
  const auto result = moments_over_steps(dumps.open(), options);
  REQUIRE(result);
  REQUIRE(result->last().size() == 2 + 3);  // both rounded once; torch has no AdamW in e4m3
  for (const MomentOutcome& o : result->last()) {
    if (o.format != 0) continue;
    CHECK(o.values == 1);
    // 0.998 v rounds to v once v's fraction is small, whoever rounds: nothing fades, by 12 % too much after 64 steps.
    CHECK(*o.second.largest_relative() > 0.1);
  }
}

TEST_CASE("update: weight decay is rounded alone by for-loop and foreach") {
  Dumps dumps;
  dumps.add(10, {{"param/w", {2}, {1, 0}}, {"exp_avg/w", {2}, {1, 1}}, {"exp_avg_sq/w", {2}, {1, 1}}});
  UpdateOptions options;
  options.formats = {in_format("bf16"), in_format("e4m3")};
  options.learning_rate = 1e-2;
  options.weight_decay = 0.1;
  const auto result = stalled_updates(dumps.open().inputs.front(), options);
  REQUIRE(result);
  const StallCounts& bf16 = result->total[0];
  CHECK(bf16.nonzero == 1);
  for (std::size_t m = 1; m < adam_table.size(); ++m) {
    // 0.999 rounds to 1, and the update of -0.0015 to nothing; together they are more than half a unit of 2^-8.
    const bool alone = adam_table[m].kind != AdamKind::fused;
    CHECK(bf16.by[m].decay_lost == (alone ? 1 : 0));
    CHECK(bf16.by[m].stalled == (alone ? 1 : 0));
    CHECK(bf16.by[m].not_finite == 0);
  }
  CHECK(result->total[1].by[1].decay_lost == 0);  // torch has no AdamW in e4m3
}

TEST_CASE("errors: quantiles are not below the exact ones, nor 0.8 % above") {
  std::uint64_t state = 7;
  const auto random = [&] { return static_cast<double>((state = state * 6364136223846793005u + 1) >> 11) * 0x1p-53; };
  for (const int spread : {0, 1, 60}) {
    ErrorStatistics statistics;
    std::vector<double> errors;
    for (int i = 0; i < 999; ++i) {
      const double exact = 1 + random();
      const double result = exact + exact * std::ldexp(random() + 0.01, -static_cast<int>(random() * spread));
      statistics.add(result, {exact, 0});
      errors.push_back(std::abs((result - exact) / exact));
    }
    std::ranges::sort(errors);
    for (const double q : {0.01, 0.25, 0.5, 0.75, 0.99, 1.0}) {
      const double wanted = errors[static_cast<std::size_t>(std::ceil(q * 999)) - 1];
      CHECK(*statistics.relative_quantile(q) >= wanted);
      CHECK(*statistics.relative_quantile(q) <= wanted * (1 + 0x1p-7));
    }
    CHECK(*statistics.relative_quantile(1) == errors.back());
  }
  ErrorStatistics same;  // all errors in one place: none is above the largest
  for (int i = 0; i < 10; ++i) same.add(1.0659, {1, 0});
  CHECK(*same.relative_quantile(0.5) == *same.largest_relative());
  ErrorStatistics huge;
  huge.add(0x1p500, {1, 0});
  CHECK(*huge.relative_quantile(0.5) == *huge.largest_relative());
}
