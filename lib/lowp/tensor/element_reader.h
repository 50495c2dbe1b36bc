// SPDX-License-Identifier: Apache-2.0
// Elements of a tensor as codes, a run at a time, in row-major order whatever order they are stored in.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/tensor/view.h"

namespace lowp {

class ElementReader {
 public:
  // An Error where bounded memory is not enough: see row_major.h. `path` is for Errors.
  static Result<ElementReader> open(const std::string& path, const TensorView& view);
  // Fills `codes` with the next elements, at most left() of them.
  Result<Done> read(std::span<std::uint64_t> codes);
  // The next `count` elements as they are stored, little-endian; good until the next read. At most left() and
  // `at_once`.
  Result<std::span<const std::byte>> read_bytes(std::size_t count);
  static constexpr std::size_t at_once = 1 << 16;
  std::uint64_t left() const { return left_; }
  const Dtype& dtype() const { return *dtype_; }

 private:
  const Dtype* dtype_ = nullptr;
  std::uint64_t left_ = 0;
  std::unique_ptr<ByteStream> stream_;
  std::vector<std::byte> buffer_;
};

// The value of a code. Every dtype of a dump converts exactly; a NaN stays one.
double value_of(const Dtype& dtype, std::uint64_t code);

}  // namespace lowp
