// SPDX-License-Identifier: Apache-2.0
#include "python_arrays.h"

#include <fmt/format.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstring>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/row_major.h"
#include "lowp/tensor/strided.h"

namespace lowp::python {
namespace {

class ArrayStream final : public ByteStream {
 public:
  explicit ArrayStream(std::span<const std::byte> bytes) : bytes_(bytes) {}
  Result<Done> read(std::span<std::byte> out) override {
    if (!out.empty()) std::memcpy(out.data(), bytes_.data(), out.size());
    bytes_ = bytes_.subspan(out.size());
    return Done{};
  }

 private:
  std::span<const std::byte> bytes_;
};

class ArraySource final : public ByteSource {
 public:
  ArraySource(nb::ndarray<nb::ro> owner, std::span<const std::byte> bytes) : owner_(std::move(owner)), bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool random_access() const override { return true; }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t begin) const override {
    return std::unique_ptr<ByteStream>(std::make_unique<ArrayStream>(bytes_.subspan(begin)));
  }

 private:
  nb::ndarray<nb::ro> owner_;  // gives itself back under the GIL
  std::span<const std::byte> bytes_;
};

std::string dtype_names() {
  std::string names;
  for (std::size_t i = 0; i < dtype_table.size(); ++i) {
    names += i == 0 ? "" : i + 1 == dtype_table.size() ? " or " : ", ";
    names += dtype_table[i].torch;
  }
  return names;
}

std::string text_of(nb::handle object) {
  return nb::cast<std::string>(nb::str(object));
}

std::string dtype_text(nb::handle object) {
  return nb::hasattr(object, "dtype") ? text_of(object.attr("dtype")) : text_of(object.type());
}

}  // namespace

void refuse_type(const std::string& sentence) {
  throw nb::type_error(sentence.c_str());
}

bool Borrowed::is_contiguous() const {
  std::int64_t wanted = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] != 1 && elements != 0 && strides[i] != wanted) return false;
    wanted *= static_cast<std::int64_t>(shape[i]);
  }
  return true;
}

Borrowed borrow(nb::handle array, std::string_view name) {
  Borrowed lent;
  if (!nb::try_cast(array, lent.owner, false)) {
    if (nb::hasattr(array, "device")) {
      const std::string device = text_of(array.attr("device"));
      if (device != "cpu") refuse_type(fmt::format("{} is on {}: wanted an array in the processor's memory (.cpu())", name, device));
    }
    refuse_type(fmt::format("{}: wanted an array of {}, found {}", name, dtype_names(), dtype_text(array)));
  }
  const nb::ndarray<nb::ro>& owner = lent.owner;
  if (owner.device_type() != nb::device::cpu::value) {
    refuse_type(fmt::format("{} is not in the processor's memory: wanted a copy there (.cpu())", name));
  }
  lent.data = static_cast<const std::byte*>(owner.data());
  lent.elements = owner.size();
  for (std::size_t i = 0; i < owner.ndim(); ++i) {
    lent.shape.push_back(owner.shape(i));
    lent.strides.push_back(owner.stride(i));
  }
  lent.code = owner.dtype().code;
  lent.bits = owner.dtype().bits;
  return lent;
}

const Dtype& dtype_of(const Borrowed& array, std::string_view said, nb::handle object, std::string_view name) {
  const Dtype* found = said.empty() ? nullptr : find_dtype(said);
  for (const Dtype& row : dtype_table) {
    if (said.empty() && row.dlpack == array.code && 8 * row.bytes == array.bits) found = &row;
  }
  if (found != nullptr && 8 * found->bytes == array.bits) return *found;
  const std::string text = said.empty() ? dtype_text(object) : std::string(said);
  refuse_type(fmt::format("{}: wanted {}, found {}", name, dtype_names(), text));
}

TensorView view_of(std::string name, const Borrowed& array, const Dtype& dtype) {
  TensorView view;
  view.name = std::move(name);
  view.dtype = &dtype;
  view.shape = array.shape;
  view.elements = array.elements;
  if (array.elements > max_elements)
    throw nb::value_error(fmt::format("{}: wanted at most 2^40 elements", view.name).c_str());
  std::vector<std::uint64_t> strides;
  for (const std::int64_t stride : array.strides) {
    if (stride < 0 && array.elements > 1)
      throw nb::value_error(fmt::format("{} is stored backwards (a negative stride): wanted a copy of it", view.name).c_str());
    strides.push_back(static_cast<std::uint64_t>(std::max<std::int64_t>(0, stride)));
  }
  const auto extent = view_extent(array.shape, strides);
  if (!extent) throw nb::value_error(fmt::format("{}: wanted strides that stay in memory", view.name).c_str());
  const std::span<const std::byte> bytes{array.data, *extent * static_cast<std::uint64_t>(dtype.bytes)};
  view.source = std::make_shared<ArraySource>(array.owner, bytes);
  if (array.elements == 0) return view;
  auto stored = canonical_view(array.shape, strides);
  if (!stored) throw nb::value_error(fmt::format("{} overlaps itself: wanted a copy of it", view.name).c_str());
  view.multiplicity = stored->multiplicity;
  const auto whole = view.source;
  view.source = strided_source(whole, std::move(stored->axes), dtype.bytes);
  if (!is_row_major(array.shape, strides)) view.row_major = row_major_source(whole, array.shape, strides, dtype.bytes, view.name);
  return view;
}

}  // namespace lowp::python
