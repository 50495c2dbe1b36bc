// SPDX-License-Identifier: Apache-2.0
#include "python_tables.h"

#include <fmt/format.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <span>
#include <utility>

#include "lowp/core/convert.h"

namespace lowp::python {
namespace {

namespace nb = nanobind;

constexpr int widths = 13, regions = 13;
// Where the regions begin, in units of 2^-12.
constexpr std::array<std::uint64_t, regions> places{0,     0x800, 0xc00, 0xd00, 0xe00, 0xf00, 0xf80,
                                                    0xfc0, 0xfe0, 0xff0, 0xff8, 0xffc, 0xffe};

// A class of float32 or float64 elements that level `counts` does not tell apart.
struct Cell {
  bool negative;
  int row, region, width;  // row: the binade, from that of the smallest number on

  auto magnitude() const { return std::pair(row, region); }
  friend bool operator==(const Cell&, const Cell&) = default;
};

// The classes of an IEEE format of 32 or 64 bits.
class Cells {
 public:
  explicit Cells(Format format) : format_(format), bits_(format.precision - 1) {}

  std::size_t size() const { return 2 * rows() * regions * widths; }
  Cell at(std::size_t index) const {
    const std::size_t row = index / (regions * widths);
    return {row >= rows(), static_cast<int>(row % rows()), static_cast<int>(index / widths % regions),
            static_cast<int>(index % widths)};
  }
  std::size_t index_of(const Cell& cell) const {
    const auto part = [](int number) { return static_cast<std::size_t>(number); };
    return (((cell.negative ? rows() : 0) + part(cell.row)) * regions + part(cell.region)) * widths + part(cell.width);
  }
  // That of a finite number but zero.
  Cell of(std::uint64_t code) const {
    const std::uint64_t magnitude = code & magnitude_mask(format_);
    const int field = static_cast<int>(magnitude >> bits_),
              row = field != 0 ? bits_ + field - 1 : bit_width(magnitude) - 1;
    const std::uint64_t significand =
        field != 0 ? (magnitude & low_bits(bits_)) | std::uint64_t{1} << bits_ : magnitude << (bits_ - row);
    const std::uint64_t top = (significand & low_bits(bits_)) >> (bits_ - 12);
    const auto region = std::ranges::upper_bound(places, top) - places.begin() - 1;
    const int width = std::min(bits_ - std::countr_zero(significand), widths - 1);
    return {(code & sign_bit(format_)) != 0, row, static_cast<int>(region), width};
  }
  // One of its elements; of classes without elements some other number.
  std::uint64_t code_of(const Cell& cell) const {
    const std::uint64_t place = places[static_cast<std::size_t>(cell.region)],
                        bit = std::uint64_t{1} << (12 - cell.width);
    const std::uint64_t fraction = (place & (bit - 1)) == 0 && (place & bit) != 0 ? place : place | bit;
    const std::uint64_t significand = std::uint64_t{1} << bits_ | (cell.width == 0 ? 0 : fraction << (bits_ - 12));
    const std::uint64_t sign = cell.negative ? sign_bit(format_) : 0;
    if (cell.row < bits_) return sign | significand >> (bits_ - cell.row);
    return sign | (static_cast<std::uint64_t>(cell.row - bits_ + 1) << bits_ | (significand & low_bits(bits_)));
  }

 private:
  std::size_t rows() const { return static_cast<std::size_t>(bits_) + (inf_code(format_) >> bits_) - 1; }
  Format format_;
  int bits_;  // of fractions
};

[[noreturn]] void refuse(const std::string& name, const std::string& sentence) {
  throw nb::value_error((name + ": " + sentence).c_str());
}

std::string text_of(const Dtype& dtype, std::uint64_t code) {
  return fmt::format("{:#0{}x}", code, 2 * dtype.bytes + 2);
}

}  // namespace

BinadeCounts counts_of_table(const std::string& name, const Dtype& dtype, std::uint64_t elements, nb::handle table) {
  const bool codes = dtype.bytes <= 2;
  const Cells cells(dtype.format);
  const std::size_t counted = codes ? std::size_t{1} << (8 * dtype.bytes) : cells.size() + 3,
                    size = counted + (codes ? 0 : 2);
  nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu> held;
  if (!nb::try_cast(table, held, false) || held.size() != size)
    refuse(name,
           fmt::format("wanted {} counts of {} as contiguous int64 in the processor's memory", size, dtype.torch));
  const std::span<const std::int64_t> all(held.data(), size);

  BinadeCountsCounter counter;
  std::uint64_t sum = 0;
  std::pair<int, int> largest{-1, 0}, least{-1, 0};
  for (std::size_t at = 0; at < counted; ++at) {
    const std::int64_t count = all[at];
    if (count < 0 || static_cast<std::uint64_t>(count) > max_elements)
      refuse(name, fmt::format("wanted counts from 0 to 2^40, found {} at {}", count, at));
    if (count == 0) continue;
    sum += static_cast<std::uint64_t>(count);  // at most 2^20 counts: no overflow
    std::uint64_t code = at;
    if (!codes && at < cells.size()) {
      const Cell cell = cells.at(at);
      code = cells.code_of(cell);
      if (cells.of(code) != cell)
        refuse(name, fmt::format("wanted 0 at {}, where no {} is counted, found {}", at, dtype.torch, count));
      if (largest.first < 0 || largest < cell.magnitude()) largest = cell.magnitude();
      if (least.first < 0 || cell.magnitude() < least) least = cell.magnitude();
    } else if (!codes) {
      code = std::array{std::uint64_t{0}, inf_code(dtype.format), magnitude_mask(dtype.format)}[at - cells.size()];
    }
    counter.count(dtype, std::as_bytes(std::span(&code, 1)).first(static_cast<std::size_t>(dtype.bytes)),
                  static_cast<std::uint64_t>(count));
  }
  if (sum != elements) refuse(name, fmt::format("wanted the counts of {} elements, found those of {}", elements, sum));
  BinadeCounts made = counter.take();
  if (codes) return made;

  const std::uint64_t inf = inf_code(dtype.format);
  const auto max = static_cast<std::uint64_t>(all[counted]), min = static_cast<std::uint64_t>(all[counted + 1]);
  const auto is_counted = [&](std::uint64_t extreme, std::pair<int, int> place) {
    if (extreme == 0 || extreme >= inf) return false;
    Cell cell = cells.of(extreme);
    const bool positive = all[cells.index_of(cell)] != 0;
    cell.negative = true;
    return cell.magnitude() == place && (positive || all[cells.index_of(cell)] != 0);
  };
  if (largest.first < 0 ? max != 0 || min != inf : !is_counted(max, largest) || !is_counted(min, least) || max < min)
    refuse(name, fmt::format("wanted the extremes of what was counted, found {} and {}", text_of(dtype, max),
                             text_of(dtype, min)));
  if (largest.first < 0) return made;
  CountedRows rows = made.counted();
  rows.max_abs = lowest_terms(decode(dtype.format, max));
  rows.min_nonzero_abs = lowest_terms(decode(dtype.format, min));
  return BinadeCounts(rows);
}

}  // namespace lowp::python
