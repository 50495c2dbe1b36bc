// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "lowp/core/convert.h"
#include "lowp/tensor/checked.h"

namespace lowp {
namespace {

constexpr Format fp64 = ieee_format(11, 52);
constexpr Format fp32 = ieee_format(8, 23);

double value_of(const Dtype& dtype, std::uint64_t code) {
  if (dtype.format == fp32) return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(code)));
  return std::bit_cast<double>(convert(dtype.format, fp64, Conversion{}, code));
}

}  // namespace

Result<ValueReader> ValueReader::open(const Input& input, const TensorView& view) {
  ValueReader reader;
  reader.dtype_ = view.dtype;
  reader.left_ = view.elements;
  if (view.elements == 0) return reader;
  auto stream = view.in_row_major().stream(0);
  if (!stream) {
    Error error = stream.error();
    if (error.file.empty()) error.file = input.path;
    return error;
  }
  reader.stream_ = std::move(*stream);
  return reader;
}

Result<Done> ValueReader::read(std::uint64_t count, std::vector<double>& out) {
  const auto size = static_cast<std::size_t>(dtype_->bytes);
  constexpr std::uint64_t at_once = 1 << 16;
  for (count = std::min(count, left_); count != 0;) {
    const std::uint64_t now = std::min(count, at_once);
    buffer_.resize(static_cast<std::size_t>(now) * size);
    if (auto done = stream_->read(buffer_); !done) return done.error();
    for (std::size_t i = 0; i < now; ++i) {
      out.push_back(value_of(*dtype_, little_endian(std::span<const std::byte>(buffer_).subspan(i * size, size))));
    }
    left_ -= now;
    count -= now;
  }
  return Done{};
}

Result<std::vector<double>> read_values(const Input& input, const TensorView& view, std::uint64_t limit) {
  if (view.elements > limit) {
    return Error{input.path, std::nullopt, fmt::format("at most {} elements in '{}'", limit, view.name),
                 fmt::format("{}", view.elements)};
  }
  auto reader = ValueReader::open(input, view);
  if (!reader) return reader.error();
  std::vector<double> values;
  if (auto done = reader->read(view.elements, values); !done) return done.error();
  return values;
}

const TensorView* find_tensor(const Input& input, std::string_view name) {
  const auto found = std::ranges::find(input.tensors, name, &TensorView::name);
  return found == input.tensors.end() ? nullptr : &*found;
}

}  // namespace lowp
