// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/probe.h"

#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/gpu/dot_cases.h"

namespace lowp::gpu {
namespace {

constexpr Format fp64 = ieee_format(11, 52);
constexpr double u = 128;
const double inf = std::numeric_limits<double>::infinity(), not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr std::optional<std::uint32_t> no_word{};

using Products = std::vector<std::pair<double, double>>;

double two_to(int exponent) {
  return std::ldexp(1.0, exponent);
}
bool holds(Format f, double x) {
  const Conversion nearest{};
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x), code = convert(fp64, f, nearest, bits);
  if (std::isnan(x)) return has_nan(f);
  return convert(f, fp64, nearest, code) == bits;
}

// What the published table tells apart: H are the FP16, BF16 and TF32 instructions with FP32 accumulators, Q is wgmma
// with FP8, M is mma.sync with FP8, which Hopper has not in silicon.
class Probes {
 public:
  explicit Probes(const MmaRow& row) : row_(row) {}

  bool to_f32() const { return row_.accumulator == "f32"; }
  bool fp8() const { return is_narrow_input(row_.a); }
  bool h() const { return to_f32() && !fp8(); }
  bool q() const { return to_f32() && fp8() && is_wgmma(row_); }
  bool m() const { return to_f32() && fp8() && !is_wgmma(row_) && row_.k == 32; }
  bool input(std::string_view name) const { return row_.a == name && row_.b == name; }
  bool wide_range() const { return row_.a == "bf16" || row_.a == "tf32"; }
  int k() const { return row_.k; }
  const MmaRow& row() const { return row_; }

  // Left out where a format of the row has not the number, or where the row has too few products.
  Probe* add(std::string id, const Products& products, double c, std::optional<std::uint32_t> hopper = no_word) {
    if (products.size() > static_cast<std::size_t>(row_.k) || !holds(accumulator_format(row_), c)) return nullptr;
    Probe probe{std::move(id), codes(row_.a), codes(row_.b), accumulator_code(row_, c), 1, !m(), hopper};
    for (std::size_t i = 0; i < products.size(); ++i) {
      const auto [a, b] = products[i];
      if (!holds(operand_format(row_.a), a) || !holds(operand_format(row_.b), b)) return nullptr;
      probe.a[i] = code_of(row_.a, a);
      probe.b[i] = code_of(row_.b, b);
    }
    return keep(std::move(probe));
  }
  // The word of the row's column of the table.
  Probe* add(std::string id, const Products& products, double c, std::optional<std::uint32_t> h_word,
             std::optional<std::uint32_t> q_word, std::optional<std::uint32_t> m_word) {
    return add(std::move(id), products, c, h() ? h_word : q() ? q_word : m() ? m_word : no_word);
  }
  Probe* keep(Probe probe) {
    probes_.push_back(std::move(probe));
    return &probes_.back();
  }
  std::vector<std::uint32_t> codes(std::string_view format, double x = 0) const {
    return std::vector<std::uint32_t>(static_cast<std::size_t>(row_.k), code_of(format, x));
  }
  std::vector<Probe> take() { return std::move(probes_); }

 private:
  static bool is_narrow_input(std::string_view name) { return operand_format(name).width == 8; }

  const MmaRow& row_;
  std::vector<Probe> probes_;
};

// F: how far below the largest product accumulator and products still count. T: truncation. N: products are not
// renormalised, subnormals have the field's exponent. R: the last rounding. C: whether C alone is cut.
void add_alignment(Probes& p) {
  const Products cancel{{u, u}, {u, -u}};
  p.add("F1 C=2^-11", cancel, two_to(-11), 0x3A000000, 0, 0x3A000000);
  p.add("F1 C=2^-12", cancel, two_to(-12), 0, 0, 0x39800000);
  p.add("F2 C=2", cancel, 2, 0x40000000, 0x40000000, 0x40000000);
  p.add("F2 C=1", cancel, 1, 0x3F800000, 0, 0x3F800000);
  const auto third = [&](double a, double b, double factor = 1) {
    Products products{{factor * u, factor * u}, {factor * u, -factor * u}};
    if (p.m()) products.resize(4);  // the third goes to k = 4, into the same group of quads
    products.emplace_back(a, b);
    return products;
  };
  p.add("F3 2^-11", third(two_to(-5), two_to(-6)), 0, 0x3A000000, 0, 0x3A000000);
  p.add("F3 2^-12", third(two_to(-6), two_to(-6)), 0, 0, 0, 0);
  p.add("T1 +", third(1.5 * two_to(-5), two_to(-6)), 0, 0x3A000000, no_word, no_word);
  p.add("T1 -", third(-1.5 * two_to(-5), two_to(-6)), 0, 0xBA000000, no_word, no_word);
  p.add("T1 3", third(3, 1), 0, no_word, 0x40000000, no_word);
  p.add("T1 -3", third(-3, 1), 0, no_word, 0xC0000000, no_word);
  p.add("N1 2^-11", third(two_to(-5), two_to(-6), 1.5), 0, 0x3A000000, no_word, no_word);
  p.add("N1 2", third(2, 1, 1.5), 0, no_word, 0x40000000, no_word);
  p.add("N2", {{2.25 * u, u}, {-2.25 * u, u}, {two_to(-5), two_to(-6)}}, 0, 0, no_word, no_word);
  if (p.input("fp16")) p.add("N3", {{two_to(-24), two_to(15)}, {two_to(-15), two_to(-15)}}, 0, 0x3B000000);
  p.add("R1 +", {{u, u}, {0.75 * two_to(-4), two_to(-5)}}, 0, 0x46800000, no_word, no_word);
  p.add("R1 -", {{-u, u}, {-0.75 * two_to(-4), two_to(-5)}}, 0, 0xC6800000, no_word, no_word);
  p.add("R1 2", {{u, u}, {u, u}, {2, 1}}, 0, no_word, 0x47000000, no_word);
  p.add("R1 4", {{u, u}, {u, u}, {4, 1}}, 0, no_word, 0x47000400, no_word);
  p.add("C1", {}, 1 + two_to(-23), 0x3F800001, 0x3F800000, 0x3F800001);
  p.add("C2", {}, 1 + two_to(-13) + two_to(-14), 0x3F800600, 0x3F800400, 0x3F800600);
  const Products x1{{-two_to(13), two_to(10)}, {-0.5, 1}, {-0.25, 1}, {-0.125, 1}};
  p.add("X1", x1, two_to(23), p.k() >= 8 || p.row().a != "tf32" ? std::optional<std::uint32_t>(0xBF400000) : no_word, 0,
        0);
}

// G: which products are one fused sum, by pairs of places that cancel above products that are cut beside them.
void add_groups(Probes& p) {
  if (!p.to_f32()) return;
  const auto filled = [&](std::string id, double c) {
    Probe probe{std::move(id), p.codes(p.row().a, two_to(-9)), p.codes(p.row().b, two_to(-9)), 0, 1, false, no_word};
    probe.c = accumulator_code(p.row(), c);
    return probe;
  };
  const auto set = [&](Probe& probe, int k, double a, double b) {
    probe.a[static_cast<std::size_t>(k)] = code_of(p.row().a, a);
    probe.b[static_cast<std::size_t>(k)] = code_of(p.row().b, b);
  };
  const auto first_group = [](int k) { return k % 4 < 2; };
  for (int i = 0; i < p.k(); ++i) {
    for (int j = 0; j < p.k(); ++j) {
      if (i == j) continue;
      Probe probe = filled("G1 " + std::to_string(i) + " " + std::to_string(j), two_to(-18));
      set(probe, i, u, u);
      set(probe, j, u, -u);
      if (p.h() || p.q()) probe.hopper = 0;
      if (p.m()) {
        const bool both_first = first_group(i) && first_group(j);
        probe.hopper = accumulator_code(p.row(), (both_first ? 17 : 1) * two_to(-18));
      }
      p.keep(std::move(probe));
    }
  }
  for (int j = 0; j < p.k(); ++j) {
    Probe probe = filled("G2 " + std::to_string(j), two_to(14));
    set(probe, j, -u, u);
    if (p.h() || p.q() || p.m()) probe.hopper = 0;
    p.keep(std::move(probe));
  }
}

// S: small products beside a large accumulator, in one instruction and in a chain of 1,024.
void add_small_sums(Probes& p) {
  if (!p.fp8() || !p.to_f32()) return;
  const Products small(static_cast<std::size_t>(p.k()), {two_to(-4), two_to(-4)});
  p.add("S1", small, 64, no_word, 0x42800000, 0x42804000);
  p.add("S1 2^-3", {{two_to(-3), 1}}, 64, no_word, 0x42804000, no_word);
  if (Probe* chain = p.add("S2", small, 0, no_word, 0x42800000, 0x43000000)) {
    chain->steps = 1024;
    chain->everywhere = false;
  }
}

// H: FP16 accumulators are rounded once, to nearest even. E2 is D1: the exponent a zero accumulator has.
void add_fp16_accumulators(Probes& p) {
  if (p.to_f32()) return;
  if (p.input("fp16")) {
    p.add("H1", {{0.5, 1}, {0.5, 1}, {0.5, two_to(-10)}, {0.5, two_to(-23)}}, 0, 0x3C01);
    p.add("H3 16", {{16, 1}}, 65504, 0x7C00);
    p.add("H3 15.99", {{15.9921875, 1}}, 65504, 0x7BFF);
  }
  p.add("H2 0.5", {{0.5, 1}}, 1024, 0x6400);
  p.add("H2 1.5", {{1.5, 1}}, 1024, 0x6402);
  if (p.input("e4m3") && !is_wgmma(p.row())) {
    const auto in_place = [&](std::string id, const Products& products, std::uint32_t word) {
      if (Probe* probe = p.add(std::move(id), products, 1, word)) probe->everywhere = false;
    };
    in_place("H4 k0", {{1, 1}, {0, 0}, {64, 32}, {1, 1}}, 0x6802);
    in_place("H4 k2", {{64, 32}, {1, 1}, {1, 1}}, 0x6800);
  }
  for (const int t : {46, 47, 48}) {
    const Products products{{two_to(-11), two_to(-14)}, {two_to(-24), two_to(24 - t)}};
    if (Probe* probe = p.add("E2 t=" + std::to_string(t), products, 0)) probe->open = "D1";
  }
}

// O: overflow. B: subnormal operands and results. E: the exponent of a zero accumulator, and of zero products.
void add_range(Probes& p) {
  const double largest = std::numeric_limits<float>::max(), m = two_to(127);
  if (p.input("bf16")) {
    p.add("O1 below 2^128", {{0.75 * m, 1}, {0.75 * m, 1}}, 0.25 * largest, 0x7F7FFFFF);
    p.add("O1 2^128", {{m, 1}, {m, 1}}, 0, 0x7F800000);
    p.add("O1 products", {{m, m}, {m, -m}, {1, 1}}, 0, 0);
    p.add("B1 2^-133", {{two_to(-133), 1}}, 0, 0x00010000);
    p.add("E1b", Products(static_cast<std::size_t>(p.k()), {two_to(-77), two_to(-76)}), 0,
          p.k() == 16 ? std::optional<std::uint32_t>(1) : no_word);
    p.add("E3", {{0, m}, {two_to(-15), two_to(-15)}}, 0, 0x30800000);
  }
  if (!p.wide_range()) return;
  p.add("B1 2^-149", {{two_to(-75), two_to(-74)}}, 0, 1);
  p.add("B1 2^-150", {{two_to(-75), two_to(-75)}}, 0, 0);
  for (const int t : {157, 158, 159}) {
    p.add("E1 t=" + std::to_string(t), {{two_to(-75), two_to(-74)}, {-two_to(75 - t), two_to(-75)}}, 0,
          t == 159 ? 1 : 0);
  }
  if (Probe* probe = p.add("Z2", {{-two_to(-75), two_to(-75)}}, 0)) probe->open = "Z2";
}

// Z: signs of zero. Q: specials, and the bits of NaN.
void add_specials(Probes& p) {
  const auto nan_word = p.to_f32() ? 0x7FFFFFFFu : 0x7FFFu;
  const Products all_negative_zero(static_cast<std::size_t>(p.k()), {-0.0, 1});
  if (Probe* probe = p.add("Z1 all -0", all_negative_zero, -0.0)) probe->open = "Z1";
  if (Probe* probe = p.add("Z1 C=-0", {}, -0.0)) probe->open = "Z1";
  p.add("Z3 cancellation", {{1, 1}, {1, -1}}, 0, 0);
  p.add("Q1 NaN", {{not_a_number, 1}}, 0, nan_word);
  p.add("Q1 -NaN", {{-not_a_number, 1}}, 0, nan_word);
  p.add("Q1 NaN*0", {{not_a_number, 0}}, 0, nan_word);
  p.add("Q1 C=NaN", {{1, 1}}, not_a_number, nan_word);
  p.add("Q1 0*Inf", {{0, inf}}, 1, nan_word);
  p.add("Q1 Inf-Inf", {{inf, 1}, {-inf, 1}}, 1, nan_word);
  p.add("Q1 Inf, C=-Inf", {{inf, 1}}, -inf, nan_word);
  p.add("Q1 -Inf", {{inf, -1}}, 1, p.to_f32() ? 0xFF800000u : 0xFC00u);
  p.add("Q1 C=Inf", {{1, 1}}, inf, p.to_f32() ? 0x7F800000u : 0x7C00u);
  if (p.row().a != "tf32") return;
  const auto pattern = [&](std::string id, std::uint32_t code, std::uint32_t word) {
    if (Probe* probe = p.add(std::move(id), {{1, 1}}, 0, word)) probe->a[0] = code;
  };
  pattern("Q1 tf32 0x7F800001", 0x7F800001, 0x7F800000);
  pattern("Q1 tf32 0x3F801FFF", 0x3F801FFF, 0x3F800000);
}

}  // namespace

std::vector<Probe> probes_for(const MmaRow& row) {
  Probes probes(row);
  if (probes.to_f32()) add_alignment(probes);
  add_groups(probes);
  add_small_sums(probes);
  add_fp16_accumulators(probes);
  add_range(probes);
  add_specials(probes);
  return probes.take();
}

TileBatch probe_tile(const MmaRow& row, const Probe& probe, int moved) {
  TileBatch batch{1, probe.steps, {}, {}, {}};
  const auto lay = [&](const std::vector<std::uint32_t>& codes, int lines, std::vector<std::uint32_t>& to) {
    for (int line = 0; line < lines * probe.steps; ++line) {
      for (int k = 0; k < row.k; ++k) to.push_back(codes[static_cast<std::size_t>((k + row.k - moved) % row.k)]);
    }
  };
  lay(probe.a, row.m, batch.a);
  lay(probe.b, row.n, batch.b);
  batch.c.assign(static_cast<std::size_t>(row.m * row.n), probe.c);
  return batch;
}

}  // namespace lowp::gpu
