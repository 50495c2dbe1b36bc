// SPDX-License-Identifier: Apache-2.0
// The words for an instruction path.
#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "lowp/core/formats.h"
#include "lowp/training/gemm_operands.h"
#include "lowp/training/gemm_replay.h"

namespace lowp::training {
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
                                .finish = StepRounding::nearest_fp32,
                                .zero_exponent = inert,
                                .grade = Grade::agreed,
                                .source = "definition: IEEE fused multiply-add, k ascending"};

Error no_path(std::string_view word, std::string found) {
  return {"--paths", std::nullopt,
          "GPU:PATH:INPUT:ACCUMULATOR[+N][/P[p][:FORMAT]][@RECIPE] of the tensor-core table, or ideal:INPUT",
          fmt::format("'{}'{}", word, found)};
}

const BlockFormat* find_block(std::string_view element, std::string_view scale, int size) {
  for (const BlockFormat& row : block_format_table) {
    if (row.element == element && row.scale == scale && row.size == size) return &row;
  }
  return nullptr;
}

Result<NamedPath> parse_ideal(std::string_view word) {
  NamedPath named;
  named.name = word;
  named.input = word.substr(6);
  named.path.row = &ideal_fp32;
  for (const BlockFormat& row : block_format_table) {
    if (row.name == named.input) named.block = &row;
  }
  if (named.block != nullptr) return named;
  named.recipe = recipes::find_recipe(named.input);
  if (named.recipe != nullptr) return named;
  const FormatLookup found = find_format(named.input);
  if (!found.found || found.format.precision > 24 || !is_signed(found.format)) return no_path(word, "");
  return named;
}

bool read_count(std::string_view digits, int& count) {
  constexpr int most = 1 << 20;
  const char* last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, count);
  return error == std::errc{} && end == last && count >= 1 && count <= most;
}

std::vector<std::string_view> parts_of(std::string_view text) {
  std::vector<std::string_view> parts;
  for (std::size_t end; (end = text.find(':')) != text.npos; text.remove_prefix(end + 1)) {
    parts.push_back(text.substr(0, end));
  }
  parts.push_back(text);
  return parts;
}

// P[p][:FORMAT]; what is wrong with it, if anything.
std::optional<std::string> read_split(std::string_view text, const TensorCore& row, std::string_view input,
                                      NamedPath& named) {
  const std::size_t colon = text.find(':');
  std::string_view count = text.substr(0, colon);
  KSplit& split = named.split;
  if (count.ends_with('p')) {
    split.combination = Combination::pairwise;
    count.remove_suffix(1);
  }
  if (!read_count(count, split.parts)) return ": no number of parts after '/'";
  split.partial = accumulator_format(row);
  if (colon != text.npos) {
    const std::string_view name = text.substr(colon + 1);
    if (name != "fp32" && name != "bf16" && name != "fp16") return ": parts are kept in fp32, bf16 or fp16";
    if (accumulator_format(row).width > 32) return ": parts of an FP64 accumulator are kept in FP64";
    split.partial = find_format(name).format;
  }
  named.rule = &split_rule(row, input);
  split.order = named.rule->order;
  split.tile = named.rule->tile;
  return {};
}

// The recipe makes what the row's instruction reads; else what is wrong.
std::optional<std::string> read_recipe(std::string_view name, std::string_view input, NamedPath& named) {
  const TensorCore& row = *named.path.row;
  named.recipe = recipes::find_recipe(name);
  if (named.recipe == nullptr) return ": no recipe has that name; `precision-audit recipes --list` prints them";
  if (named.recipe->element_name != input)
    return fmt::format(": the recipe's elements are {}", named.recipe->element_name);
  const recipes::BlockShape block = named.recipe->row->block;
  const std::string_view scale = scale_format_name(*named.recipe);
  const bool for_all_of_k = block.columns == 0;
  if (row.scale.empty() && !for_all_of_k) {
    return fmt::format(": the instruction applies no scales of {} elements; `ideal:{}` does",
                       recipes::block_text(block), name);
  }
  if (!row.scale.empty() && (scale != row.scale || block.columns != static_cast<std::uint32_t>(row.scale_block))) {
    return fmt::format(": the instruction reads {} scales of {} elements, the recipe makes {} scales of {}", row.scale,
                       row.scale_block, scale, recipes::block_text(block));
  }
  named.input = name;
  return {};
}

// [/SPLIT] and [@RECIPE] behind a path of this input.
std::optional<std::string> read_suffixes(std::string_view split, std::string_view recipe, std::string_view input,
                                         NamedPath& named) {
  if (!split.empty()) {
    if (auto wrong = read_split(split, *named.path.row, input, named)) return wrong;
  }
  return recipe.empty() ? std::nullopt : read_recipe(recipe, input, named);
}

// What stands behind `mark`, which is cut off.
std::string_view cut_off(std::string_view& word, char mark) {
  const std::size_t at = word.find(mark);
  if (at == word.npos) return {};
  const std::string_view behind = word.substr(at + 1);
  word = word.substr(0, at);
  return behind.empty() ? std::string_view("?") : behind;
}

}  // namespace

Accumulator result_format(const NamedPath& path) {
  const FormatLookup input = find_format(path.input);
  if (!input.found || path.recipe != nullptr || input.format.width < 16) return {"bf16", find_format("bf16").format};
  if (input.format.width == 16) return {path.input, input.format};
  const std::string name = input.format.width == 64 ? "fp64" : "fp32";
  return {name, find_format(name).format};
}

Result<NamedPath> parse_path(std::string_view word) {
  if (word.starts_with("ideal:")) return parse_ideal(word);
  NamedPath named;
  named.name = word;
  std::string_view rest = word;
  const std::string_view recipe = cut_off(rest, '@'), split = cut_off(rest, '/'), promotion = cut_off(rest, '+');
  if (!promotion.empty() && !read_count(promotion, named.path.promotion)) {
    return no_path(word, ": no number of instructions after '+'");
  }
  const std::vector<std::string_view> parts = parts_of(rest);
  if (parts.size() != 4) return no_path(word, "");
  const TensorCore* row = find_tensor_core(parts[0], parts[1], parts[2], parts[2], parts[3]);
  if (row == nullptr) return no_path(word, "");
  if (!is_emulated(*row)) return no_path(word, fmt::format(": {}", row->note));
  named.path.row = row;
  named.input = parts[2];
  if (const auto wrong = read_suffixes(split, recipe, parts[2], named)) return no_path(word, *wrong);
  if (!row->scale.empty() && named.recipe == nullptr) {
    named.block = find_block(parts[2], row->scale, row->scale_block);
    if (named.block == nullptr) return no_path(word, ": no block format has these elements and scales");
    named.input = named.block->name;
  }
  return named;
}

}  // namespace lowp::training
