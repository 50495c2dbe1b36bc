// SPDX-License-Identifier: Apache-2.0
// Whole matrix products of cuBLASLt are reproduced bit for bit, and every rule around the instruction is needed for it.
#include "lowp/verify/recorded_gemm.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "lowp/core/arithmetic.h"
#include "lowp/core/convert.h"

using namespace lowp;
namespace fs = std::filesystem;

namespace {

constexpr Format fp32 = ieee_format(8, 23);

const RecordedGemms& file(const std::string& name) {
  static std::map<std::string, RecordedGemms> read;
  auto found = read.find(name);
  if (found == read.end()) {
    auto gemms = read_recorded_gemms(fs::path(LOWP_RECORDED_GEMM_DIR) / ("rtx4060-gemm-" + name + ".safetensors"));
    REQUIRE_MESSAGE(gemms, (gemms ? "" : gemms.error().message()));
    found = read.emplace(name, std::move(*gemms)).first;
  }
  return found->second;
}

// A rule made wrong: how a case is run, and how its accumulators are stored.
struct Planted {
  std::function<void(RecordedGemm&)> run = [](RecordedGemm&) {};
  std::function<std::uint64_t(const Epilogue&, std::uint32_t)> store = stored;
};

std::size_t wrong_outputs(const RecordedGemms& gemms, const Planted& planted) {
  std::size_t wrong = 0;
  for (RecordedGemm one : gemms.cases) {
    if (one.k == 0) continue;
    planted.run(one);
    const auto made = accumulators_of(gemms, one, 1);
    for (std::size_t i = 0; i < made.size(); ++i) {
      wrong += planted.store(one.epilogue, static_cast<std::uint32_t>(made[i])) != gemms.recorded(one, i) ? 1 : 0;
    }
  }
  return wrong;
}

// The epilogue of library_gemm.h from parts, so that one may be changed: y from the accumulator, then the store.
std::uint64_t store_y(const Epilogue& epilogue, std::uint64_t y) {
  Epilogue rest = epilogue;
  rest.scale_a = rest.scale_b = 0x3F800000;
  if (decode(fp32, y).kind == Kind::zero && decode(fp32, y).negative) return y >> 31 << (epilogue.output.width - 1);
  return stored(rest, static_cast<std::uint32_t>(y));
}

const Planted one_rounding{.store = [](const Epilogue& epilogue, std::uint32_t accumulator) {
  if (epilogue.output.width != 16) return stored(epilogue, accumulator);
  const Exact alpha = decode(fp32, mul(fp32, {}, epilogue.scale_a, epilogue.scale_b));
  const Exact y = exact_fma(decode(fp32, accumulator), alpha, decode(fp32, 0), Rounding::nearest_even);
  return y.kind == Kind::nan ? std::uint64_t{0x7FFF} : encode(epilogue.output, Conversion{}, y);
}};
const Planted scales_one_by_one{.store = [](const Epilogue& epilogue, std::uint32_t accumulator) {
  const std::uint64_t once = mul(fp32, {}, accumulator, epilogue.scale_a);
  return store_y(epilogue, add(fp32, {}, mul(fp32, {}, once, epilogue.scale_b), 0));
}};
const Planted without_plus_zero{.store = [](const Epilogue& epilogue, std::uint32_t accumulator) {
  return store_y(epilogue, mul(fp32, {}, accumulator, mul(fp32, {}, epilogue.scale_a, epilogue.scale_b)));
}};
const Planted other_combination{.run = [](RecordedGemm& one) {
  const bool serial = one.split.combination == Combination::serial;
  one.split.combination = serial ? Combination::pairwise : Combination::serial;
}};
const Planted contiguous_parts{.run = [](RecordedGemm& one) {
  one.split.order = TileOrder::contiguous;
  one.split.tile = 128;
  one.split.combination = Combination::serial;
}};
const Planted other_speed{
    .run = [](RecordedGemm& one) { one.path.promotion = one.path.promotion == 0 ? 128 / one.row->instruction_k : 0; }};

}  // namespace

TEST_CASE("no recorded product differs") {
  std::size_t outputs = 0;
  for (const char* name : {"unsplit", "splitk", "epilogue"}) {
    CAPTURE(name);
    const GemmReplay result = replay(file(name), 2);
    CHECK(result.mismatches == 0);
    outputs += result.outputs;
  }
  CHECK(outputs == 30607);
}

TEST_CASE("each rule is needed: made wrong, as many outputs differ as the recordings hold evidence for it") {
  CHECK(wrong_outputs(file("epilogue"), one_rounding) == 180);
  CHECK(wrong_outputs(file("splitk"), one_rounding) == 60);
  CHECK(wrong_outputs(file("epilogue"), scales_one_by_one) == 476);
  CHECK(wrong_outputs(file("splitk"), scales_one_by_one) == 73);
  CHECK(wrong_outputs(file("epilogue"), without_plus_zero) == 3138);
  CHECK(wrong_outputs(file("splitk"), without_plus_zero) == 273);
  CHECK(wrong_outputs(file("splitk"), other_combination) == 16);
  CHECK(wrong_outputs(file("splitk"), contiguous_parts) == 88);
  CHECK(wrong_outputs(file("unsplit"), other_speed) == 518);
}
