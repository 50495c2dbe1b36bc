// SPDX-License-Identifier: Apache-2.0
#include "profile_diff.h"

#include <set>

#include "lowp/core/convert.h"

namespace lowp::tool {
namespace {

constexpr Format fp32 = find_format("fp32").format;

// `flushing`: one of the profiles takes subnormal sources for zeros.
InputKind kind_of(Format source, Format target, bool flushing, std::uint64_t code) {
  const Exact x = decode(source, code);
  if (x.kind == Kind::nan) return InputKind::nan;
  if (x.kind == Kind::inf) return InputKind::inf;
  if (x.kind == Kind::zero) return InputKind::zero;
  if (x.negative && !is_signed(target)) return InputKind::negative;
  const Rounded rounded = round_magnitude(target, Rounding::nearest_even, x);
  if (overflows(target, rounded)) return InputKind::overflow;
  if ((flushing && is_subnormal(source, code)) || exponent_of(x) < min_exponent(target)) return InputKind::subnormal;
  // A tie is where the two modes that differ in nothing else disagree.
  const bool tie = round_magnitude(target, Rounding::nearest_away, x).ordinal !=
                   round_magnitude(target, Rounding::nearest_to_zero, x).ordinal;
  return tie ? InputKind::tie : InputKind::other;
}

class Differ {
 public:
  Differ(const Profile& a, const Profile& b, Format target)
      : target_(target), a_(a.conversion(target)), b_(b.conversion(target)) {}

  void look(Format source, std::uint64_t code) {
    const std::uint64_t by_a = convert(source, target_, a_, code);
    const std::uint64_t by_b = convert(source, target_, b_, code);
    KindOfDifference& kind = diff.kinds[static_cast<std::size_t>(kind_of(source, target_, flushing_, code))];
    ++diff.inputs;
    ++kind.inputs;
    if (by_a == by_b) return;
    ++diff.differ;
    if (kind.differ++ < 3) kind.first.push_back({source, code, by_a, by_b});
  }

  ProfileDiff diff;

 private:
  Format target_;
  Conversion a_, b_;
  bool flushing_ = a_.subnormals.flush_sources || b_.subnormals.flush_sources;
};

// In every binade of both signs: fractions with one bit, all bits above or below it, and those one beside.
void look_at_edges(Differ& differ) {
  std::set<std::uint64_t> fractions;
  for (int bit = 0; bit <= 23; ++bit) {
    const std::uint64_t one = std::uint64_t{1} << bit;
    for (const std::uint64_t x : {one - 1, one, one + 1, 0x800000 - one, 0x7fffff - one})
      fractions.insert(x & 0x7fffff);
  }
  for (std::uint64_t top = 0; top < 512; ++top) {
    for (const std::uint64_t fraction : fractions) differ.look(fp32, top << 23 | fraction);
  }
}

}  // namespace

ProfileDiff diff_profiles(const Profile& a, const Profile& b, Format target, bool full) {
  Differ differ(a, b, target);
  for (const std::string_view name : {"fp16", "bf16"}) {
    const Format source = find_format(name).format;
    for (std::uint64_t code = 0; code <= code_mask(source); ++code) differ.look(source, code);
  }
  if (!full) look_at_edges(differ);
  for (std::uint64_t code = 0; full && code <= code_mask(fp32); ++code) differ.look(fp32, code);
  return differ.diff;
}

}  // namespace lowp::tool
