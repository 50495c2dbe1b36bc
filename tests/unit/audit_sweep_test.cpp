// SPDX-License-Identifier: Apache-2.0
// sweep(table) equals brute force through core: counts and moments, for formats x modes x overflow rules x scales, on
// random, adversarial and narrow-typed elements.
#include <doctest/doctest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "audit_reference.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/below.h"
#include "lowp/summary/binade_counter.h"
#include "lowp/summary/cut_counter.h"
#include "lowp/summary/sweep.h"

using namespace lowp;

namespace {

struct Sample {
  const Dtype* dtype;
  std::vector<std::uint64_t> codes;
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> out(codes.size() * static_cast<std::size_t>(dtype->bytes));
    for (std::size_t i = 0; i < codes.size(); ++i) {
      std::memcpy(out.data() + i * static_cast<std::size_t>(dtype->bytes), &codes[i],
                  static_cast<std::size_t>(dtype->bytes));
    }
    return out;
  }
  std::vector<Exact> elements() const {
    std::vector<Exact> out;
    for (const std::uint64_t code : codes) out.push_back(decode(dtype->format, code));
    return out;
  }
};

Sample random_bits(const char* dtype, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Sample sample{find_dtype(dtype), {}};
  for (std::size_t i = 0; i < count; ++i) sample.codes.push_back(random() & code_mask(sample.dtype->format));
  return sample;
}

// Log-normal magnitudes around 2^center, as gradients have them.
Sample gradients(const char* dtype, std::size_t count, double center, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> spread(center, 5);
  Sample sample{find_dtype(dtype), {}};
  for (std::size_t i = 0; i < count; ++i) {
    const double value = std::exp2(spread(random)) * ((random() & 1) ? 1 : -1);
    const Exact exact = decode(ieee_format(11, 52), std::bit_cast<std::uint64_t>(value));
    sample.codes.push_back(encode(sample.dtype->format, Rounding::nearest_even, Overflow{}, exact));
  }
  return sample;
}

// Every edge of a format as an element of `dtype` at scale 2^scale, and its neighbours one code either side.
Sample edges(const char* dtype, Format f, int scale) {
  Sample sample{find_dtype(dtype), {}};
  std::vector<Exact> values;
  const auto at = [&](std::uint64_t significand, int exponent) {
    values.push_back(exact_finite(false, significand, exponent));
  };
  const int quantum = quantum_exponent(f);
  for (const std::uint64_t half_quanta : {1, 2, 3, 4, 5, 6}) at(half_quanta, quantum - 1);
  const std::uint64_t normal = min_normal_ordinal(f);
  for (const std::uint64_t offset : {2, 1}) at(2 * normal - offset, quantum - 1);
  at(normal, quantum);
  at(2 * normal + 1, quantum - 1);
  const std::uint64_t top = max_finite_ordinal(f), significand = ordinal_significand(f, top);
  const int exponent = ordinal_exponent(f, top);
  for (int step = -3; step <= 5; ++step) {
    at(static_cast<std::uint64_t>(static_cast<std::int64_t>(2 * significand) + step), exponent - 1);
  }
  for (const Exact& value : values) {
    const std::uint64_t code = encode(sample.dtype->format, Rounding::nearest_even, Overflow{}, scaled(value, -scale));
    for (const std::uint64_t near : {code - 1, code, code + 1}) {
      const std::uint64_t magnitude = near & magnitude_mask(sample.dtype->format);
      sample.codes.push_back(magnitude);
      sample.codes.push_back(magnitude | sign_bit(sample.dtype->format));
    }
  }
  return sample;
}

// A counter's table of a sample.
BinadeTable counted(const Sample& sample, TableOptions options = {}, int dump = 0) {
  BinadeCounter counter(std::move(options), dump);
  REQUIRE(static_cast<bool>(counter.count(*sample.dtype, sample.bytes())));
  return counter.take();
}

Sweep swept(const Evidence& evidence, const Question& question) {
  auto sweep = Sweep::of(evidence, question);
  REQUIRE(static_cast<bool>(sweep));
  return *std::move(sweep);
}

void check_outcome(const Outcome& got, const Outcome& want) {
  CHECK(got.zero_in == want.zero_in);
  CHECK(got.nan_in == want.nan_in);
  CHECK(got.inf_in == want.inf_in);
  CHECK(got.counts.of == want.counts.of);
  CHECK(got.exact == want.exact);
  const ErrorMoments &error = *got.error, &reference = *want.error;
  CHECK(std::bit_cast<std::uint64_t>(error.sum_abs) == std::bit_cast<std::uint64_t>(reference.sum_abs));
  CHECK(std::bit_cast<std::uint64_t>(error.sum_squared) == std::bit_cast<std::uint64_t>(reference.sum_squared));
  CHECK(error.bias == reference.bias);
  REQUIRE(error.snr_db.has_value() == reference.snr_db.has_value());
  if (error.snr_db) CHECK(*error.snr_db == doctest::Approx(*reference.snr_db).epsilon(1e-12));
  for (std::size_t c = 0; c < 4; ++c) {
    CHECK(error.share_of_squared[c] == doctest::Approx(reference.share_of_squared[c]).epsilon(1e-14));
  }
}

void check_counts(const TensorCounts& counts, const Outcome& want, const BinadeTable& table) {
  CHECK(counts.elements == want.elements);
  CHECK(counts.zero_in == want.zero_in.most);
  CHECK(counts.nan_in == want.nan_in);
  CHECK(counts.inf_in == want.inf_in);
  CHECK(counts == counts_of(table));
}

void check_sample(const Sample& sample, const std::vector<Target>& targets, const std::vector<int>& asked, int dump) {
  Question question{{}, targets.front().rounding, targets.front().overflow, {-160, 160}};
  for (const Target& target : targets) question.formats.push_back({target.name, target.format});
  const int fraction_bits = sample.dtype->bytes == 8 ? wide_fraction_bits : narrow_fraction_bits;
  const std::vector<Exact> elements = sample.elements();
  const BinadeTable table = counted(sample, table_options(question, fraction_bits), dump);
  const Sweep sweep = swept(Evidence{table}, question);
  for (std::size_t format = 0; format < targets.size(); ++format) {
    const Target& target = targets[format];
    // One plan a target: together they have more cuts than a plan tells apart.
    Question alone = question;
    alone.formats = {question.formats[format]};
    const std::optional<CutPlan> plan = sample.dtype->bytes == 8 ? std::nullopt : CutPlan::make(alone);
    std::optional<Evidence> cuts;
    if (plan) {
      CutCounter counter(*plan, dump);
      REQUIRE(static_cast<bool>(counter.count(*sample.dtype, sample.bytes())));
      cuts = Evidence{counter.take()};
    }
    for (const int scale : asked) {
      const Outcome want = oracle::reference_outcome(elements, target, dump, scale);
      CAPTURE(target.name);
      CAPTURE(static_cast<int>(target.rounding));
      CAPTURE(target.overflow.saturate_finite);
      CAPTURE(scale);
      check_outcome(sweep.at(format, scale), want);
      if (cuts) {
        const Outcome got = swept(*cuts, alone).at(0, scale);
        CHECK(got.counts.of == want.counts.of);
        CHECK(got.zero_in == want.zero_in);
        CHECK(got.nan_in == want.nan_in);
        CHECK(got.inf_in == want.inf_in);
        CHECK(flushed_at(*counts_of(*cuts), target, scale) == want.counts[ElementClass::flushed].most);
      }
      CHECK(flushed_at(counts_of(table), target, scale) == want.counts[ElementClass::flushed].most);
      if (sample.dtype->bytes == 4) {
        const TensorCounts counts = counts_of_fp32(sample.bytes(), 1, dump);
        CHECK(flushed_at(counts, target, scale) == want.counts[ElementClass::flushed].most);
        check_counts(counts, want, table);
      }
    }
  }
}

std::vector<Rounding> deterministic_modes() {
  std::vector<Rounding> found;
  for (const RoundingName& row : rounding_names) {
    if (!is_stochastic(row.mode)) found.push_back(row.mode);
  }
  return found;
}
const std::vector<Rounding> modes = deterministic_modes();

std::vector<Target> targets_with(Rounding mode, Overflow overflow) {
  std::vector<Target> targets;
  for (const NamedFormat& row : format_table) {
    if (is_auditable(row.format)) targets.push_back({std::string(row.name), row.format, mode, overflow});
  }
  for (const char* name : {"e2m5", "e3m1", "e8m15", "e6m20", "e11m52", "e4m11"}) {
    targets.push_back({name, find_format(name).format, mode, overflow});
  }
  return targets;
}

void check_all_modes(const Sample& sample, const std::vector<int>& asked, int dump = 0) {
  for (const Rounding mode : modes) {
    for (const OverflowName& row : overflow_names) check_sample(sample, targets_with(mode, row.rule), asked, dump);
  }
}

}  // namespace

TEST_CASE("random bits of every dtype") {
  for (const Dtype& dtype : dtype_table) {
    CAPTURE(dtype.name);
    check_all_modes(random_bits(dtype.name.data(), 40, 7), {-160, -8, 0, 1, 16, 160});
  }
}

TEST_CASE("gradient-like values") {
  const std::vector<int> scales{-40, -3, 0, 5, 8, 11, 17, 24, 32, 60};
  check_all_modes(gradients("f32", 60, -20, 1), scales);
  check_all_modes(gradients("f64", 60, -20, 2), scales, 16);
  check_all_modes(gradients("bf16", 40, -30, 3), scales, -3);
}

TEST_CASE("every edge of every format, one code either side") {
  for (const char* dtype : {"f32", "f64"}) {
    for (const Target& target : targets_with(Rounding::nearest_even, Overflow{})) {
      const Sample sample = edges(dtype, target.format, 16);
      for (const Rounding mode : modes) {
        check_sample(sample, {{target.name, target.format, mode, {}}}, {15, 16, 17, 40}, 0);
        check_sample(sample, {{target.name, target.format, mode, {true, true}}}, {15, 16, 17, 40}, 0);
      }
    }
  }
}

// Data of every kind that a fast path treats in its own way, and enough of it.
std::vector<Sample> fast_path_samples() {
  const std::size_t n = 100003;
  Sample sparse = gradients("f32", n, -20, 11), halves = gradients("f32", n, 0, 12), same{find_dtype("f32"), {}};
  Sample runs = gradients("f32", n, -20, 15);
  for (std::size_t i = 0; i < n; i += 3) sparse.codes[i] = i % 2 ? 0 : 0x80000000u;
  for (std::uint64_t& code : halves.codes) code &= 0xffff0000u;
  same.codes.assign(n, 0x3f9d70a4u);
  std::fill(runs.codes.begin() + 1000, runs.codes.begin() + 60000, 0);
  return {random_bits("f32", n, 13), gradients("f32", n, -130, 14), sparse, halves, same, runs};
}

// The fast path is an ordinary witness: on every instruction set, for every kind of data, it must leave the same table.
TEST_CASE("packed leaves count what single elements count") {
  for (const Sample& sample : fast_path_samples()) {
    const std::vector<std::byte> bytes = sample.bytes();
    for (const int fraction_bits : {narrow_fraction_bits, wide_fraction_bits}) {
      const TableOptions options{fraction_bits, {}, {}};
      BinadeCounter sum(options), part(options);
      for (std::size_t at = 0; at < bytes.size(); at += 4000) {  // too little at a time for the fast path
        const auto piece = std::span(bytes).subspan(at, std::min<std::size_t>(4000, bytes.size() - at));
        REQUIRE(static_cast<bool>(part.count(*sample.dtype, piece)));
        REQUIRE(static_cast<bool>(sum.add(part.take())));
      }
      const BinadeTable slow = sum.take();
      for (const std::int64_t isa : hwy::SupportedAndGeneratedTargets()) {
        CAPTURE(hwy::TargetName(isa));
        hwy::SetSupportedTargetsForTest(isa);
        BinadeCounter fast(options);
        for (int again = 0; again < 2; ++again) {  // a counter that was emptied counts like a new one
          REQUIRE(static_cast<bool>(fast.count(*sample.dtype, bytes)));
          CHECK(fast.take() == slow);
        }
      }
      hwy::SetSupportedTargetsForTest(0);
    }
  }
}

TEST_CASE("pairs count what single elements count") {
  for (const Rounding mode : {Rounding::nearest_even, Rounding::toward_zero}) {
    Question many{{}, mode, {}, {}}, one{{{"e2m1", find_format("e2m1").format}}, mode, {}, {}};
    for (const char* name : {"fp16", "bf16", "e4m3", "e5m2"}) many.formats.push_back({name, find_format(name).format});
    for (const Question& question : {many, one}) {
      const std::optional<CutPlan> plan = CutPlan::make(question);
      REQUIRE(plan.has_value());
      for (const Sample& sample : fast_path_samples()) {
        const std::vector<std::byte> bytes = sample.bytes();
        const BinadeTable table = counted(sample);
        const Outcomes want = swept(Evidence{table}, question).all();
        for (const std::int64_t isa : hwy::SupportedAndGeneratedTargets()) {
          CAPTURE(hwy::TargetName(isa));
          hwy::SetSupportedTargetsForTest(isa);
          CutCounter cuts(*plan), part(*plan);
          for (int again = 0; again < 2; ++again) {
            REQUIRE(static_cast<bool>(cuts.count(*sample.dtype, std::span(bytes).first(240004))));
            REQUIRE(static_cast<bool>(part.count(*sample.dtype, std::span(bytes).subspan(240004))));
            const CutCounts first = cuts.take(), rest = part.take();
            const auto sum = merged(first, rest);
            REQUIRE(static_cast<bool>(sum));
            REQUIRE(static_cast<bool>(cuts.add(first)));
            REQUIRE(static_cast<bool>(cuts.add(rest)));
            CHECK(cuts.take() == *sum);
            const Evidence evidence{*sum};
            const Outcomes got = swept(evidence, question).all();
            for (std::size_t format = 0; format < got.size(); ++format) {
              for (std::size_t i = 0; i < got[format].size(); ++i) {
                CHECK(got[format][i].counts.of == want[format][i].counts.of);
              }
            }
            CHECK(static_cast<const Census&>(*sum) == table.census());
          }
        }
        hwy::SetSupportedTargetsForTest(0);
      }
    }
  }
}

TEST_CASE("no plan of cuts where the sign decides, or for more cuts than a pass tells apart") {
  Question question{{{"fp16", find_format("fp16").format}}, Rounding::toward_negative, {}, {}};
  CHECK(!CutPlan::make(question).has_value());
  question.rounding = Rounding::nearest_even;
  const std::optional<CutPlan> plan = CutPlan::make(question);
  REQUIRE(plan.has_value());  // above zero, into the smallest normal number, beyond the largest
  CHECK(std::ranges::equal(plan->cuts(),
                           std::vector<std::uint32_t>{1, (1u << 23) - (1u << 13), (1u << 23) - (1u << 12)}));
  for (int bits = 1; bits <= 20; ++bits) {
    const std::string name = "e5m" + std::to_string(bits);
    question.formats.push_back({name, find_format(name).format});
  }
  CHECK(!CutPlan::make(question).has_value());
}

TEST_CASE("tables add to what one pass gives, and taking empties the counter") {
  const Sample sample = gradients("f32", 3000, -20, 5);
  const std::vector<std::byte> bytes = sample.bytes();
  Question question{{}, Rounding::nearest_even, {}, {}};
  for (const Target& target : targets_with(Rounding::nearest_even, Overflow{}))
    question.formats.push_back({target.name, target.format});
  const TableOptions options = table_options(question, narrow_fraction_bits);
  for (const int dump : {0, 16}) {
    const BinadeTable whole = counted(sample, options, dump);
    BinadeCounter part(options, dump), sum(options, dump);
    BinadeTable merged_parts = part.take();
    for (std::size_t at = 0; at < bytes.size(); at += 28) {
      const auto piece = std::span(bytes).subspan(at, std::min<std::size_t>(28, bytes.size() - at));
      REQUIRE(static_cast<bool>(part.count(*sample.dtype, piece)));
      const BinadeTable table = part.take();
      REQUIRE(static_cast<bool>(sum.add(table)));
      auto more = merged(merged_parts, table);
      REQUIRE(static_cast<bool>(more));
      merged_parts = *std::move(more);
    }
    CHECK(sum.take() == whole);
    CHECK(merged_parts == whole);
    CHECK(part.take() == BinadeCounter(options, dump).take());
  }
}

TEST_CASE("a narrow table joins a wide one in its units") {
  const Sample narrow = gradients("f32", 500, -20, 5), wide = gradients("f64", 500, -20, 6);
  const TableOptions options{wide_fraction_bits, {}, {}};
  BinadeCounter both(options);
  REQUIRE(static_cast<bool>(both.count(*narrow.dtype, narrow.bytes())));
  REQUIRE(static_cast<bool>(both.count(*wide.dtype, wide.bytes())));
  const BinadeTable want = both.take();
  for (const auto& sum :
       {merged(counted(narrow), counted(wide, options)), merged(counted(wide, options), counted(narrow))}) {
    REQUIRE(static_cast<bool>(sum));
    CHECK(*sum == want);
  }
}

TEST_CASE("weights count elements several times") {
  const Sample sample = gradients("f32", 50, -10, 6);
  BinadeCounter once, thrice;
  REQUIRE(static_cast<bool>(thrice.count(*sample.dtype, sample.bytes(), 3)));
  for (int i = 0; i < 3; ++i) REQUIRE(static_cast<bool>(once.count(*sample.dtype, sample.bytes())));
  CHECK(once.take() == thrice.take());
}

// What the type of a question or of a table cannot rule out is an Error in every build.
TEST_CASE("what evidence cannot answer is refused") {
  const Sample sample = gradients("f32", 50, -10, 6);
  const Evidence evidence{counted(sample)};
  const Format fp16 = find_format("fp16").format, wide = find_format("e8m15").format;
  CHECK(Sweep::of(evidence, Question{}).error().message() == "wanted a format to ask about, found none");
  CHECK(Sweep::of(evidence, Question{{{"fp16", fp16}}, Rounding::stochastic_a, {}, {}}).error().message() ==
        "wanted a deterministic rounding mode, found a stochastic one");
  CHECK(!Sweep::of(evidence, Question{{{"fp16", fp16}}, Rounding::nearest_even, {}, {5, 4}}));
  CHECK(!Sweep::of(evidence, Question{{{"fp16", fp16}}, Rounding::nearest_even, {}, {0, 161}}));
  CHECK(!Sweep::of(evidence, Question{{{"e8m0", find_format("e8m0").format}}, Rounding::nearest_even, {}, {}}));
  Question asks_more{{{"e8m15", wide}}, Rounding::nearest_even, {}, {}};
  CHECK(!swept(evidence, asks_more).at(0, 0).error.has_value());  // intervals, no errors: nothing was recorded
  const BinadeTable recorded = counted(sample, table_options(asks_more, narrow_fraction_bits));
  const Evidence recorded_evidence{recorded};
  CHECK(swept(recorded_evidence, asks_more).at(0, 0).error.has_value());
  asks_more.rounding = Rounding::toward_zero;  // recorded for another mode
  CHECK(!swept(recorded_evidence, asks_more).at(0, 0).error.has_value());
  Peak alone;
  alone.max_abs = exact_finite(false, 1, 0);
  const Evidence peak{alone};
  CHECK(!Sweep::of(peak, asks_more));

  BinadeCounter narrow;
  const std::vector<std::byte> doubles(16);
  CHECK(!narrow.count(*find_dtype("f64"), doubles));
  CHECK(narrow.elements() == 0);
  CutCounter cuts{CutPlan{}};
  CHECK(!cuts.count(*find_dtype("f64"), doubles));
  CHECK(!narrow.add(recorded));
  CHECK(!merged(recorded, std::get<BinadeTable>(evidence)));
}
