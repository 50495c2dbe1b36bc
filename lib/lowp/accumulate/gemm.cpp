// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/gemm.h"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "lowp/accumulate/gemm_kernel.h"
#include "lowp/base/threads.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

constexpr Format fp16 = ieee_format(5, 10);
constexpr std::size_t panel = panel_columns;
constexpr std::size_t block_k = 256;  // steps of a block of a panel stay in the first-level cache

// Elements of K that share one run of the accumulator; everything where it is never promoted.
std::size_t run_length(const GemmPath& path, std::size_t k) {
  const auto instruction = static_cast<std::size_t>(path.row->instruction_k);
  if (path.row->composition == Composition::fp16_quads) return instruction;
  return path.promotion == 0 ? std::max<std::size_t>(k, 1) : instruction * static_cast<std::size_t>(path.promotion);
}

// Where element k of an instruction of the FP16 decomposition is added: quads' first pairs, then their second pairs.
std::size_t place_in_run(const GemmPath& path, std::size_t k) {
  if (path.row->composition != Composition::fp16_quads) return k;
  const std::size_t inside = k % 32, second = inside % 4 / 2;
  return k - inside + second * 16 + inside / 4 * 2 + inside % 2;
}

struct Packed {
  std::int32_t significand = 0;
  std::int32_t exponent = no_exponent;
};

Packed packed(const Operand& x, int shift) {
  if (x.kind != Kind::finite) return {};
  const auto magnitude = static_cast<std::int32_t>(x.significand << shift);
  return {x.negative ? -magnitude : magnitude, x.exponent};
}

// NaN and Inf of one row of a or one column of b. They count as zeros in the sums; what they make of an output is
// decided afterwards, from these few places instead of all of K.
struct Specials {
  struct Inf {
    std::size_t k;
    bool negative;
  };
  bool nan = false;
  std::vector<Inf> infinities;

  void see(std::size_t k, const Operand& x) {
    nan |= x.kind == Kind::nan;
    if (x.kind == Kind::inf) infinities.push_back({k, x.negative});
  }
  bool any() const { return nan || !infinities.empty(); }
};

// Significands and exponents of rows (of a) or of one panel (of b) along K, which is padded with zeros.
struct PackedOperands {
  std::vector<std::int32_t> significand, exponent;
  explicit PackedOperands(std::size_t size) : significand(size, 0), exponent(size, no_exponent) {}
  void put(std::size_t at, const Packed& x) {
    significand[at] = x.significand;
    exponent[at] = x.exponent;
  }
};

// finish_step for FP32 and E8M13 without detours; the same bits.
inline std::uint32_t truncated(std::int64_t sum, int unit, std::uint32_t kept_fraction) {
  if (sum == 0) return 0;
  const std::uint32_t sign = sum < 0 ? 0x80000000u : 0;
  const auto magnitude = static_cast<std::uint64_t>(sum < 0 ? -sum : sum);
  const int top = bit_width(magnitude) - 1, exponent = top + unit;
  if (exponent > 127) return sign | 0x7F800000u;
  if (exponent < -126) {
    const int up = unit + 149;
    const std::uint64_t subnormal = up >= 0 ? shift_left(magnitude, up) : shift_right(magnitude, -up);
    return sign | (static_cast<std::uint32_t>(subnormal) & kept_fraction);
  }
  const std::uint64_t fraction = top >= 23 ? magnitude >> (top - 23) : magnitude << (23 - top);
  return sign | static_cast<std::uint32_t>(exponent + 127) << 23 |
         (static_cast<std::uint32_t>(fraction) & 0x7FFFFFu & kept_fraction);
}

// The accumulators of one row of outputs in a panel, each the code of an FP16 (`half`) or FP32 number.
template <bool half>
class FusedRow {
 public:
  FusedRow(const TensorCore& row)
      : row_(row),
        up_(std::max(row.fraction_bits - fraction, 0)),
        down_(std::max(fraction - row.fraction_bits, 0)),
        kept_fraction_bits_(row.finish == StepRounding::truncated_e8m13 ? 13 : 23) {}

  void step(const StepOperands& operands, std::uint32_t* held) const {
    if constexpr (!half) {
      const FusedAccumulator kind{row_.fraction_bits, row_.zero_exponent, up_, down_, kept_fraction_bits_};
      if (fused_step(operands, kind, held)) return;
    }
    std::array<std::int32_t, panel> largest;
    std::array<std::int32_t, 2 * panel> sums;
    for (std::size_t j = 0; j < panel; ++j) largest[j] = exponent_of_accumulator(held[j]);
    fused_sums(operands, largest.data(), sums.data());
    const bool two_chunks = operands.products > chunk_products;
    for (std::size_t j = 0; j < panel; ++j) {
      const std::int64_t products = std::int64_t{sums[j]} + (two_chunks ? sums[panel + j] : 0);
      if (!is_infinite(held[j])) held[j] = finished(products + aligned(held[j], largest[j]), largest[j]);
    }
  }

 private:
  static constexpr int fraction = half ? 10 : 23;
  static constexpr std::uint32_t field(std::uint32_t code) { return half ? code >> 10 & 0x1F : code >> 23 & 0xFF; }
  static constexpr bool is_infinite(std::uint32_t code) { return field(code) == (half ? 0x1F : 0xFF); }
  std::int32_t exponent_of_accumulator(std::uint32_t code) const {
    if ((code & (half ? 0x7FFFu : 0x7FFFFFFFu)) == 0) return row_.zero_exponent;
    return std::max(static_cast<int>(field(code)), 1) - (half ? 15 : 127);
  }
  std::int64_t aligned(std::uint32_t code, int largest) const {
    const std::uint32_t hidden = 1u << fraction;
    const std::uint32_t magnitude = (code & (hidden - 1)) | (field(code) != 0 ? hidden : 0);
    const int right = std::min(down_ + largest - exponent_of_accumulator(code), 63);
    const auto cut = static_cast<std::int64_t>(std::uint64_t{magnitude} << up_ >> right);
    return (code >> (half ? 15 : 31)) != 0 ? -cut : cut;
  }
  std::uint32_t finished(std::int64_t sum, int largest) const {
    const int unit = largest - row_.fraction_bits;
    if constexpr (half) return static_cast<std::uint32_t>(finish_step(StepRounding::nearest_fp16, sum, unit));
    return truncated(sum, unit, ~0u << (23 - kept_fraction_bits_));
  }

  const TensorCore& row_;
  const int up_, down_;  // from the accumulator's fraction bits to the row's
  const int kept_fraction_bits_;
};

// FADD: the processor's own addition is the IEEE one. Inf may come here, NaN only out of Inf - Inf.
std::uint32_t promoted(const TensorCore& row, std::uint32_t held, std::uint32_t main) {
  if (row.finish == StepRounding::nearest_fp16) return static_cast<std::uint32_t>(promote(row, held, main));
  const auto sum = std::bit_cast<std::uint32_t>(std::bit_cast<float>(held) + std::bit_cast<float>(main));
  return (sum & 0x7FFFFFFF) > 0x7F800000 ? static_cast<std::uint32_t>(promote(row, held, main)) : sum;
}

bool is_fast(const GemmPath& path, Format a, Format b) {
  return path.row->kind == StepKind::fused && a.precision <= 11 && b.precision <= 11;
}

class FastGemm {
 public:
  FastGemm(const GemmPath& path, const CodeMatrix& a, const CodeMatrix& b)
      : path_(path),
        row_(*path.row),
        a_(a),
        b_(b),
        k_(padded(a.columns)),
        run_(run_length(path, k_)),
        packed_a_(a.rows * k_),
        special_row_(a.rows),
        result_(a.rows * b.columns) {
    for (std::size_t i = 0; i < a.rows; ++i) {
      for (std::size_t k = 0; k < a.columns; ++k) {
        const Operand x = left(i, k);
        special_row_[i].see(k, x);
        packed_a_.put(i * k_ + place_in_run(path, k), packed(x, shift()));
      }
    }
  }

  std::vector<std::uint64_t> run() {
    const std::size_t panels = (b_.columns + panel - 1) / panel;
    tbb::parallel_for(tbb::blocked_range<std::size_t>(0, panels, 1), [&](const auto& range) {
      for (std::size_t p = range.begin(); p != range.end(); ++p) run_panel(p * panel);
    });
    return std::move(result_);
  }

 private:
  std::size_t products() const { return static_cast<std::size_t>(row_.products); }
  // Steps the spec would run on zeros must run too, others must not: they could turn -0 into +0.
  std::size_t padded(std::size_t k) const {
    const bool quads = path_.row->composition == Composition::fp16_quads;
    const auto unit = static_cast<std::size_t>(quads ? path_.row->instruction_k : path_.row->products);
    return (k + unit - 1) / unit * unit;
  }
  Format seen(Format f) const { return row_.composition == Composition::fp16_quads ? fp16 : f; }
  int shift() const { return row_.fraction_bits - fraction_bits(seen(a_.format)) - fraction_bits(seen(b_.format)); }

  struct PanelState {
    PackedOperands b;
    std::array<Specials, panel> special_column;
    std::vector<std::uint32_t> held, main;  // `panel` per row
  };

  void run_panel(std::size_t first) {
    PanelState state{PackedOperands(k_ * panel),
                     {},
                     std::vector<std::uint32_t>(a_.rows * panel, 0),
                     std::vector<std::uint32_t>(a_.rows * panel, 0)};
    const std::size_t columns = std::min(panel, b_.columns - first);
    for (std::size_t k = 0; k < b_.rows; ++k) {
      for (std::size_t j = 0; j < columns; ++j) {
        const Operand x = right(k, first + j);
        state.special_column[j].see(k, x);
        state.b.put(place_in_run(path_, k) * panel + j, packed(x, 0));
      }
    }
    run_blocks(state);
    for (std::size_t i = 0; i < a_.rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        std::uint64_t& result = result_[i * b_.columns + first + j];
        result = outcome(state, i * panel + j);
        const Specials& column = state.special_column[j];
        if (special_row_[i].any() || column.any())
          result = with_specials(i, special_row_[i], first + j, column, result);
      }
    }
  }

  Operand left(std::size_t i, std::size_t k) const {
    return read_operand(row_, a_.format, a_.code[i * a_.columns + k]);
  }
  Operand right(std::size_t k, std::size_t j) const {
    return read_operand(row_, b_.format, b_.code[k * b_.columns + j]);
  }

  // The output whose sum is `finite` where NaN and Inf count as zeros. An Inf product of one sign alone gives that Inf,
  // unless the accumulator had overflowed before: then the order matters and the spec decides.
  std::uint64_t with_specials(std::size_t i, const Specials& row, std::size_t j, const Specials& column,
                              std::uint64_t finite) const {
    const Format f = accumulator_format(row_);
    bool nan = row.nan || column.nan, positive = false, negative = false;
    const auto product = [&](bool inf_is_negative, const Operand& other) {
      nan |= other.kind == Kind::zero;
      (inf_is_negative != other.negative ? negative : positive) = true;
      nan |= positive && negative;
    };
    for (const Specials::Inf& inf : row.infinities) {
      if (nan) break;
      product(inf.negative, right(inf.k, j));
    }
    for (const Specials::Inf& inf : column.infinities) {
      if (nan) break;
      product(inf.negative, left(i, inf.k));
    }
    if (nan) return code_mask(f) >> 1;
    return decode(f, finite).kind == Kind::inf || decode(f, finite).kind == Kind::nan ? by_spec(i, j)
                                                                                      : encode_inf(f, negative);
  }

  bool promotes() const { return path_.promotion != 0 || row_.composition == Composition::fp16_quads; }
  std::uint32_t outcome(const PanelState& state, std::size_t at) const {
    return promotes() ? state.main[at] : state.held[at];
  }

  void run_blocks(PanelState& state) const {
    for (std::size_t begin = 0; begin < k_; begin += block_k) {
      const std::size_t end = std::min(begin + block_k, k_);
      for (std::size_t i = 0; i < a_.rows; ++i) {
        if (row_.finish == StepRounding::nearest_fp16) {
          run_steps(FusedRow<true>(row_), state, i, begin, end);
        } else {
          run_steps(FusedRow<false>(row_), state, i, begin, end);
        }
      }
    }
  }

  template <bool half>
  void run_steps(const FusedRow<half>& fused, PanelState& state, std::size_t i, std::size_t begin,
                 std::size_t end) const {
    std::uint32_t* held = state.held.data() + i * panel;
    std::uint32_t* main = state.main.data() + i * panel;
    for (std::size_t k = begin; k < end; k += products()) {
      fused.step({packed_a_.significand.data() + i * k_ + k, packed_a_.exponent.data() + i * k_ + k,
                  state.b.significand.data() + k * panel, state.b.exponent.data() + k * panel, row_.products},
                 held);
      const std::size_t done = k + products();
      if (!promotes() || (done % run_ != 0 && done != k_)) continue;
      for (std::size_t j = 0; j < panel; ++j) {
        main[j] = promoted(row_, held[j], main[j]);
        held[j] = 0;
      }
    }
  }

  std::uint64_t by_spec(std::size_t i, std::size_t j) const {
    std::vector<Operand> a, b;
    for (std::size_t k = 0; k < a_.columns; ++k) {
      a.push_back(left(i, k));
      b.push_back(right(k, j));
    }
    return gemm_output(path_, a, b);
  }

  const GemmPath& path_;
  const TensorCore& row_;
  const CodeMatrix &a_, &b_;
  const std::size_t k_, run_;
  PackedOperands packed_a_;
  std::vector<Specials> special_row_;
  std::vector<std::uint64_t> result_;
};

std::vector<std::uint64_t> slow_gemm(const GemmPath& path, const CodeMatrix& a, const CodeMatrix& b) {
  const auto read = [&](const CodeMatrix& m, std::size_t at) { return read_operand(*path.row, m.format, m.code[at]); };
  std::vector<std::uint64_t> result(a.rows * b.columns);
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, b.columns, 1), [&](const auto& range) {
    std::vector<Operand> left(a.columns), right(a.columns);
    for (std::size_t j = range.begin(); j != range.end(); ++j) {
      for (std::size_t k = 0; k < b.rows; ++k) right[k] = read(b, k * b.columns + j);
      for (std::size_t i = 0; i < a.rows; ++i) {
        for (std::size_t k = 0; k < a.columns; ++k) left[k] = read(a, i * a.columns + k);
        result[i * b.columns + j] = gemm_output(path, left, right);
      }
    }
  });
  return result;
}

}  // namespace

std::uint64_t gemm_output(const GemmPath& path, std::span<const Operand> a, std::span<const Operand> b) {
  const TensorCore& row = *path.row;
  if (path.promotion == 0 || row.composition == Composition::fp16_quads) return dot(row, a, b, 0);
  const std::size_t run = run_length(path, a.size());
  std::uint64_t main = 0;
  for (std::size_t k = 0; k < a.size(); k += run) {
    const std::size_t count = std::min(run, a.size() - k);
    main = promote(row, dot(row, a.subspan(k, count), b.subspan(k, count), 0), main);
  }
  return main;
}

std::vector<std::uint64_t> gemm(const GemmPath& path, const CodeMatrix& a, const CodeMatrix& b, int threads) {
  assert(a.columns == b.rows && is_emulated(*path.row) && path.row->scale.empty());
  return on_threads(
      threads, [&] { return is_fast(path, a.format, b.format) ? FastGemm(path, a, b).run() : slow_gemm(path, a, b); });
}

}  // namespace lowp
