// SPDX-License-Identifier: Apache-2.0
// Every (level, format, mode, overflow rule, scale) is answered exactly, by an interval that holds the truth, or by
// nothing: against every element converted by itself through core.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "audit_reference.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/below.h"
#include "lowp/summary/binade_counter.h"
#include "lowp/summary/format_ends.h"
#include "lowp/summary/sweep.h"

using namespace lowp;

namespace {

struct Sample {
  const Dtype* dtype;
  std::vector<std::uint64_t> codes;

  std::vector<std::byte> bytes() const {
    const auto size = static_cast<std::size_t>(dtype->bytes);
    std::vector<std::byte> out(codes.size() * size);
    for (std::size_t i = 0; i < codes.size(); ++i) std::memcpy(out.data() + i * size, &codes[i], size);
    return out;
  }
  std::vector<Exact> elements(int dump = 0) const {
    std::vector<Exact> out;
    for (const std::uint64_t code : codes) out.push_back(scaled(decode(dtype->format, code), -dump));
    return out;
  }
};

// Random bits, log-normal magnitudes, and fractions at and beside every place where a class or a grid can change.
Sample adversarial(const Dtype& dtype, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Sample sample{&dtype, {0, sign_bit(dtype.format)}};
  for (int i = 0; i < 24; ++i) sample.codes.push_back(random() & code_mask(dtype.format));
  std::normal_distribution<double> spread(-20, 9);
  const int stored = fraction_bits(dtype.format);
  for (int i = 0; i < 70; ++i) {
    const int binade =
        std::clamp(static_cast<int>(spread(random)), min_exponent(dtype.format), max_exponent(dtype.format));
    std::uint64_t fraction = random() & low_bits(stored);
    const int ones = static_cast<int>(random() % 13), kind = static_cast<int>(random() % 4);
    if (kind == 0 && ones <= stored) fraction = low_bits(ones) << (stored - ones);
    if (kind == 1) fraction &= ~low_bits(std::max(0, stored - ones));
    if (kind == 2 && stored >= 4) fraction = (std::uint64_t{13} << (stored - 4)) + random() % 3 - 1;
    const Exact x = exact_finite((random() & 1) != 0, (std::uint64_t{1} << stored) | fraction, binade - stored);
    sample.codes.push_back(encode(dtype.format, Rounding::nearest_even, Overflow{}, x));
  }
  return sample;
}

struct Truth {
  std::array<std::uint64_t, element_classes> of{};
  std::uint64_t exact = 0;
};
Truth truth_of(const std::vector<Exact>& elements, const Target& target, int scale) {
  Truth truth;
  for (const Exact& x : elements) {
    if (x.kind != Kind::finite) continue;
    const Exact y = scaled(x, scale);
    const Exact r = decode(target.format, encode(target.format, target.rounding, target.overflow, y));
    const bool beyond = overflows(target.format, round_magnitude(target.format, target.rounding, y));
    const ElementClass c = beyond ? (r.kind == Kind::finite ? ElementClass::saturated : ElementClass::overflowed)
                           : r.kind == Kind::zero                         ? ElementClass::flushed
                           : exponent_of(r) < min_exponent(target.format) ? ElementClass::subnormal
                                                                          : ElementClass::normal;
    ++truth.of[static_cast<std::size_t>(c)];
    truth.exact += !beyond && lowest_terms(r) == lowest_terms(y) ? 1 : 0;
  }
  return truth;
}

bool holds(Interval interval, std::uint64_t count) {
  return interval.least <= count && count <= interval.most;
}

std::vector<NamedTarget> formats() {
  std::vector<NamedTarget> all;
  for (const NamedFormat& row : format_table) {
    if (is_auditable(row.format)) all.push_back({std::string(row.name), row.format});
  }
  for (const char* name : {"e2m5", "e3m1", "e8m15", "e4m10", "e4m11"}) all.push_back({name, find_format(name).format});
  return all;
}

std::vector<Rounding> modes() {
  std::vector<Rounding> found;
  for (const RoundingName& row : rounding_names) {
    if (!is_stochastic(row.mode)) found.push_back(row.mode);
  }
  return found;
}

// A histogram of the elements with edges that fall anywhere; the extremes as the logger would know them.
Bins binned(const std::vector<Exact>& elements, bool knows_extremes) {
  std::map<std::pair<double, double>, std::uint64_t> counts;
  Bins bins;
  Census census;
  for (const Exact& x : elements) {
    bins.nan_in += x.kind == Kind::nan ? 1 : 0;
    bins.inf_in += x.kind == Kind::inf ? 1 : 0;
    if (x.kind == Kind::nan || x.kind == Kind::inf) continue;
    if (x.kind == Kind::finite) add(census, Census{0, 0, 0, 0, lowest_terms(x), lowest_terms(x)});
    const double value = std::ldexp(static_cast<double>(x.significand), x.exponent), log = std::floor(std::log2(value));
    if (x.kind == Kind::zero || log < -30) {
      ++counts[{-std::exp2(-30), std::exp2(-30)}];
    } else {
      const double low = std::exp2(log) * (value >= 1.3 * std::exp2(log) ? 1.3 : 0.65);
      const double high = std::exp2(log) * (value >= 1.3 * std::exp2(log) ? 2.6 : 1.3);
      ++counts[x.negative ? std::pair(-high, -low) : std::pair(low, high)];
    }
  }
  for (const auto& [edges, count] : counts) bins.bins.push_back({edges.first, edges.second, count});
  if (knows_extremes) {
    bins.max_abs = census.max_abs;
    bins.min_nonzero_abs = census.min_nonzero_abs;
  }
  return bins;
}

struct Kept {
  Evidence evidence;
  bool exact_classes;  // of formats whose edges are among the places that are kept
};

std::vector<Kept> kept_of(const Sample& sample, int dump) {
  const int fraction_bits = sample.dtype->bytes == 8 ? wide_fraction_bits : narrow_fraction_bits;
  BinadeCounter counter(TableOptions{fraction_bits, {}, {}}, dump);
  REQUIRE(static_cast<bool>(counter.count(*sample.dtype, sample.bytes())));
  const BinadeTable table = counter.take();
  BinadeCountsCounter counts(dump);
  counts.count(*sample.dtype, sample.bytes());
  const BinadeCounts direct = counts.take();
  CHECK(direct == binade_counts_of(table));
  CHECK(counts.take() == BinadeCounts{});
  const Bins sharp = binned(sample.elements(dump), true), blunt = binned(sample.elements(dump), false);
  return {{Evidence{table}, true},
          {Evidence{RoundingErrors(table)}, true},
          {Evidence{direct}, true},
          {Evidence{counts_of(table)}, false},
          {*lowered(Evidence{table}, Level::peak), false},
          {Evidence{sharp}, false},
          {Evidence{blunt}, false}};
}

// Formats whose largest number is the last or the last but one of its binade: their edges are among the places kept.
bool has_kept_edges(Format f) {
  return fraction_bits(f) <= 10 && distance_of_max(f) <= 2;
}

void check_answer(const Kept& kept, const Target& target, const Outcome& got, const Truth& want) {
  const bool promised = kept.exact_classes && has_kept_edges(target.format);
  for (std::size_t c = 0; c < element_classes; ++c) {
    CHECK(holds(got.counts.of[c], want.of[c]));
    if (promised) CHECK(got.counts.of[c].exact());
  }
  if (kept.exact_classes) REQUIRE(got.exact.has_value());
  if (got.exact) CHECK(holds(*got.exact, want.exact));
  if (promised) CHECK(got.exact->exact());
}

void check_sample(const Sample& sample, int dump, int stride) {
  const std::vector<Exact> elements = sample.elements(dump);
  const std::vector<Kept> levels = kept_of(sample, dump);
  int turn = 0;
  for (const Rounding mode : modes()) {
    for (const OverflowName& overflow : overflow_names) {
      const Question question{formats(), mode, overflow.rule, {-160, 160}};
      std::vector<Sweep> sweeps;
      for (const Kept& kept : levels) {
        auto sweep = Sweep::of(kept.evidence, question);
        REQUIRE(static_cast<bool>(sweep));
        sweeps.push_back(*std::move(sweep));
      }
      for (std::size_t format = 0; format < question.formats.size(); ++format) {
        const Target target = question.target(format);
        for (int scale = -160 + turn++ % stride; scale <= 160; scale += stride) {
          CAPTURE(sample.dtype->name);
          CAPTURE(target.name);
          CAPTURE(static_cast<int>(mode));
          CAPTURE(overflow.name);
          CAPTURE(scale);
          const Truth want = truth_of(elements, target, scale);
          for (std::size_t level = 0; level < levels.size(); ++level) {
            CAPTURE(level);
            const Outcome got = sweeps[level].at(format, scale);
            check_answer(levels[level], target, got, want);
            const bool has_errors = level == 0 || (level == 1 && mode == Rounding::nearest_even);
            CHECK(got.error.has_value() == (has_errors && sweeps[0].at(format, scale).error.has_value()));
          }
        }
      }
    }
  }
}

}  // namespace

// Every scale takes a few minutes: EVERY_SCALE=1 evidence_levels_test.
TEST_CASE("every level answers exactly, by an interval or not at all") {
  const bool every = std::getenv("EVERY_SCALE") != nullptr;
  for (const Dtype& dtype : dtype_table) check_sample(adversarial(dtype, 3), 0, every ? 1 : 37);
  check_sample(adversarial(*find_dtype("f32"), 5), 16, every ? 1 : 61);
}

TEST_CASE("the counts level answers every format of up to ten bits at every scale") {
  for (const Dtype& dtype : dtype_table) {
    const Sample sample = adversarial(dtype, 7);
    BinadeCountsCounter counter;
    counter.count(dtype, sample.bytes());
    const Kept kept{Evidence{counter.take()}, true};
    for (const Rounding mode : modes()) {
      for (const OverflowName& overflow : overflow_names) {
        const Question question{formats(), mode, overflow.rule, {-160, 160}};
        const auto sweep = Sweep::of(kept.evidence, question);
        for (std::size_t format = 0; format < question.formats.size(); ++format) {
          const Target target = question.target(format);
          if (!has_kept_edges(target.format)) continue;
          for (int scale = -160; scale <= 160; ++scale) {
            CAPTURE(target.name);
            CAPTURE(scale);
            check_answer(kept, target, sweep->at(format, scale), truth_of(sample.elements(), target, scale));
          }
        }
      }
    }
  }
}

TEST_CASE("errors answer nearest-even as leaves do, bit for bit") {
  const std::vector<NamedTarget> all = formats();
  Question question{{}, Rounding::nearest_even, {}, {-160, 160}};
  for (const NamedTarget& asked : all) {
    if (fraction_bits(asked.format) <= 10) question.formats.push_back(asked);
  }
  for (const Dtype& dtype : dtype_table) {
    for (const OverflowName& overflow : overflow_names) {
      question.overflow = overflow.rule;
      const std::vector<Kept> kept = kept_of(adversarial(dtype, 11), 3);
      const auto leaves = Sweep::of(kept[0].evidence, question), errors = Sweep::of(kept[1].evidence, question);
      for (std::size_t format = 0; format < question.formats.size(); ++format) {
        for (int scale = -160; scale <= 160; scale += 5) {
          const Outcome a = errors->at(format, scale), b = leaves->at(format, scale);
          CHECK(a.counts.of == b.counts.of);
          CHECK(a.exact == b.exact);
          CHECK(a.error->sum_abs == b.error->sum_abs);
          CHECK(a.error->sum_squared == b.error->sum_squared);
          CHECK(a.error->bias == b.error->bias);
          CHECK(a.error->snr_db == b.error->snr_db);
          CHECK(a.error->share_of_squared == b.error->share_of_squared);
        }
      }
    }
  }
}

TEST_CASE("evidence adds at every level, and levels merge downwards") {
  const Sample first = adversarial(*find_dtype("f32"), 21), second = adversarial(*find_dtype("f32"), 22),
               doubles = adversarial(*find_dtype("f64"), 23);
  Sample both = first;
  both.codes.insert(both.codes.end(), second.codes.begin(), second.codes.end());
  const std::vector<Kept> a = kept_of(first, 0), b = kept_of(second, 0), sum = kept_of(both, 0),
                          wide = kept_of(doubles, 0);
  for (std::size_t level = 0; level < sum.size(); ++level) {
    const auto got = merged(a[level].evidence, b[level].evidence),
               swapped = merged(b[level].evidence, a[level].evidence);
    REQUIRE(static_cast<bool>(got));
    CHECK(*got == sum[level].evidence);
    CHECK(*swapped == sum[level].evidence);
  }
  for (std::size_t level = 0; level < 4; ++level) {
    const Level to = level_of(sum[level].evidence);
    const auto got = merged(a[0].evidence, b[level].evidence);
    REQUIRE(static_cast<bool>(got));
    CHECK(*got == sum[level].evidence);
    const auto mixed = merged(a[level].evidence, wide[level].evidence), other = merged(wide[0].evidence, a[0].evidence);
    REQUIRE(static_cast<bool>(mixed));
    CHECK(*mixed == *lowered(*other, to));
  }
}

TEST_CASE("any real scale: what lies on a threshold's side is known") {
  const Sample sample = adversarial(*find_dtype("f32"), 31);
  const std::vector<Kept> levels = kept_of(sample, 0);
  std::mt19937_64 random(5);
  for (const NamedTarget& asked : formats()) {
    for (const Rounding mode : modes()) {
      const Target target{asked.name, asked.format, mode, {}};
      const double scale = std::exp2(static_cast<double>(random() % 4000) / 100 - 10);
      // scale * x exactly: 53 + 24 bits, so round the product with a sticky bit.
      const Exact s = decode(ieee_format(11, 52), std::bit_cast<std::uint64_t>(scale));
      Truth want;
      for (const Exact& x : sample.elements()) {
        if (x.kind != Kind::finite) continue;
        const uint128 wide = static_cast<uint128>(x.significand) * s.significand;
        const int drop = std::max(0, bit_width(static_cast<std::uint64_t>(wide >> 64)));
        const Exact y = exact_finite(x.negative, static_cast<std::uint64_t>(wide >> drop),
                                     x.exponent + s.exponent + drop, (wide & ((uint128{1} << drop) - 1)) != 0);
        ++want.of[static_cast<std::size_t>(class_of(target, y))];
      }
      for (const Kept& kept : levels) {
        const Outcome got = classes_at(kept.evidence, target, scale);
        for (std::size_t c = 0; c < element_classes; ++c) CHECK(holds(got.counts.of[c], want.of[c]));
        // Overflow is decided by the largest magnitude, whatever else is known.
        const bool knows_largest = census_of(kept.evidence).max_abs.kind == Kind::finite;
        const std::uint64_t beyond = want.of[3] + want.of[4];
        if (knows_largest && !looks_at_sign(mode) && beyond == 0)
          CHECK((got.counts.of[3] + got.counts.of[4]).most == 0);
        if (knows_largest && !looks_at_sign(mode) && beyond != 0)
          CHECK((got.counts.of[3] + got.counts.of[4]).least != 0);
      }
    }
  }
}

TEST_CASE("the pass for counts alone leaves what the table would, for any size") {
  std::mt19937_64 random(9);
  std::normal_distribution<double> spread(-20, 8);
  for (const char* dtype : {"f32", "f16", "bf16", "f8_e5m2", "f64"}) {
    Sample sample{find_dtype(dtype), {}};
    for (int i = 0; i < 30000; ++i) {
      const double value = std::exp2(spread(random)) * ((random() & 1) != 0 ? 1 : -1);
      const Exact x = decode(ieee_format(11, 52), std::bit_cast<std::uint64_t>(value));
      sample.codes.push_back(encode(sample.dtype->format, Rounding::nearest_even, Overflow{}, x));
      if (i % 7 == 0) sample.codes.back() &= ~low_bits(fraction_bits(sample.dtype->format) / 2);
      if (i % 11 == 0) sample.codes.back() = 0;
      if (i % 5000 == 0) sample.codes.back() = random() & code_mask(sample.dtype->format);
    }
    const bool is_wide = sample.dtype->bytes == 8;
    BinadeCounter table(TableOptions{is_wide ? wide_fraction_bits : narrow_fraction_bits, {}, {}}, 2);
    BinadeCountsCounter counts(2);
    for (const std::uint64_t weight : {1, 3}) {
      REQUIRE(static_cast<bool>(table.count(*sample.dtype, sample.bytes(), weight)));
      counts.count(*sample.dtype, sample.bytes(), weight);
    }
    table.count_zeros(5);
    counts.count_zeros(5);
    CHECK(counts.take() == binade_counts_of(table.take()));
  }
}
