// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/model.h"

#include <algorithm>
#include <array>
#include <string>

#include "lowp/core/formats.h"

namespace lowp {
namespace {

// Whether `word` is one of the space-separated words of `list`.
bool has_word(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

// What tells a GPU: "NVIDIA GeForce RTX 4060 Ti", "rtx-4060" and "RTX4060 Laptop GPU" are rtx4060, "H100 PCIe" and
// "NVIDIA H100 80GB HBM3" are h100. Lower case without makers, memory, sockets and blanks.
std::string plain(std::string_view name) {
  constexpr std::array<std::string_view, 5> makers{"nvidia", "geforce", "quadro", "tesla", "amdinstinct"};
  constexpr std::array<std::string_view, 15> variants{"laptopgpu", "pcie", "sxm2",  "sxm3",  "sxm4",
                                                      "sxm5",      "sxm6", "sxm",   "nvl",   "hbm2",
                                                      "hbm2e",     "hbm3", "hbm3e", "super", "ti"};
  std::string text;
  for (const char c : name) {
    if (c == ' ' || c == '-') continue;
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  for (const std::string_view maker : makers) {
    if (text.starts_with(maker) && text.size() > maker.size()) text.erase(0, maker.size());
  }
  const auto cut = [&](std::string_view end) {
    const bool found = text.ends_with(end) && text.size() > end.size();
    if (found) text.erase(text.size() - end.size());
    return found;
  };
  while (std::ranges::any_of(variants, cut)) {
  }
  if (text.ends_with("gb")) {  // "h10080gb": two or three digits of memory
    const std::string_view base = std::string_view(text).substr(0, text.size() - 2);
    for (const std::size_t digits : {std::size_t{2}, std::size_t{3}}) {
      if (base.size() > digits && std::ranges::any_of(architecture_table, [&](const Architecture& row) {
            return has_word(row.gpus, base.substr(0, base.size() - digits));
          })) {
        return std::string(base.substr(0, base.size() - digits));
      }
    }
  }
  return text;
}

}  // namespace

std::string_view grade_word(Grade grade) {
  switch (grade) {
    case Grade::recorded: return "recorded";
    case Grade::agreed: return "agreed";
    case Grade::single: return "one source";
    case Grade::inferred: return "inferred";
    case Grade::disagreement: return "unstable";
  }
  return "";
}

std::string_view grade_text(Grade grade) {
  switch (grade) {
    case Grade::recorded: return "A: recorded on hardware, no result differs";
    case Grade::agreed: return "B: independent sources agree";
    case Grade::single: return "C: one source, checked by its authors on hardware";
    case Grade::inferred: return "D: inferred";
    case Grade::disagreement: return "unstable: sources contradict each other";
  }
  return "";
}

Format accumulator_format(const TensorCore& row) {
  switch (row.finish) {
    case Finish::nearest_fp16: return ieee_format(5, 10);
    case Finish::nearest_fp64: return ieee_format(11, 52);
    case Finish::truncated_fp32:
    case Finish::truncated_e8m13:
    case Finish::nearest_fp32: break;
  }
  return ieee_format(8, 23);
}

bool has_open_zero_signs(const TensorCore& row) {
  return row.finish != Finish::truncated_e8m13;
}

bool is_narrow(std::string_view format) {
  const FormatLookup found = find_format(format);
  return found.found && found.format.width <= 8;
}

const Architecture* find_architecture(std::string_view gpu) {
  const std::string name = plain(gpu);
  for (const Architecture& row : architecture_table) {
    if (name == row.name || has_word(row.gpus, name) || has_word(row.capabilities, name)) return &row;
  }
  return nullptr;
}

const TensorCore* find_tensor_core(std::string_view gpu, std::string_view path, std::string_view a, std::string_view b,
                                   std::string_view accumulator) {
  const Architecture* architecture = find_architecture(gpu);
  if (architecture == nullptr || (a != b && !(is_narrow(a) && is_narrow(b)))) return nullptr;
  for (const TensorCore& row : tensor_core_table) {
    if (row.architecture == architecture->name && row.path == path && row.accumulator == accumulator &&
        has_word(row.inputs, a) && has_word(row.inputs, b)) {
      return &row;
    }
  }
  return nullptr;
}

}  // namespace lowp
