// SPDX-License-Identifier: Apache-2.0
// Every sentence of the advice with 0, 1 and many of what it counts. LOWP_SAY=1 prints them, to be read aloud.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // false alarms of GCC 12 inside <regex> in sanitized builds
#endif
#include <doctest/doctest.h>

#include <cstdlib>
#include <iostream>
#include <regex>
#include <set>

#include "advice_dumps.h"
#include "lowp/core/formats.h"

using namespace lowp;
using namespace lowp_test;

namespace {

class Said {
 public:
  void add(const Dump& dump, const std::vector<std::string>& formats, const Policy& policy = {}) {
    const Advised all = advised(dump, asked(formats), policy);
    for (const Recommendation& advice : all.recommendations) {
      sentences.insert(advice.verdict);
      sentences.insert(advice.reasons.begin(), advice.reasons.end());
      sentences.insert(advice.pictured_note());
    }
    sentences.insert(all.caveats.begin(), all.caveats.end());
  }
  bool has(std::string_view part) const {
    return std::ranges::any_of(sentences, [&](const std::string& s) { return s.find(part) != std::string::npos; });
  }

  std::set<std::string> sentences;
};

const std::vector<std::string> usual{"fp16", "bf16", "e4m3", "e5m2"};

Dump one_tensor(const std::vector<float>& values, int steps = 1, const std::string& name = "grad/w", int dump_scale = 0) {
  Dump dump;
  for (int step = 1; step <= steps; ++step) Dump::add(dump.step(step, dump_scale), name, values);
  return dump;
}

std::vector<float> with_tiny(std::size_t count, int tiny) {
  std::vector<float> values = normal(count, 1e-3);
  for (int i = 0; i < tiny; ++i) values.push_back(0x1p-60f);
  return values;
}

Said everything() {
  Said said;
  Policy fp16_loss, range, both, precise, no_room, one_binade, wide_room;
  fp16_loss.loss_format = find_format("fp16").format;
  range.criteria = &criteria_table[2];
  both.criteria = &criteria_table[3];
  precise.min_snr_db = 200;
  no_room.min_headroom = 0;
  one_binade.min_headroom = 1;
  wide_room.min_headroom = 70;
  for (const int tiny : {0, 1, 2, 500}) {  // values that vanish
    for (const int steps : {1, 2, 3}) said.add(one_tensor(with_tiny(2000, tiny), steps), usual);
    said.add(one_tensor(with_tiny(2000, tiny)), usual, range);
    said.add(one_tensor(with_tiny(2000, tiny)), usual, both);
    said.add(one_tensor(with_tiny(1, tiny)), usual);
  }
  said.add(one_tensor({}), usual);
  said.add(one_tensor({0.5f}), usual);
  said.add(one_tensor(normal(2000, 1e4)), usual);               // a scale below 1
  said.add(one_tensor(normal(2000, 1e-9)), usual);              // above 65536
  said.add(one_tensor(normal(2000, 0.3)), usual);               // 65536 skips
  said.add(one_tensor(normal(2000, 1.0)), usual);
  for (const float out : {1.0f, 4.0f}) {  // 65536 skips once, or more often; small tensors that keep some of their bits
    for (const int small : {1, 2}) {
      Dump dump;
      StepSummary& step = dump.step(1);
      Dump::add(step, "act_grad/out", normal(500, out));
      for (int i = 0; i < small; ++i) Dump::add(step, "grad/small" + std::to_string(i), normal(500, 2e-11 * out));
      said.add(dump, usual);
    }
  }
  said.add(one_tensor(normal(2000, 1e-7)), usual, fp16_loss);
  said.add(one_tensor(normal(2000, 1e-7)), usual, no_room);
  for (const Policy& policy : {no_room, one_binade, wide_room, precise}) said.add(one_tensor(normal(2000, 1e-3)), usual, policy);
  for (const int hopeless : {1, 2}) {  // tensors below the floor at every scale
    Dump dump;
    StepSummary& step = dump.step(1);
    Dump::add(step, "act_grad/out", normal(500, 1.0));
    for (int i = 0; i < hopeless; ++i) Dump::add(step, "grad/small" + std::to_string(i), normal(500, 3e-10));
    for (int i = 0; i < hopeless; ++i) Dump::add(step, "grad/tiny" + std::to_string(i), normal(500, 1e-14));
    said.add(dump, usual);
    said.add(dump, usual, range);
  }
  for (const int state : {1, 2}) {  // tensors that are no gradients
    Dump dump;
    StepSummary& step = dump.step(1);
    for (int i = 0; i < state; ++i) Dump::add(step, "param/w" + std::to_string(i), normal(100, 0.1));
    said.add(dump, usual);
    Dump::add(step, "grad/w", normal(100, 0.1));
    Dump::add(step, "act_grad/w", normal(100, 0.1));
    Dump::add(step, "act_grad/loss", {1.0f});
    said.add(dump, usual);
    Dump::add(step, "act/out", {1.0f, 7e4f});
    said.add(dump, usual);
  }
  for (const int large : {1, 2}) {  // tensors that look scaled
    Dump dump;
    StepSummary& step = dump.step(1);
    for (int i = 0; i < large; ++i) Dump::add(step, "grad/w" + std::to_string(i), normal(100, 5e4));
    said.add(dump, usual);
  }
  std::vector<float> infinite = normal(500, 0.5);
  infinite.push_back(std::numeric_limits<float>::infinity());
  said.add(one_tensor(infinite), usual);
  Dump narrow;
  Dump::add(narrow.step(1, 16), "grad/w", infinite, f16);
  said.add(narrow, usual);
  Dump::add(narrow.step(2, 8), "grad/w", normal(500, 0.5), f16);
  said.add(narrow, usual);
  for (const int steps : {1, 2, 3}) {
    Dump peaks;
    for (int step = 1; step <= steps; ++step) add_peak(peaks.step(step), "grad/w", 0x1p-8f);
    said.add(peaks, usual);
    add_peak(peaks.summary.steps.front(), "act/out", 7e4f);
    said.add(peaks, usual);
  }
  for (const std::uint64_t open : {0u, 1u, 2u, 900u}) {  // values of a bin that holds zero
    for (const bool known : {true, false}) {
      Dump logged;
      std::vector<Bin> bins{{0x1p-12, 0x1p-8, 1000}};
      if (open != 0) bins.insert(bins.begin(), {-1e-12, 1e-12, open});
      add_bins(logged.step(1), "grad/w", bins, known ? std::optional(exact_finite(false, 1, -8)) : std::nullopt);
      said.add(logged, usual);
      add_bins(logged.step(2), "grad/w", {{0x1p-40, 0x1p-30, 500}, {0x1p-12, 0x1p-8, 1000}});
      said.add(logged, usual);
    }
  }
  return said;
}

}  // namespace

TEST_CASE("sentences count in English") {
  const Said said = everything();
  const std::regex wrong(
      R"((^|[^.,0-9^-])1 (values|tensors|steps|binades|files|names)\b|(^|[^0-9,.])([02-9]|[1-9][0-9,]*[0-9]) (value|tensor|step|binade|file|name)\b|  | [,.;:]|\.\.|,,|\bnan\b|\binf\b|[{}])");
  for (const std::string& sentence : said.sentences) {
    if (std::getenv("LOWP_SAY")) std::cout << sentence << "\n";
    CAPTURE(sentence);
    std::smatch found;
    CHECK_MESSAGE(!std::regex_search(sentence, found, wrong), found.str());
    CHECK(!sentence.empty());
  }
}

TEST_CASE("and none is missing") {
  const Said said = everything();
  for (const std::string_view part :
       {"Nothing to scale", "No loss scale helps", "No single scale fits", "Needs no loss scale", "Not with one loss scale",
        "Keep GradScaler's default", "65536 would skip 1 step at", "would skip 4 steps at", "Start at", "A scale below 1", "Usable from", "overflows (largest",
        "the loss's own gradient", "holds Inf, and", "keeps less than", "of the weight gradients vanish", "A static scale",
        "Worst tensor there", "1 of 2,001 values vanishes", "2 of 2,002 values vanish",
        "no value vanishes", "at every scale that does not overflow.", "at every scale that does not overflow (2 tensors in all)",
        "One scale per tensor", "holds these gradients without a scale", "No scale keeps more", "free below overflow",
        "What vanishes", "what vanishes is not known", "cannot be known from largest values", "One for all is",
        "Only one step", "1 binade (a factor of 2) is kept", "2 steps that follow each other",
        "look like weights", "1 tensor not named like gradients has", "2 tensors not named like gradients have",
        "The loss's own dtype is unknown", "No activation gradients", "Gradients between modules", "no act/ tensors",
        "1 tensor holds values of 1024", "2 tensors hold values of 1024", "already in 16 bits", "no scale can help",
        "Values were divided by", "of all values are zero or vanish", "may overflow (largest value at most", "for sure, perhaps",
        "would lose at most", "a bin holds them together", "Values of each step were divided", "Signal to noise is of rounding"}) {
    CHECK_MESSAGE(said.has(part), part);
  }
}
