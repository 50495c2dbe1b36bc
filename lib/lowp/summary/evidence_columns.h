// SPDX-License-Identifier: Apache-2.0
// Entries of a summary as columns of unsigned integers, and back: what a .binades file holds.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/summary/summary.h"

namespace lowp {

// A column as it is written: little-endian, in the narrowest of 1, 2, 4 and 8 bytes that holds its largest value.
struct Column {
  std::string name;  // "counts.at_least_3"
  int width = 1;
  std::vector<std::byte> bytes;

  std::size_t size() const { return bytes.size() / static_cast<std::size_t>(width); }
  friend bool operator==(const Column&, const Column&) = default;
};

// A column as it is read; values outside are zero.
struct ColumnView {
  std::span<const std::byte> bytes;
  int width = 1;

  std::size_t size() const { return bytes.size() / static_cast<std::size_t>(width); }
  std::uint64_t operator[](std::size_t index) const {
    if (index >= size()) return 0;
    const std::byte* const at = bytes.data() + index * static_cast<std::size_t>(width);
    switch (width) {
      case 1: return std::to_integer<std::uint64_t>(*at);
      case 2: return load<std::uint16_t>(at);
      case 4: return load<std::uint32_t>(at);
      default: return load<std::uint64_t>(at);
    }
  }
  // The same of rows [begin, begin + out.size()), many at once.
  void read(std::size_t begin, std::span<std::uint64_t> out) const {
    if (begin + out.size() > size()) {
      std::ranges::fill(out, 0);
      if (begin < size()) read(begin, out.first(size() - begin));
      return;
    }
    switch (width) {
      case 1: return read_words<std::uint8_t>(begin, out);
      case 2: return read_words<std::uint16_t>(begin, out);
      case 4: return read_words<std::uint32_t>(begin, out);
      default: return read_words<std::uint64_t>(begin, out);
    }
  }

 private:
  template <class Word>
  void read_words(std::size_t begin, std::span<std::uint64_t> out) const {
    const std::byte* const from = bytes.data() + begin * sizeof(Word);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = load<Word>(from + i * sizeof(Word));
  }
  template <class Word>
  static std::uint64_t load(const std::byte* at) {
    Word word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
};
using ColumnViews = std::map<std::string, ColumnView, std::less<>>;

// Rows belong to entries by their number in `entries`. Equal entries give equal columns. Columns by name, none empty.
std::vector<Column> columns_of(std::span<const TensorSummary> entries);

// Fills the evidence of `entries`, whose other members are there. Columns are from a stranger: an Error where they do
// not fit each other, or hold sums that no elements have.
Result<Done> take_columns(const ColumnViews& columns, std::span<TensorSummary> entries);

// CRC-32C of the columns of one entry: what tells two contents of one part apart.
std::uint32_t digest_of(const TensorSummary& entry);

}  // namespace lowp
