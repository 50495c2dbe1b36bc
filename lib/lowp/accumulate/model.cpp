// SPDX-License-Identifier: Apache-2.0
#include "lowp/accumulate/model.h"

#include <algorithm>
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

// Lower case without blanks and dashes: "RTX 4090" is rtx4090.
std::string plain(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == ' ' || c == '-') continue;
    text += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

}  // namespace

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
    case StepRounding::nearest_fp16: return ieee_format(5, 10);
    case StepRounding::nearest_fp64: return ieee_format(11, 52);
    case StepRounding::truncated_fp32:
    case StepRounding::truncated_e8m13:
    case StepRounding::nearest_fp32: break;
  }
  return ieee_format(8, 23);
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
