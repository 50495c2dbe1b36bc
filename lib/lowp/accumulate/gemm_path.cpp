// SPDX-License-Identifier: Apache-2.0
// The words for an instruction path.
#include <fmt/format.h>

#include <charconv>

#include "lowp/accumulate/gemm_replay.h"
#include "lowp/core/formats.h"

namespace lowp {
namespace {

// The twin that differs from exact arithmetic by one rounding to nearest per product.
constexpr TensorCore ideal_fp32{.architecture = "ideal",
                                .path = "fma",
                                .inputs = "",
                                .accumulator = "f32",
                                .kind = StepKind::fma_chain,
                                .products = 1,
                                .instruction_k = 1,
                                .fraction_bits = 0,
                                .finish = Finish::nearest_fp32,
                                .zero_exponent = inert,
                                .grade = Grade::agreed,
                                .source = "definition: IEEE fused multiply-add, k ascending"};

Error no_path(std::string_view word, std::string found) {
  return {"--paths", std::nullopt, "GPU:PATH:INPUT:ACCUMULATOR[+N] of the tensor-core table, or ideal:INPUT",
          fmt::format("'{}'{}", word, found)};
}

const BlockFormat* find_block(std::string_view element, std::string_view scale, int size) {
  for (const BlockFormat& row : block_format_table) {
    if (row.element == element && row.scale == scale && row.size == size) return &row;
  }
  return nullptr;
}

Result<NamedPath> parse_ideal(std::string_view word) {
  NamedPath named{std::string(word), std::string(word.substr(6)), nullptr, {&ideal_fp32, 0}};
  for (const BlockFormat& row : block_format_table) {
    if (row.name == named.input) named.block = &row;
  }
  if (named.block != nullptr) return named;
  const FormatLookup found = find_format(named.input);
  if (!found.found || found.format.precision > 24 || !is_signed(found.format)) return no_path(word, "");
  return named;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t end; (end = text.find(':')) != text.npos; text.remove_prefix(end + 1)) {
    parts.push_back(text.substr(0, end));
  }
  parts.push_back(text);
  return parts;
}

}  // namespace

Result<NamedPath> parse_path(std::string_view word) {
  constexpr int most_instructions = 1 << 20;
  if (word.starts_with("ideal:")) return parse_ideal(word);
  NamedPath named{std::string(word), "", nullptr, {}};
  const std::size_t plus = word.find('+');
  if (plus != word.npos) {
    const std::string_view digits = word.substr(plus + 1);
    const char* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, named.path.promotion);
    if (error != std::errc{} || end != last || named.path.promotion < 1 || named.path.promotion > most_instructions) {
      return no_path(word, ": no number of instructions after '+'");
    }
  }
  const std::vector<std::string_view> parts = parts_of(word.substr(0, plus));
  if (parts.size() != 4) return no_path(word, "");
  const TensorCore* row = find_tensor_core(parts[0], parts[1], parts[2], parts[2], parts[3]);
  if (row == nullptr) return no_path(word, "");
  if (!is_emulated(*row)) return no_path(word, fmt::format(": {}", row->note));
  named.path.row = row;
  named.input = parts[2];
  if (!row->scale.empty()) {
    named.block = find_block(parts[2], row->scale, row->scale_block);
    if (named.block == nullptr) return no_path(word, ": no block format has these elements and scales");
    named.input = named.block->name;
  }
  return named;
}

}  // namespace lowp
