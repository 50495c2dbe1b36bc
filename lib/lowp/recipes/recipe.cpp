// SPDX-License-Identifier: Apache-2.0
#include "lowp/recipes/recipe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cmath>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/recipes/scale_rules.h"

namespace lowp::recipes {
namespace {

constexpr Format e8m0 = find_format("e8m0").format, e4m3 = find_format("e4m3").format;
constexpr Format fp32 = find_format("fp32").format, fp64 = find_format("fp64").format;

constexpr BlockShape tensor{0, 0}, row{1, 0}, mx{1, 32}, nv{1, 16}, square16{16, 16}, line{1, 128}, square{128, 128};
constexpr auto e8m0_scale = ScaleKind::e8m0;
constexpr auto e4m3_scale = ScaleKind::e4m3;
constexpr auto fp32_scale = ScaleKind::fp32;
constexpr auto dropped = NanInAmax::dropped;
constexpr auto kept = NanInAmax::kept;
constexpr auto halves = NanInAmax::halves;
constexpr auto multiply = Operation::multiply;
constexpr auto divide = Operation::divide;
constexpr auto xla_divide = Operation::xla_divide;
constexpr auto rows = Orientation::rows;
constexpr std::string_view all_mx = "e4m3 e5m2 e3m2 e2m3 e2m1", mx8 = "e4m3 e5m2", mx46 = "e3m2 e2m3 e2m1";

constexpr std::string_view floor_rule = "2^(floor(log2 largest) - emax)";
constexpr std::string_view even_rule = "2^(floor(log2(largest + half a unit of the element)) - emax)";
constexpr std::string_view rceil_rule = "the smallest 2^k with largest <= max 2^k";
constexpr std::string_view div_rule = "2^ceil(log2(largest / max)), quotient and log2 in FP32";
constexpr std::string_view te_rule = "2688 / tensor's largest = g; E4M3(largest * (g * 1/6)); x * 1/(scale * 1/g)";
constexpr std::string_view lost_rule = "a block scale may round to 0: its elements saturate and are lost";
constexpr std::string_view exact_specials = "zero block byte 0; NaN and Inf byte 255, codes NaN";
constexpr std::string_view torchao_mx_specials =
    "zero block byte 0; Inf saturates; NaN byte 255, finite elements 0; divisor not below 2^-126";
constexpr std::string_view torchao = "torchao 0.18.0, eager on a CPU";
constexpr std::string_view te = "Transformer Engine d0067d0 (2.20.0.dev0), CUDA source";
constexpr std::string_view te_python = "Transformer Engine 2.20.2, Python reference";
constexpr std::string_view te_specials = "largest 0 or Inf: 1; NaN ignored; a factor of Inf becomes FP32's largest";
constexpr std::string_view te_python_specials = "largest 0: 1; Inf: multiplier 0; NaN: all NaN";
constexpr std::string_view current_rule = "multiplier max / largest in FP32; scale its reciprocal";
constexpr std::string_view pow2_rule = "multiplier max / largest in FP32, fraction cut off; scale its reciprocal";
constexpr std::string_view torchao_rule = "multiplier FP32(max / max(largest, 1e-12) in FP64); scale its reciprocal";
constexpr std::string_view torchao_fp8_specials = "largest below 1e-12: multiplier stuck; Inf: multiplier 0";

// clang-format off
constexpr std::array table{
    RecipeRow{"mx-floor", all_mx, mx, e8m0_scale, kept, nullptr, floor_exact, multiply, Cast::saturate, rows,
              floor_rule, exact_specials, "OCP MX v1.0, section 6.3, exactly", "mx/{}/floor#exact"},
    RecipeRow{"mx-floor-torchao", mx8, mx, e8m0_scale, kept, nullptr, floor_torchao, divide, Cast::saturate, rows,
              floor_rule, torchao_mx_specials, torchao, "mx/{}/floor#torchao"},
    RecipeRow{"mx-floor-torchao", mx46, mx, e8m0_scale, kept, nullptr, floor_torchao, divide, Cast::torch_bits, rows,
              floor_rule, torchao_mx_specials, torchao, "mx/{}/floor#torchao"},
    RecipeRow{"mx-floor-microxcaling", all_mx, mx, e8m0_scale, kept, nullptr, floor_microxcaling, divide,
              Cast::values_even, rows, "2^(floor(log2 largest in FP32) - emax)", "zero block byte 0; Inf, NaN byte 255",
              "microxcaling 7bc4195, round=even", "mx/{}/floor#microxcaling_even"},
    RecipeRow{"mx-floor-microxcaling-away", all_mx, mx, e8m0_scale, kept, nullptr, floor_microxcaling, divide,
              Cast::values_away, rows, "2^(floor(log2 largest in FP32) - emax)", "zero block byte 0; Inf, NaN byte 255",
              "microxcaling 7bc4195, round=nearest, its default", "mx/{}/floor#microxcaling_nearest(default)"},
    RecipeRow{"mx-floor-gfloat", all_mx, mx, e8m0_scale, kept, nullptr, floor_gfloat, divide, Cast::gfloat, rows,
              floor_rule, "zero block byte 0; Inf saturates; NaN refused in FP6 and FP4", "gfloat 0.5.2",
              "mx/{}/floor#gfloat"},
    RecipeRow{"mx-floor-autoround", all_mx, mx, e8m0_scale, kept, nullptr, floor_autoround, divide, Cast::values_even,
              rows, "2^(floor(log2 largest in FP32) - emax)", "zero block the scale of 2; Inf, NaN byte 0, all NaN",
              "auto-round 0.16.1", "mx/{}/floor#autoround"},
    RecipeRow{"mx-ceil", all_mx, mx, e8m0_scale, kept, nullptr, ceil_exact, multiply, Cast::saturate, rows,
              "2^(ceil(log2 largest) - emax)", exact_specials, "the definition, exactly", "mx/{}/ceil#exact"},
    RecipeRow{"mx-ceil-torchao", mx8, mx, e8m0_scale, kept, nullptr, ceil_torchao, divide, Cast::saturate, rows,
              "2^(ceil(log2 largest) - emax)", torchao_mx_specials, torchao, "mx/{}/ceil#torchao"},
    RecipeRow{"mx-ceil-torchao", mx46, mx, e8m0_scale, kept, nullptr, ceil_torchao, divide, Cast::torch_bits, rows,
              "2^(ceil(log2 largest) - emax)", torchao_mx_specials, torchao, "mx/{}/ceil#torchao"},
    RecipeRow{"mx-even", all_mx, mx, e8m0_scale, kept, nullptr, even_exact, multiply, Cast::saturate, rows,
              even_rule, exact_specials, "the definition, exactly", "mx/{}/even#exact"},
    RecipeRow{"mx-even-torchao", mx8, mx, e8m0_scale, kept, nullptr, even_torchao, divide, Cast::saturate, rows,
              even_rule, torchao_mx_specials, torchao, "mx/{}/even#torchao"},
    RecipeRow{"mx-even-torchao", mx46, mx, e8m0_scale, kept, nullptr, even_torchao, divide, Cast::torch_bits, rows,
              even_rule, torchao_mx_specials, torchao, "mx/{}/even#torchao"},
    RecipeRow{"mx-even-quark", mx8, mx, e8m0_scale, kept, nullptr, even_quark, divide, Cast::saturate, rows,
              even_rule, "zero block byte 0; Inf saturates; NaN byte 255", "amd-quark 0.13", "mx/{}/even#quark"},
    RecipeRow{"mx-even-quark", mx46, mx, e8m0_scale, kept, nullptr, even_quark, divide, Cast::values_plus, rows,
              even_rule, "zero block byte 0; Inf and NaN have no code; zeros are +0", "amd-quark 0.13",
              "mx/{}/even#quark"},
    RecipeRow{"mx-ct", "e4m3 e2m3 e2m1", mx, e8m0_scale, kept, nullptr, even_compressed_tensors, divide, Cast::values,
              rows, "as mx-even, with E2M1's threshold 1.75 for MXFP8 too",
              "zero block byte 0; NaN byte 0; Inf byte 255, finite elements 0", "compressed-tensors 0.20.0",
              "mx/{}/even#compressed_tensors"},
    RecipeRow{"mx-rceil", all_mx, mx, e8m0_scale, kept, nullptr, rceil_exact, multiply, Cast::saturate, rows,
              rceil_rule, "zero block byte 0; Inf saturates, byte 254; NaN byte 255, codes NaN",
              "cuBLAS documentation, block scaling, exactly",
              "mx/{}/rceil#exact_ceil_log2 mx/{}/rceil#exact_div mx/{}/rceil#exact_mul"},
    RecipeRow{"mx-rceil-te", all_mx, mx, e8m0_scale, dropped, nullptr, rceil_te, multiply, Cast::saturate, rows,
              "largest * FP32(1/max), rounded up to a power of two",
              "zero block byte 0; Inf byte 254; a NaN is ignored and stays alone", te,
              "mx/{}/rceil#te_host mx/{}/rceil_colwise#te_host"},
    RecipeRow{"mx-rceil-te-reference", "e2m1", mx, e8m0_scale, kept, nullptr, rceil_te_reference, multiply,
              Cast::te_reference, rows, div_rule, "zero block byte 0; NaN codes 0", te_python, "mx/{}/rceil#te_py_ref"},
    RecipeRow{"mx-rceil-torchao", mx8, mx, e8m0_scale, kept, nullptr, rceil_torchao, multiply, Cast::saturate, rows,
              div_rule, "byte 0 multiplies by 1; Inf byte 254; NaN byte 255", torchao, "mx/{}/rceil#torchao"},
    RecipeRow{"mx-rceil-torchao", mx46, mx, e8m0_scale, kept, nullptr, rceil_torchao, multiply, Cast::torch_bits, rows,
              div_rule, "byte 0 multiplies by 1; Inf byte 254; NaN byte 255", torchao, "mx/{}/rceil#torchao"},
    RecipeRow{"mx-rceil-modelopt", "e4m3", mx, e8m0_scale, kept, nullptr, rceil_modelopt_fp8, multiply, Cast::saturate,
              rows, div_rule, "zero and NaN blocks byte 0; Inf byte 254", "nvidia-modelopt 0.47.0",
              "mx/{}/rceil#modelopt"},
    RecipeRow{"mx-rceil-modelopt", "e2m1", mx, e8m0_scale, kept, nullptr, rceil_modelopt_fp4, divide, Cast::modelopt_mx,
              rows, div_rule, "ties toward zero; zeros have code 8; Inf and NaN byte 0", "nvidia-modelopt 0.47.0",
              "mx/{}/rceil#modelopt"},
    RecipeRow{"mx-rceil-jax", mx8, mx, e8m0_scale, halves, nullptr, rceil_jax, xla_divide, Cast::xla, rows,
              "largest * FP32(1/max), rounded up to a power of two",
              "a zero block is NaN: 0 divided by a flushed 2^-127; Inf, NaN byte 255", "jax 0.10.2 on a CPU",
              "mx/{}/rceil#jax"},
    RecipeRow{"mx-rceil-mlx", "e4m3", mx, e8m0_scale, kept, nullptr, rceil_mlx, divide, Cast::mlx_fp8, rows, rceil_rule,
              "zero block byte 127; below 2^-127 the byte wraps; Inf, NaN byte 128", "mlx 0.32.4 on a CPU",
              "mx/{}/rceil#mlx"},
    RecipeRow{"mx-rceil-mlx", "e2m1", mx, e8m0_scale, kept, nullptr, rceil_mlx, divide, Cast::mlx_fp4, rows, rceil_rule,
              "ties toward zero; zero block byte 127; the byte wraps; Inf, NaN byte 128", "mlx 0.32.4 on a CPU",
              "mx/{}/rceil#mlx"},
    RecipeRow{"mx-qwix", "e4m3 e2m1", mx, fp32_scale, halves, nullptr, qwix, divide, Cast::xla, rows,
              "2^ceil(ln(largest * 1/max) * 1/ln 2) in FP32", "scales below 2^-63 are 1; Inf, NaN: Inf",
              "qwix 0.1.8 on a CPU", "mx/{}/qwix#qwix"},

    RecipeRow{"fp8-current-te", mx8, tensor, fp32_scale, dropped, nullptr, current_te, multiply, Cast::saturate, rows,
              current_rule, te_specials, te, "fp8/current/{}#te_host"},
    RecipeRow{"fp8-current-te-reference", mx8, tensor, fp32_scale, kept, nullptr, current_te_reference, multiply,
              Cast::torch, rows, current_rule, te_python_specials, te_python, "fp8/current/{}#te_py_ref"},
    RecipeRow{"fp8-current-pow2-te", mx8, tensor, fp32_scale, dropped, nullptr, current_te_pow2, multiply,
              Cast::saturate, rows, pow2_rule, te_specials, te, "fp8/current_pow2/{}#te_host"},
    RecipeRow{"fp8-current-pow2-te-reference", mx8, tensor, fp32_scale, kept, nullptr, current_te_reference_pow2,
              multiply, Cast::torch, rows, pow2_rule, "as above; NaN: multiplier 0.5", te_python,
              "fp8/current_pow2/{}#te_py_ref"},
    RecipeRow{"fp8-tensorwise-torchao", mx8, tensor, fp32_scale, kept, nullptr, current_torchao, multiply,
              Cast::saturate, rows, torchao_rule, torchao_fp8_specials, torchao, "fp8/current/{}#torchao"},
    RecipeRow{"fp8-rowwise-torchao", mx8, row, fp32_scale, kept, nullptr, current_torchao, multiply, Cast::saturate,
              rows, torchao_rule, torchao_fp8_specials, torchao, ""},
    RecipeRow{"fp8-rowwise-pow2-torchao", mx8, row, fp32_scale, kept, nullptr, current_torchao_pow2, multiply,
              Cast::saturate, rows, "as fp8-rowwise-torchao, then exp2(floor(log2 multiplier))", torchao_fp8_specials,
              torchao, "fp8/current_pow2/{}#torchao_row"},
    RecipeRow{"fp8-delayed-first-step", mx8, tensor, fp32_scale, dropped, nullptr, scale_one, multiply, Cast::saturate,
              rows, "1: delayed scaling before it has a history", "NaN stays, Inf saturates", te, ""},
    RecipeRow{"fp8-block-1x128-te", mx8, line, fp32_scale, dropped, nullptr, current_te, multiply, Cast::saturate, rows,
              current_rule, te_specials, te, ""},
    RecipeRow{"fp8-block-1x128-te-reference", mx8, line, fp32_scale, kept, nullptr, current_te_reference, multiply,
              Cast::saturate, rows, current_rule, te_python_specials, te_python, "fp8/block1x128_fp32/{}#te_py_ref"},
    RecipeRow{"fp8-block-1x128-pow2-te", mx8, line, fp32_scale, dropped, nullptr, current_te_pow2, multiply,
              Cast::saturate, rows, pow2_rule, te_specials, te, ""},
    RecipeRow{"fp8-block-1x128-pow2-te-reference", mx8, line, fp32_scale, kept, nullptr, current_te_reference_pow2,
              multiply, Cast::saturate, rows, pow2_rule, "as above; NaN: multiplier 0.5", te_python,
              "fp8/block1x128_pow2/{}#te_py_ref"},
    RecipeRow{"fp8-block-1x128-torchao", mx8, line, fp32_scale, kept, nullptr, current_torchao, multiply,
              Cast::saturate, rows, torchao_rule, torchao_fp8_specials, torchao, "fp8/block1x128_fp32/{}#torchao"},
    RecipeRow{"fp8-block-128x128-te", mx8, square, fp32_scale, dropped, nullptr, current_te, multiply, Cast::saturate,
              rows, current_rule, te_specials, te, ""},
    RecipeRow{"fp8-block-128x128-te-reference", mx8, square, fp32_scale, kept, nullptr, current_te_reference, multiply,
              Cast::saturate, rows, current_rule, te_python_specials, te_python, "fp8/block128x128_fp32/{}#te_py_ref"},
    RecipeRow{"fp8-block-128x128-pow2-te", mx8, square, fp32_scale, dropped, nullptr, current_te_pow2, multiply,
              Cast::saturate, rows, pow2_rule, te_specials, te, ""},
    RecipeRow{"fp8-block-128x128-pow2-te-reference", mx8, square, fp32_scale, kept, nullptr, current_te_reference_pow2,
              multiply, Cast::saturate, rows, pow2_rule, "as above; NaN: multiplier 0.5", te_python,
              "fp8/block128x128_pow2/{}#te_py_ref"},
    RecipeRow{"fp8-block-128x128-torchao", mx8, square, fp32_scale, kept, nullptr, current_torchao, multiply,
              Cast::saturate, rows, torchao_rule, torchao_fp8_specials, torchao, "fp8/block128x128_fp32/{}#torchao"},

    RecipeRow{"int8-rowwise", "int8", row, fp32_scale, kept, nullptr, int8_symmetric, divide, Cast::saturate, rows,
              "largest / 127 of each row in FP32; x / scale, nearest even, -127 to 127", "zero row: 1; NaN and Inf: NaN",
              "symmetric quantization of weights by its definition; no library was compared", ""},

    RecipeRow{"nvfp4-te", "e2m1", nv, e4m3_scale, dropped, tensor_te, nvfp4_te, multiply, Cast::saturate, rows, te_rule,
              lost_rule, te, "nvfp4/te#te_host"},
    RecipeRow{"nvfp4-te-reference", "e2m1", nv, e4m3_scale, kept, tensor_te_reference, nvfp4_te_reference, multiply,
              Cast::te_reference, rows, te_rule, "as nvfp4-te; NaN: scale NaN, codes 0", te_python,
              "nvfp4/te#te_py_ref"},
    RecipeRow{"nvfp4-te-2d", "e2m1", square16, e4m3_scale, dropped, tensor_te, nvfp4_te, multiply, Cast::saturate, rows,
              te_rule, lost_rule, te, "nvfp4/te_2d16x16#te_host"},
    RecipeRow{"nvfp4-te-2d-reference", "e2m1", square16, e4m3_scale, kept, tensor_te_reference, nvfp4_te_reference,
              multiply, Cast::te_reference, rows, te_rule, "as nvfp4-te-2d; NaN: scale NaN, codes 0", te_python,
              "nvfp4/te_2d16x16#te_py_ref"},
    RecipeRow{"nvfp4-te-rht", "e2m1", nv, e4m3_scale, dropped, tensor_te, nvfp4_te, multiply, Cast::saturate,
              Orientation::rotated_columns, "columns times diag(signs) H16/4, rounded to FP32 once; then nvfp4-te",
              lost_rule, te, "nvfp4/te_rht_colwise#rht_exact+te_host"},
    RecipeRow{"nvfp4-te-rht-reference", "e2m1", nv, e4m3_scale, kept, tensor_te_reference, nvfp4_te_reference, multiply,
              Cast::te_reference, Orientation::rotated_columns_fp32, "as nvfp4-te-rht, sums in FP32", "as nvfp4-te-reference", te_python,
              "nvfp4/te_rht_colwise#te_py_ref"},
    RecipeRow{"nvfp4-te-sr", "e2m1", nv, e4m3_scale, dropped, tensor_te, nvfp4_te, multiply, Cast::te_stochastic, rows,
              te_rule, "as nvfp4-te; |y| + step * byte/256, cut; NaN is +6", te, ""},
    RecipeRow{"nvfp4-te-4over6-mae", "e2m1", nv, e4m3_scale, kept, tensor_4over6, nvfp4_4over6_absolute, multiply,
              Cast::te_reference, rows, "1536 / tensor's largest = g; E4M3(largest/6 * g) or 1.5 times that, by the "
              "sum of |error|", lost_rule, te_python, "nvfp4/te_4over6_mae256#te_py_ref"},
    RecipeRow{"nvfp4-te-4over6-mse", "e2m1", nv, e4m3_scale, kept, tensor_4over6, nvfp4_4over6_squared, multiply,
              Cast::te_reference, rows, "as nvfp4-te-4over6-mae, by the sum of error^2", lost_rule, te_python,
              "nvfp4/te_4over6_mse256#te_py_ref"},
    RecipeRow{"nvfp4-torchao", "e2m1", nv, e4m3_scale, kept, tensor_torchao, nvfp4_torchao, multiply, Cast::torch_bits,
              rows, "tensor's largest / 2688 = p; E4M3(largest/6 / p) in [2^-6, 448]; x * ((1/p) / scale)",
              "a zero tensor has NaN scales and codes 12", torchao, "nvfp4/torchao2#torchao"},
    RecipeRow{"nvfp4-torchao-1level", "e2m1", nv, e4m3_scale, kept, nullptr, nvfp4_torchao_one_level, multiply,
              Cast::torch_bits, rows, "E4M3(largest/6) in [2^-6, 448]; x * (1/scale)",
              "no tensor scale: nothing below 2^-8 survives", torchao, "nvfp4/torchao1#torchao"},
    RecipeRow{"nvfp4-modelopt", "e2m1", nv, e4m3_scale, kept, tensor_divided, nvfp4_modelopt, divide, Cast::modelopt_nv,
              rows, "tensor's largest / 2688 = p; E4M3(largest / (6 p)) in [2^-9, 448]; x / (scale p)",
              "zero block scale 1; a zero tensor has NaN scales and codes 7", "nvidia-modelopt 0.47.0",
              "nvfp4/modelopt#modelopt"},
    RecipeRow{"nvfp4-ct", "e2m1", nv, e4m3_scale, kept, tensor_compressed_tensors, nvfp4_compressed_tensors, divide,
              Cast::values, rows, "2688 * (1 / tensor's largest) = g; E4M3(g * largest/6); x / (scale / g)",
              "a scale of 0 becomes 0.125; g of Inf or NaN becomes 1", "compressed-tensors 0.20.0",
              "nvfp4/compressed_tensors#compressed_tensors"},
    RecipeRow{"nvfp4-autoround", "e2m1", nv, e4m3_scale, kept, tensor_autoround, nvfp4_autoround, multiply,
              Cast::values_nan8, rows, "2688 * (1 / tensor's largest) = g; E4M3(g * (largest * 1/6)); x * 1/(scale/g)",
              "a reciprocal of 0 is 0", "auto-round 0.16.1", "nvfp4/autoround_vllmref#autoround"},
    RecipeRow{"nvfp4-jax", "e2m1", nv, e4m3_scale, kept, tensor_divided, nvfp4_jax, Operation::xla_divide_twice,
              Cast::xla, rows, "x * 1/(tensor's largest / 2688), then E4M3(largest * 1/6); times its reciprocal",
              "a zero block divides 0 by 0: code 8", "jax 0.10.2 on a CPU", "nvfp4/jax#jax"},
    RecipeRow{"nvfp4-mlx", "e2m1", nv, e4m3_scale, kept, nullptr, nvfp4_mlx, divide, Cast::mlx_fp4, rows,
              "E4M3(largest/6); no tensor scale unless given", "a scale of 0 gives codes 0; ties toward zero",
              "mlx 0.32.4 on a CPU", "nvfp4/mlx#mlx"},
};
// clang-format on

float largest_number(Format f) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(convert(f, fp32, Conversion{}, max_finite_code(f))));
}

// work(word) for each word of a space-separated list.
template <class Work>
void for_words(std::string_view list, Work work) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (end != 0) work(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

// Whole numbers from -127 to 127: no format of the table of number formats.
constexpr Format int8{8, 8, -6, false, NanRule::none, SignRule::complement};
static_assert(is_valid(int8) && quantum_exponent(int8) == 0);

std::vector<Recipe> made() {
  std::vector<Recipe> all;
  for (const RecipeRow& r : table) {
    for_words(r.elements, [&](std::string_view element) {
      const FormatLookup found = element == "int8" ? FormatLookup{true, int8} : find_format(element);
      assert(found.found);
      const bool one = r.elements == element && (r.scale == e4m3_scale || element == "int8");
      all.push_back({&r, one ? std::string(r.name) : fmt::format("{}-{}", r.name, element), std::string(element),
                     found.format, largest_number(found.format), max_exponent(found.format)});
    });
  }
  return all;
}

bool lists_cell(const Recipe& recipe, std::string_view cell) {
  bool listed = false;
  for_words(recipe.row->cells, [&](std::string_view pattern) {
    const std::size_t hole = pattern.find("{}");
    if (hole == std::string_view::npos) {
      listed |= pattern == cell;
    } else {
      listed |= cell == fmt::format("{}{}{}", pattern.substr(0, hole), recipe.element_name, pattern.substr(hole + 2));
    }
  });
  return listed;
}

}  // namespace

std::span<const RecipeRow> recipe_rows() {
  return table;
}

const std::vector<Recipe>& all_recipes() {
  static const std::vector<Recipe> all = made();
  return all;
}

const Recipe* find_recipe(std::string_view name) {
  const auto& all = all_recipes();
  const auto found = std::ranges::find(all, name, &Recipe::name);
  return found == all.end() ? nullptr : &*found;
}

CellRecipe find_cell(std::string_view cell) {
  for (const Recipe& recipe : all_recipes()) {
    if (!lists_cell(recipe, cell)) continue;
    const bool columns = cell.find("_colwise") != std::string_view::npos;
    const Orientation own = recipe.row->orientation;
    return {&recipe, own == Orientation::rows && columns ? Orientation::columns : own};
  }
  return {};
}

double scale_value(ScaleKind kind, std::uint32_t code) {
  const Format f = kind == ScaleKind::e8m0 ? e8m0 : kind == ScaleKind::e4m3 ? e4m3 : fp32;
  return std::bit_cast<double>(convert(f, fp64, Conversion{}, code));
}

std::string block_text(BlockShape block) {
  if (block == tensor) return "tensor";
  if (block == row) return "row";
  return fmt::format("{}x{}", block.rows, block.columns);
}

std::string_view scale_text(ScaleKind kind) {
  switch (kind) {
    case ScaleKind::e8m0: return "e8m0";
    case ScaleKind::e4m3: return "e4m3";
    case ScaleKind::fp32: return "fp32";
  }
  return "";
}

}  // namespace lowp::recipes
