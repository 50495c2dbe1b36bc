// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/instruction.h"

#include <array>

#include "lowp/core/formats.h"

namespace lowp::gpu {
namespace {

constexpr Overflow ieee{false, false}, saturate{true, true};
enum class Flags { plain, ftz, sat, relu };

// E8M0 takes the magnitude of values below zero, as CUDA documents its conversions.
constexpr Rule conversion_rule(std::string_view source, std::string_view target, Rounding rounding, Overflow overflow,
                               bool relu) {
  const bool between = is_stochastic(rounding);
  return {between ? Operation::convert_between : Operation::convert,
          find_format(source).format,
          find_format(target).format,
          {.rounding = between ? Rounding::toward_zero : rounding,
           .overflow = overflow,
           .negative = NegativeResult::magnitude},
          relu};
}

constexpr Rule arithmetic_rule(std::string_view format, Operation operation, Rounding rounding, Flags flags) {
  const bool ftz = flags == Flags::ftz;
  const Format f = find_format(format).format;
  return {operation, f, f, {.rounding = rounding, .subnormals = {ftz, ftz}}, flags == Flags::relu, flags == Flags::sat};
}

#define LOWP_CONVERSION(shape, ptx, source, target, rounding, overflow, relu, architecture)                   \
  ConversionRow{ptx, #source, #target, conversion_rule(#source, #target, Rounding::rounding, overflow, relu), \
                architecture},
constexpr std::array conversion_table{
#include "lowp/gpu/conversion_rows.inc"
};
#undef LOWP_CONVERSION

#define LOWP_ARITHMETIC(shape, ptx, format, operation, rounding, flags, architecture)                           \
  ArithmeticRow{ptx, #format, arithmetic_rule(#format, Operation::operation, Rounding::rounding, Flags::flags), \
                architecture},
constexpr std::array arithmetic_table{
#include "lowp/gpu/arithmetic_rows.inc"
};
#undef LOWP_ARITHMETIC

#define LOWP_MMA(shape, ptx, k, a, b, accumulator, architecture) \
  MmaRow{ptx, "mma", 16, 8, k, #a, #b, #accumulator, architecture},
#define LOWP_WGMMA(shape, ptx, k, a, b, accumulator) \
  MmaRow{ptx, "wgmma", 64, 8, k, #a, #b, #accumulator, wgmma_architecture},
constexpr std::array mma_table{
#include "lowp/gpu/mma_rows.inc"
};
#undef LOWP_MMA
#undef LOWP_WGMMA

}  // namespace

std::span<const ConversionRow> conversion_rows() {
  return conversion_table;
}
std::span<const ArithmeticRow> arithmetic_rows() {
  return arithmetic_table;
}
std::span<const MmaRow> mma_rows() {
  return mma_table;
}
bool is_wgmma(const MmaRow& row) {
  return row.architecture == wgmma_architecture;
}
Format operand_format(std::string_view name) {
  return find_format(name == "tf32" ? "fp32" : name).format;
}
Format accumulator_format(const MmaRow& row) {
  return row.accumulator == "f16" ? ieee_format(5, 10) : ieee_format(8, 23);
}

}  // namespace lowp::gpu
