// SPDX-License-Identifier: Apache-2.0
// Arrays that somebody else holds: numpy, torch and whatever else speaks DLPack. Nothing is copied.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/core/dtype.h"
#include "lowp/tensor/view.h"

namespace lowp::python {

namespace nb = nanobind;

// A dense or strided array in the processor's memory; strides count elements. The memory lives as long as this does.
struct Borrowed {
  nb::ndarray<nb::ro> owner;
  const std::byte* data = nullptr;
  std::vector<std::uint64_t> shape;
  std::vector<std::int64_t> strides;
  std::uint64_t elements = 0;
  int code = 0, bits = 0;  // of DLPack's type

  bool is_contiguous() const;  // row-major without gaps
  std::span<const std::byte> bytes() const { return {data, elements * static_cast<std::uint64_t>(bits / 8)}; }
};

// What `array` lends. TypeError where it lends nothing, or lies in another memory than the processor's; `name` stands
// for it in the sentence.
Borrowed borrow(nb::handle array, std::string_view name);

// Its element type: `said`, a name of dtype_table, of arrays that hold codes as unsigned integers; else what DLPack
// says. TypeError for types that have no row.
const Dtype& dtype_of(const Borrowed& array, std::string_view said, nb::handle object, std::string_view name);

// The array as a tensor of a dump: repeats of stride 0 count, and any order of axes does. ValueError where its strides
// go backwards or its elements overlap.
TensorView view_of(std::string name, const Borrowed& array, const Dtype& dtype);

// Throws TypeError.
[[noreturn]] void refuse_type(const std::string& sentence);

}  // namespace lowp::python
