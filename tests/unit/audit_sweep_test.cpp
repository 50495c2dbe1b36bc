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
#include "lowp/summary/binade_counts.h"
#include "lowp/summary/cut_table.h"
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

bool same_magnitude(Exact a, Exact b) {
  return !magnitude_less(a, b) && !magnitude_less(b, a);
}

void check_sample(const Sample& sample, const std::vector<Target>& targets, const std::vector<int>& asked, int dump) {
  const ScaleRange scales{-160, 160, dump};
  const int fraction_bits = sample.dtype->bytes == 8 ? wide_fraction_bits : narrow_fraction_bits;
  const std::vector<Exact> elements = sample.elements();
  BinadeTable table(plan_pass(targets, scales, fraction_bits));
  table.count(*sample.dtype, sample.bytes());
  const Prepared prepared = prepare(table, targets.front().rounding);
  for (const Target& target : targets) {
    // One plan a target: together they have more cuts than a plan tells apart.
    const std::optional<CutPlan> plan = sample.dtype->bytes == 8 ? std::nullopt : CutPlan::make(std::span(&target, 1));
    std::optional<CutTable> cuts;
    if (plan) cuts.emplace(*plan).count(*sample.dtype, sample.bytes());
    for (const int scale : asked) {
      const Outcome got = measure(prepared, target, scales, scale);
      const Outcome want = oracle::reference_outcome(elements, target, scales, scale);
      CAPTURE(target.name);
      CAPTURE(static_cast<int>(target.rounding));
      CAPTURE(target.overflow.saturate_finite);
      CAPTURE(scale);
      CHECK(got.zero_in == want.zero_in);
      CHECK(got.nan_in == want.nan_in);
      CHECK(got.inf_in == want.inf_in);
      CHECK(got.counts.of == want.counts.of);
      CHECK(got.counts.exact == want.counts.exact);
      CHECK(std::bit_cast<std::uint64_t>(got.error.sum_abs) == std::bit_cast<std::uint64_t>(want.error.sum_abs));
      CHECK(std::bit_cast<std::uint64_t>(got.error.sum_squared) ==
            std::bit_cast<std::uint64_t>(want.error.sum_squared));
      CHECK(got.error.bias == want.error.bias);
      REQUIRE(got.error.snr_db.has_value() == want.error.snr_db.has_value());
      if (got.error.snr_db) CHECK(*got.error.snr_db == doctest::Approx(*want.error.snr_db).epsilon(1e-12));
      for (std::size_t c = 0; c < 4; ++c) {
        CHECK(got.error.share_of_squared[c] == doctest::Approx(want.error.share_of_squared[c]).epsilon(1e-14));
      }
      if (cuts) {
        const Outcome counted = cuts->measure(target, scales, scale);
        CHECK(counted.counts.of == want.counts.of);
        CHECK(counted.zero_in == want.zero_in);
        CHECK(counted.nan_in == want.nan_in);
        CHECK(counted.inf_in == want.inf_in);
        CHECK(flushed_at(cuts->counts(), target, scales, scale) == want.counts[ElementClass::flushed]);
      }
      CHECK(flushed_at(counts_of(table), target, scales, scale) == want.counts[ElementClass::flushed]);
      if (sample.dtype->bytes == 4) {
        const TensorCounts counts = counts_of_fp32(sample.bytes(), 1);
        CHECK(flushed_at(counts, target, scales, scale) == want.counts[ElementClass::flushed]);
        CHECK(counts.elements == want.elements);
        CHECK(counts.zero_in == want.zero_in);
        CHECK(counts.nan_in == want.nan_in);
        CHECK(counts.inf_in == want.inf_in);
        CHECK(same_magnitude(counts.max_abs, table.max_abs()));
        CHECK(same_magnitude(counts.min_nonzero_abs, table.min_nonzero_abs()));
        CHECK(counts.binades == counts_of(table).binades);
      }
    }
  }
}

bool same_cells(const BinadeTable::Page& a, const BinadeTable::Page& b) {
  for (std::size_t leaf = 0; leaf < BinadeTable::leaves; ++leaf) {
    const Cell128 x = a.cell(leaf), y = b.cell(leaf);
    if (x.count != y.count || x.exact != y.exact || x.tail != y.tail || x.tail_squared != y.tail_squared) return false;
  }
  return a.negative == b.negative && a.binade == b.binade;
}

bool same_tables(const BinadeTable& a, const BinadeTable& b) {
  const auto left = a.pages(), right = b.pages();
  return a.elements() == b.elements() && a.zero_in() == b.zero_in() && a.nan_in() == b.nan_in() &&
         a.inf_in() == b.inf_in() && a.max_abs() == b.max_abs() && a.min_nonzero_abs() == b.min_nonzero_abs() &&
         std::ranges::equal(left, right, [](const auto* x, const auto* y) { return same_cells(*x, *y); });
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
        check_sample(sample, {{target.name, target.format, mode, {}}, {target.name, target.format, mode, {true, true}}},
                     {15, 16, 17, 40}, 0);
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
      BinadeTable slow(PassOptions{fraction_bits, {}, {}});
      for (std::size_t at = 0; at < bytes.size(); at += 4000) {  // too little at a time for the fast path
        BinadeTable part(slow.options());
        part.count(*sample.dtype, std::span(bytes).subspan(at, std::min<std::size_t>(4000, bytes.size() - at)));
        slow.merge(part);
      }
      for (const std::int64_t isa : hwy::SupportedAndGeneratedTargets()) {
        CAPTURE(hwy::TargetName(isa));
        hwy::SetSupportedTargetsForTest(isa);
        BinadeTable fast(PassOptions{fraction_bits, {}, {}});
        fast.count(*sample.dtype, bytes);
        fast.settle();
        CHECK(same_tables(fast, slow));
        fast.clear();
        fast.count(*sample.dtype, bytes);
        fast.settle();
        CHECK(same_tables(fast, slow));
      }
      hwy::SetSupportedTargetsForTest(0);
    }
  }
}

TEST_CASE("pairs count what single elements count") {
  for (const Rounding mode : {Rounding::nearest_even, Rounding::toward_zero}) {
    std::vector<Target> many, one{{"e2m1", find_format("e2m1").format, mode, {}}};
    for (const char* name : {"fp16", "bf16", "e4m3", "e5m2"})
      many.push_back({name, find_format(name).format, mode, {}});
    for (const std::vector<Target>& targets : {many, one}) {
      const std::optional<CutPlan> plan = CutPlan::make(targets);
      REQUIRE(plan.has_value());
      const ScaleRange scales;
      for (const Sample& sample : fast_path_samples()) {
        const std::vector<std::byte> bytes = sample.bytes();
        BinadeTable table;
        table.count(*sample.dtype, bytes);
        table.settle();
        const Prepared prepared = prepare(table, mode);
        for (const std::int64_t isa : hwy::SupportedAndGeneratedTargets()) {
          CAPTURE(hwy::TargetName(isa));
          hwy::SetSupportedTargetsForTest(isa);
          CutTable cuts(*plan), part(*plan);
          for (int again = 0; again < 2; ++again) {  // a cleared table counts like a new one
            cuts.clear();
            cuts.count(*sample.dtype, std::span(bytes).first(240004));
            part.clear();
            part.count(*sample.dtype, std::span(bytes).subspan(240004));
            cuts.settle();
            part.settle();
            cuts.merge(part);
            for (const Target& target : targets) {
              for (int scale = scales.low; scale <= scales.high; ++scale) {
                const Outcome got = cuts.measure(target, scales, scale),
                              want = measure(prepared, target, scales, scale);
                CHECK(got.counts.of == want.counts.of);
              }
            }
            const TensorCounts got = cuts.counts(), want = counts_of(table);
            CHECK(got.elements == want.elements);
            CHECK(got.zero_in == want.zero_in);
            CHECK(got.nan_in == want.nan_in);
            CHECK(got.inf_in == want.inf_in);
            CHECK(same_magnitude(got.max_abs, want.max_abs));
            CHECK(same_magnitude(got.min_nonzero_abs, want.min_nonzero_abs));
          }
        }
        hwy::SetSupportedTargetsForTest(0);
      }
    }
  }
}

TEST_CASE("no plan of cuts where the sign decides, or for more cuts than a pass tells apart") {
  const Target down{"fp16", find_format("fp16").format, Rounding::toward_negative, {}};
  CHECK(!CutPlan::make(std::span(&down, 1)).has_value());
  std::vector<Target> all;
  for (int bits = 1; bits <= 20; ++bits) {
    const std::string name = "e5m" + std::to_string(bits);
    all.push_back({name, find_format(name).format, Rounding::nearest_even, {}});
  }
  CHECK(!CutPlan::make(all).has_value());
  const std::vector<Target> fp16{{"fp16", find_format("fp16").format, Rounding::nearest_even, {}}};
  const std::optional<CutPlan> plan = CutPlan::make(fp16);
  REQUIRE(plan.has_value());  // above zero, into the smallest normal number, beyond the largest
  CHECK(std::ranges::equal(plan->cuts(),
                           std::vector<std::uint32_t>{1, (1u << 23) - (1u << 13), (1u << 23) - (1u << 12)}));
}

TEST_CASE("tables merge to what one pass gives, and clear to nothing") {
  const Sample sample = gradients("f32", 3000, -20, 5);
  const std::vector<std::byte> bytes = sample.bytes();
  const std::vector<Target> targets = targets_with(Rounding::nearest_even, Overflow{});
  const ScaleRange scales;
  const PassOptions options = plan_pass(targets, scales, narrow_fraction_bits);
  BinadeTable whole(options), parts(options), part(options);
  whole.count(*sample.dtype, bytes);
  for (std::size_t at = 0; at < bytes.size(); at += 28) {
    part.clear();
    part.count(*sample.dtype, std::span(bytes).subspan(at, std::min<std::size_t>(28, bytes.size() - at)));
    parts.merge(part);
  }
  CHECK(parts.max_abs() == whole.max_abs());
  CHECK(parts.min_nonzero_abs() == whole.min_nonzero_abs());
  const Prepared a = prepare(whole, Rounding::nearest_even), b = prepare(parts, Rounding::nearest_even);
  for (const Target& target : targets) {
    for (int scale = scales.low; scale <= scales.high; ++scale) {
      const Outcome one = measure(a, target, scales, scale), other = measure(b, target, scales, scale);
      CHECK(one.counts.of == other.counts.of);
      CHECK(one.error.sum_squared == other.error.sum_squared);
      CHECK(one.error.sum_abs == other.error.sum_abs);
      CHECK(one.error.bias == other.error.bias);
    }
  }
  part.clear();
  CHECK(part.pages().empty());
  CHECK(part.elements() == 0);
  CHECK(part.max_abs().kind == Kind::zero);
}

TEST_CASE("weights count elements several times") {
  const Sample sample = gradients("f32", 50, -10, 6);
  const Target target{"fp16", find_format("fp16").format, Rounding::nearest_even, {}};
  const ScaleRange scales;
  BinadeTable once, thrice;
  thrice.count(*sample.dtype, sample.bytes(), 3);
  for (int i = 0; i < 3; ++i) once.count(*sample.dtype, sample.bytes());
  const Outcome a = measure(prepare(once, target.rounding), target, scales, 4);
  const Outcome b = measure(prepare(thrice, target.rounding), target, scales, 4);
  CHECK(a.counts.of == b.counts.of);
  CHECK(a.error.sum_squared == b.error.sum_squared);
}
