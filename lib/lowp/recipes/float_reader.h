// SPDX-License-Identifier: Apache-2.0
// Tensors of a dump as FP32 matrices, a run at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "lowp/base/result.h"
#include "lowp/tensor/element_reader.h"

namespace lowp::recipes {

struct MatrixShape {
  std::uint64_t rows = 0, columns = 0;
};
// As products see a tensor: act_grad/* and act/* have their last axis as columns, all others their first axis as rows;
// one axis or none is one row.
MatrixShape matrix_shape(std::string_view name, std::span<const std::uint64_t> shape);

// Elements in row-major order, whatever order they are stored in, as FP32; FP64 is rounded to nearest even, all other
// types convert exactly.
class FloatReader {
 public:
  // An Error where bounded memory is not enough (see row_major.h). `path` is for Errors.
  static Result<FloatReader> open(const std::string& path, const TensorView& view);
  // Fills `out`; at most `left()` elements.
  Result<Done> read(std::span<float> out);
  std::uint64_t left() const { return elements_.left(); }

 private:
  explicit FloatReader(ElementReader elements) : elements_(std::move(elements)) {}
  ElementReader elements_;
};

}  // namespace lowp::recipes
