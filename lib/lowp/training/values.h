// SPDX-License-Identifier: Apache-2.0
// Elements of tensors as doubles, a chunk at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "lowp/tensor/element_reader.h"
#include "lowp/tensor/step_series.h"

namespace lowp::training {

// Reads the elements of one tensor in row-major order, whatever order they are stored in. Every dtype of a dump
// converts exactly.
class ValueReader {
 public:
  // An Error where bounded memory is not enough: see row_major.h.
  static Result<ValueReader> open(const Input& input, const TensorView& view);
  // Appends up to `count` more elements to `out`; none at the end.
  Result<Done> read(std::uint64_t count, std::vector<double>& out);
  std::uint64_t left() const { return elements_.left(); }

 private:
  ElementReader elements_;
  std::vector<std::uint64_t> codes_;
};

// All elements; an Error beyond `limit` of them.
Result<std::vector<double>> read_values(const Input& input, const TensorView& view, std::uint64_t limit);

// The tensor of that name, nullptr if there is none.
const TensorView* find_tensor(const Input& input, std::string_view name);

}  // namespace lowp::training
