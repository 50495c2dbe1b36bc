// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/view.h"

#include <algorithm>

namespace lowp {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

const Dtype* find_dtype(std::string_view name) {
  const auto row = std::ranges::find_if(dtype_table, [name](const Dtype& dtype) {
    return same_ignoring_case(dtype.name, name) || same_ignoring_case(dtype.safetensors, name);
  });
  return row == dtype_table.end() ? nullptr : &*row;
}

}  // namespace lowp
