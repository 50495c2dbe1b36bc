// SPDX-License-Identifier: Apache-2.0
#include "lowp/compare/differences.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <numbers>

#include "lowp/compare/ulps.h"
#include "lowp/core/formats.h"
#include "lowp/tensor/element_reader.h"

namespace lowp::compare {
namespace {

constexpr std::size_t chunk_elements = 1 << 14;
constexpr Format fp64 = find_format("fp64").format;

Exact exactly(double x) {
  return decode(fp64, std::bit_cast<std::uint64_t>(x));
}

// Beyond the range of a double too.
double log10_of(Exact x) {
  return std::log10(static_cast<double>(x.significand)) + x.exponent * std::numbers::log10e / std::numbers::log2e;
}

// (b - a)^2 of finite numbers. b - a is high + low exactly (Knuth's two-sum), unless it leaves the range of a double.
void add_squared_difference(ExactSum& sum, double a, double b) {
  const double high = b - a;
  if (high == 0) return;
  if (!std::isfinite(high)) {
    sum.add_product(exactly(a), exactly(a));
    sum.add_product(exactly(b), exactly(b));
    for (int twice = 0; twice < 2; ++twice) sum.add_product(exactly(-a), exactly(b));
    return;
  }
  const double of_b = high + a, low = (b - of_b) + (of_b - high - a);
  sum.add_product(exactly(high), exactly(high));
  if (low == 0) return;
  sum.add_product(exactly(low), exactly(low));
  for (int twice = 0; twice < 2; ++twice) sum.add_product(exactly(high), exactly(low));
}

// The distances of one tensor's pairs, as keys whose order is theirs.
struct Searches {
  QuantileSearch ulps, absolute, relative;
  explicit Searches(std::size_t held) : ulps(held), absolute(held), relative(held) {}

  bool need_another_pass() {
    const bool of_ulps = ulps.needs_another_pass(), of_absolute = absolute.needs_another_pass();
    const bool of_relative = relative.needs_another_pass();
    return of_ulps || of_absolute || of_relative;
  }
};

// One pair of elements: values without loss scale, and places among the numbers of the ulp format.
struct Elements {
  double a, b;
  std::int64_t place_a, place_b;  // of finite pairs
  bool finite;
};

class Pairing {
 public:
  Pairing(const TensorPair& pair, const Settings& settings)
      : dtype_a_(*pair.a->dtype), dtype_b_(*pair.b->dtype), format_(ulp_format_of(pair, settings)) {
    const int scale_a = pair.input_a->dump_scale_log2.value_or(settings.scale_log2_a);
    const int scale_b = pair.input_b->dump_scale_log2.value_or(settings.scale_log2_b);
    // Distances are those of the numbers that the narrower side has stored.
    const bool b_is_narrower = narrower(dtype_a_.format, dtype_b_.format) != dtype_a_.format;
    off_a_ = std::ldexp(1.0, -scale_a);
    off_b_ = std::ldexp(1.0, -scale_b);
    const int place_scale = b_is_narrower ? scale_b : scale_a;
    to_place_ = std::ldexp(1.0, place_scale);
    a_has_places_ = dtype_a_.format == format_ && scale_a == place_scale;
    b_has_places_ = dtype_b_.format == format_ && scale_b == place_scale;
    same_codes_ = &dtype_a_ == &dtype_b_ && scale_a == scale_b;
  }

  Elements elements(std::uint64_t code_a, std::uint64_t code_b) const {
    Elements e{value_of(dtype_a_, code_a) * off_a_, value_of(dtype_b_, code_b) * off_b_, 0, 0, false};
    e.finite = std::isfinite(e.a) && std::isfinite(e.b);
    if (!e.finite) return e;
    e.place_a = a_has_places_ ? code_position(format_, code_a) : ulp_position(format_, e.a * to_place_);
    e.place_b = b_has_places_ ? code_position(format_, code_b) : ulp_position(format_, e.b * to_place_);
    return e;
  }

  bool equal_bits(std::uint64_t code_a, std::uint64_t code_b, const Elements& e) const {
    if (same_codes_) return code_a == code_b;
    return (std::isnan(e.a) && std::isnan(e.b)) ||
           std::bit_cast<std::uint64_t>(e.a) == std::bit_cast<std::uint64_t>(e.b);
  }

 private:
  const Dtype &dtype_a_, &dtype_b_;
  Format format_;
  double off_a_ = 1, off_b_ = 1, to_place_ = 1;
  bool same_codes_ = false, a_has_places_ = false, b_has_places_ = false;
};

void add_keys(const Elements& e, Searches& searches) {
  if (!e.finite) return;
  const double apart = std::abs(e.b - e.a);
  searches.ulps.add(ulp_distance(e.place_a, e.place_b));
  searches.absolute.add(std::bit_cast<std::uint64_t>(apart));
  if (e.a != 0) searches.relative.add(std::bit_cast<std::uint64_t>(apart / std::abs(e.a)));
}

void count_specials(const Elements& e, Differences& d) {
  const bool nan_a = std::isnan(e.a), nan_b = std::isnan(e.b), inf_a = std::isinf(e.a), inf_b = std::isinf(e.b);
  d.nan_a += nan_a;
  d.nan_b += nan_b;
  d.nan_only_a += nan_a && !nan_b;
  d.nan_only_b += nan_b && !nan_a;
  d.inf_only_a += inf_a && !inf_b;
  d.inf_only_b += inf_b && !inf_a;
}

// Returns whether the pair differs.
bool count_pair(const Elements& e, std::uint64_t tolerance, Differences& d, Squares& squares) {
  ++d.elements;
  d.sign_flips += (e.a < 0 && e.b > 0) || (e.a > 0 && e.b < 0);
  d.lost += e.b == 0 && e.a != 0 && !std::isnan(e.a);
  d.gained += e.a == 0 && e.b != 0 && !std::isnan(e.b);
  if (!e.finite) {
    count_specials(e, d);
    const bool equal = (std::isnan(e.a) && std::isnan(e.b)) || e.a == e.b;
    d.equal_specials += equal;
    return !equal;
  }
  ++d.finite;
  d.largest_a = std::max(d.largest_a, std::abs(e.a));
  d.largest_b = std::max(d.largest_b, std::abs(e.b));
  if (e.a != 0) squares.of_a.add_product(exactly(e.a), exactly(e.a));
  add_squared_difference(squares.of_difference, e.a, e.b);
  return ulp_distance(e.place_a, e.place_b) > tolerance;
}

// visit(codes of A, codes of B, index of the first), for all elements in order.
template <class Visit>
Result<Done> each_chunk(const TensorPair& pair, Visit visit) {
  auto a = ElementReader::open(pair.input_a->path, *pair.a);
  if (!a) return a.error();
  auto b = ElementReader::open(pair.input_b->path, *pair.b);
  if (!b) return b.error();
  std::vector<std::uint64_t> codes_a, codes_b;
  while (a->left() != 0) {
    const std::uint64_t first = pair.a->elements - a->left();
    codes_a.resize(static_cast<std::size_t>(std::min<std::uint64_t>(a->left(), chunk_elements)));
    codes_b.resize(codes_a.size());
    if (auto done = a->read(codes_a); !done) return done.error();
    if (auto done = b->read(codes_b); !done) return done.error();
    visit(codes_a, codes_b, first);
  }
  return Done{};
}

}  // namespace

Format ulp_format_of(const TensorPair& pair, const Settings& settings) {
  if (settings.ulp_format) return settings.ulp_format->format;
  return narrower(pair.a->dtype->format, pair.b->dtype->format);
}

Result<Differences> compare_tensors(const TensorPair& pair, const Settings& settings, Squares& squares) {
  assert(pair.a->shape == pair.b->shape && pair.a->elements == pair.b->elements);
  const Pairing pairing(pair, settings);
  Differences d;
  d.is_one_tensor = true;
  Searches searches(settings.held_keys);
  auto done = each_chunk(pair, [&](const auto& codes_a, const auto& codes_b, std::uint64_t first) {
    for (std::size_t i = 0; i < codes_a.size(); ++i) {
      const Elements e = pairing.elements(codes_a[i], codes_b[i]);
      d.equal_bits += pairing.equal_bits(codes_a[i], codes_b[i], e);
      const bool differs = count_pair(e, settings.tolerance, d, squares);
      d.differing += differs;
      add_keys(e, searches);
      if (!differs || d.first) continue;
      d.first = Divergence{first + i, e.a, e.b, {}};
      if (e.finite) d.first->ulps = ulp_distance(e.place_a, e.place_b);
    }
    if (settings.progress)
      settings.progress(codes_a.size() * static_cast<std::uint64_t>(pair.a->dtype->bytes + pair.b->dtype->bytes));
  });
  while (done && searches.need_another_pass()) {
    done = each_chunk(pair, [&](const auto& codes_a, const auto& codes_b, std::uint64_t) {
      for (std::size_t i = 0; i < codes_a.size(); ++i) add_keys(pairing.elements(codes_a[i], codes_b[i]), searches);
    });
  }
  if (!done) return done.error();
  d.ulps = searches.ulps.result();
  d.absolute = searches.absolute.result();
  d.relative = searches.relative.result();
  squares.round_into(d);
  return d;
}

void Differences::add_counts(const Differences& other) {
  for (std::uint64_t Differences::* sum :
       {&Differences::elements, &Differences::finite, &Differences::equal_specials, &Differences::equal_bits, &Differences::differing,
        &Differences::sign_flips, &Differences::lost, &Differences::gained, &Differences::nan_a, &Differences::nan_b,
        &Differences::nan_only_a, &Differences::nan_only_b, &Differences::inf_only_a, &Differences::inf_only_b,
        &Differences::unmatched, &Differences::mismatched})
    this->*sum += other.*sum;
  for (Quantiles Differences::* quantiles : {&Differences::ulps, &Differences::absolute, &Differences::relative}) {
    (this->*quantiles).count += (other.*quantiles).count;
    (this->*quantiles).most = std::max((this->*quantiles).most, (other.*quantiles).most);
  }
  largest_a = std::max(largest_a, other.largest_a);
  largest_b = std::max(largest_b, other.largest_b);
}

void Squares::merge(const Squares& other) {
  of_a.merge(other.of_a);
  of_difference.merge(other.of_difference);
}

void Squares::round_into(Differences& differences) const {
  differences.squares = of_a.to_double();
  differences.squared_differences = of_difference.to_double();
  const Exact signal = of_a.value(), noise = of_difference.value();
  differences.snr_db.reset();
  if (signal.kind == Kind::finite && noise.kind == Kind::finite)
    differences.snr_db = 10 * (log10_of(signal) - log10_of(noise));
}

}  // namespace lowp::compare
