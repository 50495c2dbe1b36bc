// SPDX-License-Identifier: Apache-2.0
#include "lowp/compare/ulps.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp::compare {

std::int64_t ulp_position(Format f, double x) {
  constexpr Format fp64 = find_format("fp64").format;
  const Exact value = decode(fp64, std::bit_cast<std::uint64_t>(x));
  assert(value.kind != Kind::nan);
  if (value.kind == Kind::zero) return 0;
  const std::uint64_t beyond = max_finite_ordinal(f) + 1;
  std::uint64_t ordinal = beyond;
  if (value.kind == Kind::finite)
    ordinal = std::min(round_magnitude(f, Rounding::nearest_even, value).ordinal, beyond);
  const auto place = static_cast<std::int64_t>(ordinal);
  return value.negative ? -place : place;
}

}  // namespace lowp::compare
