// SPDX-License-Identifier: Apache-2.0
// The judge is judged: figures printed in the standards, and the two ways it has of placing a number against each
// other.
#include "lowp/verify/oracle.h"

#include <doctest/doctest.h>

#include <string>

#include "lowp/verify/float_walker.h"

namespace lowp::oracle {
namespace {

Real real(bool negative, std::uint64_t significand, int exponent) {
  return {Meaning::number, negative, {Integer(significand), exponent}};
}

Grid grid_of(const char* name) {
  const OracleFormat* f = find_oracle_format(name);
  REQUIRE_MESSAGE(f != nullptr, name);
  return Grid(*f);
}

struct Pin {
  const char* format;
  Mode mode;
  std::uint64_t significand;
  int exponent;
  std::uint64_t code;
};

TEST_CASE("codes printed in the standards and found on hardware") {
  const Pin pins[] = {
      {"fp16", Mode::nearest_even, 1, 0, 0x3c00},
      {"fp16", Mode::nearest_even, 65519, 0, 0x7bff},
      {"fp16", Mode::nearest_even, 65520, 0, 0x7c00},
      {"fp16", Mode::toward_zero, 65520, 0, 0x7bff},
      {"fp16", Mode::nearest_even, 1, -25, 0},
      {"fp16", Mode::nearest_away, 1, -25, 1},
      {"fp16", Mode::nearest_even, (1 << 23) + 1, -48, 1},
      {"fp16", Mode::nearest_even, 2049, -11, 0x3c00},
      {"fp16", Mode::nearest_even, 2051, -11, 0x3c02},
      {"fp16", Mode::nearest_to_zero, 2051, -11, 0x3c01},
      {"fp16", Mode::to_odd, 2049, -11, 0x3c01},
      {"fp16", Mode::to_odd, 2051, -11, 0x3c01},
      {"bf16", Mode::nearest_even, 511, 119, 0x7f80},
      {"bf16", Mode::nearest_even, 1021, 118, 0x7f7f},
      {"e4m3", Mode::nearest_even, 464, 0, 0x7e},
      {"e4m3", Mode::nearest_even, 929, -1, 0x7f},
      {"e4m3", Mode::toward_zero, 1, 20, 0x7e},
      {"e4m3", Mode::nearest_away, 464, 0, 0x7f},
      {"e5m2", Mode::nearest_even, 61439, 0, 0x7b},
      {"e5m2", Mode::nearest_even, 61440, 0, 0x7c},
      {"e4m3fnuz", Mode::nearest_even, 247, 0, 0x7f},
      {"e4m3fnuz", Mode::nearest_even, 248, 0, 0x80},
      {"e5m2fnuz", Mode::nearest_even, 61440, 0, 0x80},
      {"e4m3b11fnuz", Mode::nearest_even, 31, 0, 0x80},
      {"e2m1", Mode::nearest_even, 5, 0, 6},
      {"e2m1", Mode::nearest_even, 100, 0, 7},
      {"e2m3", Mode::nearest_even, 15, -1, 0x1f},
      {"e3m2", Mode::nearest_even, 28, 0, 0x1f},
      {"e8m0", Mode::nearest_even, 7, -2, 0x80},
      {"e8m0", Mode::toward_zero, 7, -2, 0x7f},
      {"mxint8", Mode::nearest_even, 127, -6, 0x7f},
      {"ue4m3", Mode::nearest_even, 448, 0, 0x7e},
  };
  for (const Pin& pin : pins) {
    CAPTURE(std::string(pin.format));
    CAPTURE(pin.significand);
    CHECK(oracle_encode(grid_of(pin.format), pin.mode, {}, real(false, pin.significand, pin.exponent)) == pin.code);
  }
}

TEST_CASE("signs, specials and saturation") {
  const Saturation all{true, true};
  const Saturation finite_only{true, false};
  const Grid fp16 = grid_of("fp16");
  const Grid e4m3 = grid_of("e4m3");
  const Real minus_inf{Meaning::infinity, true, {}};
  CHECK(oracle_encode(fp16, Mode::toward_positive, {}, real(true, 1, 20)) == 0xfbff);
  CHECK(oracle_encode(fp16, Mode::toward_negative, {}, real(true, 1, 20)) == 0xfc00);
  CHECK(oracle_encode(fp16, Mode::nearest_even, {}, real(true, 1, -30)) == 0x8000);
  CHECK(oracle_encode(fp16, Mode::toward_negative, {}, real(true, 1, -30)) == 0x8001);
  CHECK(oracle_encode(fp16, Mode::nearest_even, all, minus_inf) == 0xfbff);
  CHECK(oracle_encode(fp16, Mode::nearest_even, finite_only, minus_inf) == 0xfc00);
  CHECK(oracle_encode(e4m3, Mode::nearest_even, all, real(true, 1, 20)) == 0xfe);
  CHECK(oracle_encode(e4m3, Mode::nearest_even, {}, minus_inf) == 0x7f);
  CHECK(oracle_encode(fp16, Mode::nearest_even, {}, {Meaning::nan, true, {}}) == 0x7e00);
  CHECK(oracle_encode(fp16, Mode::nearest_even, {}, {Meaning::zero, true, {}}) == 0x8000);
  CHECK(oracle_encode(grid_of("e4m3fnuz"), Mode::nearest_even, {}, {Meaning::zero, true, {}}) == 0);
  CHECK(oracle_encode(grid_of("ue4m3"), Mode::nearest_even, {}, real(true, 1, 0)) == 0x7f);
  CHECK(oracle_encode(grid_of("e2m1"), Mode::nearest_even, {}, minus_inf) == 0xf);
  CHECK(oracle_encode(grid_of("mxint8"), Mode::nearest_even, {}, real(true, 1, 0)) == 0xc0);
}

TEST_CASE("segments of a source agree with placing each of its numbers") {
  const Grid source = grid_of("fp16");
  for (const OracleFormat& f : all_formats()) {
    if (width_of(f) > 16) continue;
    CAPTURE(f.name);
    const Grid target(f);
    const std::vector<Segment> cut = segments(source, target);
    std::uint64_t wrong = 0;
    std::uint64_t next = 1;
    for (std::size_t i = 0; i + 1 < cut.size(); ++i) {
      wrong += cut[i].first != next;
      for (; next < cut[i + 1].first; ++next) {
        const Place place = locate(target, source.value(next));
        wrong += place.fields != cut[i].place.fields || place.relation != cut[i].place.relation;
      }
    }
    CHECK(next == source.largest() + 1);
    CHECK(wrong == 0);
  }
}

TEST_CASE("values ascend, and encoding a value gives its code back in every mode") {
  for (const OracleFormat& f : all_formats()) {
    if (width_of(f) > 16) continue;
    CAPTURE(f.name);
    const Grid grid(f);
    for (std::uint64_t fields = 0; fields <= grid.largest(); ++fields) {
      REQUIRE(compare(grid.value(fields), grid.value(fields + 1)) < 0);
      const std::uint64_t code = finite_code(f, false, fields);
      REQUIRE(oracle_encode(grid, Mode::to_odd, {}, real_of_code(f, code)) == code);
    }
  }
}

}  // namespace
}  // namespace lowp::oracle
