// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/gemm_operands.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>

#include "lowp/core/arithmetic.h"
#include "lowp/core/convert.h"
#include "lowp/recipes/quantize.h"
#include "lowp/tensor/checked.h"
#include "lowp/training/values.h"

namespace lowp::training {
namespace {

constexpr Format fp64 = ieee_format(11, 52), fp32 = ieee_format(8, 23);
constexpr Conversion saturating{.overflow = {true, false}};
constexpr std::uint64_t most_elements = std::uint64_t{1} << 28;
constexpr std::size_t most_outputs = 256;  // of one axis
constexpr int tf32_unused_bits = 13;

struct Loaded {
  std::size_t rows = 0, columns = 0;
  std::vector<double> value;
};

double decoded(Format f, std::uint64_t code) {
  return std::bit_cast<double>(convert(f, fp64, Conversion{}, code));
}
Exact exact_of(double x) {
  return decode(fp64, std::bit_cast<std::uint64_t>(x));
}

// Unsigned integers are codes of the format that the metadata of the file name.
Result<Loaded> load_codes(const Input& input, const std::string& name) {
  const auto none = [&](std::string found) {
    return Error{input.path, std::nullopt, fmt::format("tensor '{}'", name), std::move(found)};
  };
  const auto codes = std::ranges::find(input.codes, name, &CodeTensor::name);
  if (codes == input.codes.end()) return none("none");
  auto named = input.metadata.find(name == "b" && input.metadata.contains("input_b") ? "input_b" : "input");
  const std::string format = named == input.metadata.end() ? "" : named->second;
  const FormatLookup found = find_format(format == "tf32" ? "fp32" : format);
  const auto bytes = static_cast<std::size_t>(codes->bytes);
  const std::uint64_t size = codes->source->size();
  if (!found.found || found.format.width > 8 * codes->bytes || codes->shape.size() != 2 || size == 0 ||
      size / bytes > most_elements) {
    return none(fmt::format("U{} [{}] without a format in the metadata", 8 * bytes, fmt::join(codes->shape, ", ")));
  }
  std::vector<std::byte> raw(static_cast<std::size_t>(size));
  auto stream = codes->source->stream(0);
  if (!stream) return stream.error();
  if (auto done = (*stream)->read(raw); !done) return done.error();
  Loaded loaded{static_cast<std::size_t>(codes->shape[0]), static_cast<std::size_t>(codes->shape[1]), {}};
  for (std::size_t at = 0; at < raw.size(); at += bytes) {
    const std::uint64_t code = little_endian(std::span<const std::byte>(raw).subspan(at, bytes));
    loaded.value.push_back(decoded(found.format, code & code_mask(found.format)));
  }
  return loaded;
}

Result<Loaded> load(const Input& input, const std::string& name) {
  const TensorView* view = find_tensor(input, name);
  if (view == nullptr) return load_codes(input, name);
  if (view->shape.size() < 2 || view->elements == 0) {
    return Error{input.path, std::nullopt, fmt::format("two axes or more in '{}'", name),
                 fmt::format("shape [{}]", fmt::join(view->shape, ", "))};
  }
  auto values = read_values(input, *view, most_elements);
  if (!values) return values.error();
  const auto columns = static_cast<std::size_t>(view->shape.back());
  return Loaded{values->size() / columns, columns, std::move(*values)};
}

// At most `most_outputs` of `count` indices, evenly spread.
std::vector<std::size_t> chosen(std::size_t count) {
  std::vector<std::size_t> index;
  const std::size_t kept = std::min(count, most_outputs);
  for (std::size_t i = 0; i < kept; ++i) index.push_back(i * count / kept);
  return index;
}

Values gather(const Loaded& m, bool by_rows, bool whole) {
  Values v;
  v.k = by_rows ? m.columns : m.rows;
  const auto at = [&](std::size_t i, std::size_t k) {
    return by_rows ? m.value[i * m.columns + k] : m.value[k * m.columns + i];
  };
  const std::size_t count = by_rows ? m.rows : m.columns;
  v.chosen = chosen(count);
  for (const std::size_t i : v.chosen) {
    for (std::size_t k = 0; k < v.k; ++k) v.value.push_back(at(i, k));
    ++v.rows;
  }
  for (std::size_t i = 0; whole && i < count; ++i) {
    for (std::size_t k = 0; k < v.k; ++k) v.whole.push_back(static_cast<float>(at(i, k)));
  }
  return v;
}

double largest_magnitude(std::span<const double> values) {
  double largest = 0;
  for (const double x : values) {
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
  }
  return largest;
}

std::uint64_t code_of(Format f, double x, int scale = 0) {
  return encode(f, saturating, scaled(exact_of(x), scale));
}

int fitting_scale(const Values& v, Format f) {
  if (exponent_bits(f) >= 8) return 0;
  const auto held = [&](double x) { return !std::isfinite(x) || decoded(f, code_of(f, x)) == x; };
  const double largest = largest_magnitude(v.value);
  if (largest == 0 || std::ranges::all_of(v.value, held)) return 0;
  return (f.width <= 8 ? max_exponent(f) - 1 : 0) - std::ilogb(largest);
}

// The code of a block's scale and the factor that its elements are divided by.
struct BlockScale {
  std::uint64_t code;
  double factor;
};
BlockScale block_scale(std::span<const double> values, const BlockFormat& block, double tensor_scale) {
  const Format element = find_format(block.element).format, scale = find_format(block.scale).format;
  const double largest = largest_magnitude(values);
  double wanted = 1;
  if (block.tensor_scale) {
    wanted = largest / decoded(element, max_finite_code(element)) / tensor_scale;
  } else if (largest != 0) {
    wanted = std::ldexp(1.0, std::clamp(std::ilogb(largest) - max_exponent(element), -127, 127));
  }
  const std::uint64_t code = code_of(scale, wanted);
  return {code, decoded(scale, code) * tensor_scale};
}

}  // namespace

Result<GemmInputs> read_gemm_inputs(const Input& input, const std::string& a_name, const std::string& b_name,
                                    bool whole) {
  auto a = load(input, a_name), b = load(input, b_name);
  if (!a) return a.error();
  if (!b) return b.error();
  const bool plain = a->columns == b->rows, gradient = !plain && a->rows == b->rows;
  if (!plain && !gradient && a->columns != b->columns) {
    return Error{input.path, std::nullopt, "tensors that share an axis",
                 fmt::format("[{}, {}] and [{}, {}]", a->rows, a->columns, b->rows, b->columns)};
  }
  return GemmInputs{plain      ? "A B"
                    : gradient ? "A^T B"
                               : "A B^T",
                    gather(*a, !gradient, whole), gather(*b, !plain && !gradient, whole),
                    gradient ? a->columns : a->rows, !plain && !gradient ? b->rows : b->columns};
}

OperandRows rounded(const Values& v, Format f) {
  OperandRows result{.format = f, .rows = v.rows, .k = v.k, .code = {}, .scale_log2 = fitting_scale(v, f), .scale = {}};
  for (const double x : v.value) {
    result.code.push_back(code_of(f, x, result.scale_log2) << (is_tf32(f) ? tf32_unused_bits : 0));
  }
  return result;
}

// A scale of 0 means that the block is too small for any: its elements become 0.
OperandRows block_rounded(const Values& v, const BlockFormat& block) {
  const Format element = find_format(block.element).format;
  const auto size = static_cast<std::size_t>(block.size);
  OperandRows result{.format = element, .rows = v.rows, .k = v.k, .code = {}, .scale = {}};
  result.block = size;
  result.blocks = (v.k + size - 1) / size;
  result.scale_format = find_format(block.scale).format;
  const double largest = largest_magnitude(v.value);
  if (block.tensor_scale && largest != 0) {
    const Format scale = result.scale_format;
    const double room = decoded(scale, max_finite_code(scale)) * decoded(element, max_finite_code(element));
    result.tensor_scale = decoded(fp32, code_of(fp32, largest / room));
    if (result.tensor_scale == 0) result.tensor_scale = decoded(fp32, 1);
  }
  for (std::size_t i = 0; i < v.rows; ++i) {
    const std::span<const double> row = std::span(v.value).subspan(i * v.k, v.k);
    for (std::size_t n = 0; n < v.k; n += size) {
      const auto part = row.subspan(n, std::min(size, v.k - n));
      const BlockScale scale = block_scale(part, block, result.tensor_scale);
      result.scale.push_back(scale.code);
      for (const double x : part) result.code.push_back(code_of(element, scale.factor == 0 ? 0 : x / scale.factor));
    }
  }
  return result;
}

std::string_view scale_format_name(const recipes::Recipe& recipe) {
  return recipe.row->scale == recipes::ScaleKind::e4m3 ? "ue4m3" : recipes::scale_text(recipe.row->scale);
}

OperandRows recipe_rounded(const Values& v, const recipes::Recipe& recipe) {
  assert(v.whole.size() >= v.value.size());
  std::vector<float> values = v.whole;
  recipes::rotate(recipe.row->orientation, values);
  const std::size_t all_rows = values.size() / v.k;
  const recipes::Quantized q = recipes::quantize_matrix(recipe, {all_rows, v.k, values});
  const recipes::BlockShape shape = recipe.row->block;
  const std::size_t high = shape.rows == 0 ? all_rows : shape.rows, wide = shape.columns == 0 ? v.k : shape.columns;
  OperandRows result{.format = recipe.element, .rows = v.rows, .k = v.k, .code = {}, .scale = {}};
  result.block = wide;
  result.blocks = (v.k + wide - 1) / wide;
  result.scale_format = find_format(scale_format_name(recipe)).format;
  result.outside = shape.columns == 0;
  result.tensor_scale = static_cast<double>(q.tensor.decode);
  for (const std::size_t i : v.chosen) {
    for (std::size_t k = 0; k < v.k; ++k) result.code.push_back(q.codes[i * q.columns + k]);
    for (std::size_t n = 0; n < result.blocks; ++n) result.scale.push_back(q.scales[i / high * q.grid.columns + n]);
  }
  return result;
}

double OperandRows::factor(std::size_t i) const {
  const double row = outside ? decoded(scale_format, scale[i]) : 1;
  return std::ldexp(row * tensor_scale, -scale_log2);
}

std::vector<Exact> OperandRows::exact_row(std::size_t i) const {
  std::vector<Exact> result;
  for (std::size_t n = 0; n < k; ++n) {
    const std::uint64_t bits = code[i * k + n];
    const Exact element = decode(format, is_tf32(format) ? bits >> tf32_unused_bits : bits);
    result.push_back(scaled_inside() ? exact_product(element, decode(scale_format, scale[i * blocks + n / block]))
                                     : element);
  }
  return result;
}

std::vector<Operand> OperandRows::operands(const TensorCore& row, std::size_t i) const {
  std::vector<Operand> result;
  for (std::size_t n = 0; n < k; ++n) result.push_back(read_operand(row, format, code[i * k + n]));
  return result;
}

std::vector<Operand> OperandRows::scales(std::size_t i) const {
  std::vector<Operand> result;
  if (!scaled_inside()) return result;
  for (std::size_t n = 0; n < blocks; ++n) result.push_back(read_operand(scale_format, scale[i * blocks + n]));
  return result;
}

std::vector<Operand> OperandRows::exact_operands(std::size_t i) const {
  std::vector<Operand> result;
  for (const Exact& x : exact_row(i)) result.push_back({x.kind, x.negative, x.exponent, 0, x.significand});
  return result;
}

}  // namespace lowp::training
