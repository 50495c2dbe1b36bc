// SPDX-License-Identifier: Apache-2.0
#include "lowp/training/values.h"

#include <fmt/format.h>

#include <algorithm>

namespace lowp::training {

Result<ValueReader> ValueReader::open(const Input& input, const TensorView& view) {
  auto elements = ElementReader::open(input.path, view);
  if (!elements) return elements.error();
  ValueReader reader;
  reader.elements_ = std::move(*elements);
  return reader;
}

Result<Done> ValueReader::read(std::uint64_t count, std::vector<double>& out) {
  constexpr std::uint64_t at_once = 1 << 16;
  for (count = std::min(count, left()); count != 0;) {
    const std::uint64_t now = std::min(count, at_once);
    codes_.resize(static_cast<std::size_t>(now));
    if (auto done = elements_.read(codes_); !done) return done.error();
    for (const std::uint64_t code : codes_) out.push_back(value_of(elements_.dtype(), code));
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

}  // namespace lowp::training
