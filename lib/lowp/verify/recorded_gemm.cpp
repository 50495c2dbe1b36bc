// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/recorded_gemm.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <map>
#include <optional>

#include "lowp/core/formats.h"
#include "lowp/verify/integer_tensors.h"

namespace lowp {
namespace {

constexpr int slow_interval = 128;  // elements of K between two promotions of slow accumulation
constexpr std::size_t most_parts = 4096;
constexpr std::array<std::string_view, 2> inputs{"e4m3", "e5m2"};
constexpr std::array<std::string_view, 5> outputs{"fp32", "bf16", "fp16", "e4m3", "e5m2"};
constexpr std::array<std::string_view, 16> column_names{
    "m",   "n",       "k",       "format_a",         "format_b",     "fast", "split", "scheme",
    "out", "scale_a", "scale_b", "has_scale_result", "scale_result", "a_at", "b_at",  "d_at"};
enum Scheme : std::uint64_t { none, serial, pairwise, contiguous, schemes };

int stored_bytes(Format f) {
  return (f.width + 7) / 8;
}

// One row of `cases`, by column.
class CaseRow {
 public:
  CaseRow(const std::vector<std::uint64_t>& all, std::size_t number) : at_(all.data() + number * column_names.size()) {}
  std::uint64_t operator[](std::string_view name) const {
    return at_[std::ranges::find(column_names, name) - column_names.begin()];
  }

 private:
  const std::uint64_t* at_;
};

struct FileFacts {
  const std::string &path, &gpu, &capability, &instruction_path, &accumulator;
  std::size_t codes, d;
};

const TensorCore* find_row(const FileFacts& file, std::string_view a, std::string_view b) {
  for (const std::string& gpu : {file.gpu, file.capability}) {
    if (const auto* row = find_tensor_core(gpu, file.instruction_path, a, b, file.accumulator)) return row;
  }
  return nullptr;
}

// Scheme 3 says contiguous parts, as on Hopper; else the architecture's order. Only scheme 2 adds pairs.
KSplit split_of(const TensorCore& row, std::string_view input, int parts, std::uint64_t scheme) {
  const SplitRule* rule = &split_rule(row, input);
  if (scheme == contiguous && rule->order != TileOrder::contiguous) {
    rule = &*std::ranges::find(split_rules, TileOrder::contiguous, &SplitRule::order);
  }
  return {.parts = parts,
          .order = rule->order,
          .tile = rule->tile,
          .combination = scheme == pairwise ? Combination::pairwise : Combination::serial};
}

Result<RecordedGemm> read_case(const FileFacts& file, const CaseRow& row, std::size_t number) {
  const auto wrong = [&](std::string wanted, std::string found) {
    return Error{file.path, std::nullopt, fmt::format("{} in case {}", wanted, number), std::move(found)};
  };
  if (row["format_a"] >= inputs.size() || row["format_b"] >= inputs.size()) {
    return wrong("format_a and format_b 0 or 1", fmt::format("{} and {}", row["format_a"], row["format_b"]));
  }
  if (row["out"] >= outputs.size()) return wrong("out from 0 to 4", fmt::format("{}", row["out"]));
  if (row["scheme"] >= schemes) return wrong("scheme from 0 to 3", fmt::format("{}", row["scheme"]));
  if (row["split"] < 1 || row["split"] > most_parts) {
    return wrong(fmt::format("split from 1 to {}", most_parts), fmt::format("{}", row["split"]));
  }
  const std::string_view a = inputs[row["format_a"]], b = inputs[row["format_b"]];
  RecordedGemm one;
  one.row = find_row(file, a, b);
  const std::string instruction = fmt::format("gpu '{}' ({}), path '{}', input '{}' and '{}', accumulator '{}'",
                                              file.gpu, file.capability, file.instruction_path, a, b, file.accumulator);
  if (one.row == nullptr) return wrong("an instruction of the tensor-core table", instruction);
  if (!is_emulated(*one.row) || !one.row->scale.empty() || accumulator_format(*one.row) != ieee_format(8, 23)) {
    return wrong("an emulated instruction with an FP32 accumulator and no block scales", instruction);
  }
  one.m = row["m"];
  one.n = row["n"];
  one.k = row["k"];
  one.format_a = find_format(a).format;
  one.format_b = find_format(b).format;
  one.path = {one.row, row["fast"] != 0 ? 0 : slow_interval / one.row->instruction_k};
  one.split = split_of(*one.row, a, static_cast<int>(row["split"]), row["scheme"]);
  one.epilogue = {static_cast<std::uint32_t>(row["scale_a"]), static_cast<std::uint32_t>(row["scale_b"]), std::nullopt,
                  find_format(outputs[row["out"]]).format};
  if (row["has_scale_result"] != 0) one.epilogue.scale_result = static_cast<std::uint32_t>(row["scale_result"]);
  one.a_at = row["a_at"];
  one.b_at = row["b_at"];
  one.d_at = row["d_at"];
  // Columns are 32 bits wide: no product of two overflows 64 bits.
  const std::size_t bytes = static_cast<std::size_t>(stored_bytes(one.epilogue.output));
  const auto fits = [](std::size_t at, std::size_t size, std::size_t all) { return at <= all && size <= all - at; };
  if (!fits(one.a_at, one.m * one.k, file.codes) || !fits(one.b_at, one.n * one.k, file.codes)) {
    return wrong(fmt::format("operands within {} codes", file.codes),
                 fmt::format("{} x {} at {}, {} x {} at {}", one.m, one.k, one.a_at, one.n, one.k, one.b_at));
  }
  if (one.m * one.n > file.d || !fits(one.d_at, one.m * one.n * bytes, file.d)) {
    return wrong(fmt::format("outputs within {} bytes", file.d),
                 fmt::format("{} x {} of {} bytes at {}", one.m, one.n, bytes, one.d_at));
  }
  return one;
}

std::uint64_t size_of(const IntegerTensors& tensors, std::string_view name) {
  const SafetensorsEntry* entry = tensors.find(name);
  return entry == nullptr || entry->shape.size() != 1 ? 0 : entry->shape[0];
}

}  // namespace

std::uint64_t RecordedGemms::recorded(const RecordedGemm& one, std::size_t output) const {
  const auto bytes = static_cast<std::size_t>(stored_bytes(one.epilogue.output));
  std::uint64_t code = 0;
  for (std::size_t i = bytes; i-- > 0;) code = code << 8 | d[one.d_at + output * bytes + i];
  return code;
}

Result<RecordedGemms> read_recorded_gemms(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  auto header = read_safetensors_header(**file);
  if (!header) return header.error();
  const auto wrong = [&](std::string wanted, std::string found) {
    return Error{path, std::nullopt, std::move(wanted), std::move(found)};
  };
  const std::string kind = metadata_of(*header, "kind");
  if (kind != recorded_gemm_kind) return wrong(fmt::format("metadata kind '{}'", recorded_gemm_kind), "'" + kind + "'");
  const std::string wanted_columns = fmt::format("[\"{}\"]", fmt::join(column_names, "\", \""));
  const std::string columns = metadata_of(*header, "columns");
  if (!columns.empty() && columns != wanted_columns) return wrong("metadata columns " + wanted_columns, columns);
  RecordedGemms gemms;
  gemms.path = path;
  gemms.gpu = metadata_of(*header, "gpu");
  gemms.capability = metadata_of(*header, "compute_capability");
  gemms.library = metadata_of(*header, "library");
  const std::string instruction_path = metadata_of(*header, "instruction_path");
  const std::string accumulator = metadata_of(*header, "accumulator");
  const IntegerTensors tensors(**file, *header);
  const SafetensorsEntry* entry = tensors.find("cases");
  if (entry == nullptr || entry->dtype != "U32" || entry->shape.size() != 2 || entry->shape[1] != column_names.size()) {
    return wrong(fmt::format("tensor 'cases' [n, {}] of U32", column_names.size()),
                 entry == nullptr ? "none" : fmt::format("{} [{}]", entry->dtype, fmt::join(entry->shape, ", ")));
  }
  auto cases = tensors.read("cases", entry->shape);
  auto codes = tensors.read("codes", {size_of(tensors, "codes")});
  auto d = tensors.read("d", {size_of(tensors, "d")});
  for (const auto* read : {&cases, &codes, &d}) {
    if (!*read) return read->error();
  }
  gemms.codes = std::move(*codes);
  gemms.d = std::move(*d);
  const FileFacts facts{path,        gemms.gpu,          gemms.capability, instruction_path,
                        accumulator, gemms.codes.size(), gemms.d.size()};
  for (std::size_t i = 0; i < entry->shape[0]; ++i) {
    auto one = read_case(facts, CaseRow(*cases, i), i);
    if (!one) return one.error();
    gemms.cases.push_back(std::move(*one));
  }
  return gemms;
}

std::vector<std::uint64_t> accumulators_of(const RecordedGemms& file, const RecordedGemm& one, int threads) {
  const auto begin = file.codes.begin() + static_cast<std::ptrdiff_t>(one.a_at);
  const CodeMatrix a{one.format_a, one.m, one.k, {begin, begin + static_cast<std::ptrdiff_t>(one.m * one.k)}};
  CodeMatrix b{one.format_b, one.k, one.n, std::vector<std::uint64_t>(one.k * one.n)};
  for (std::size_t j = 0; j < one.n; ++j) {
    for (std::size_t k = 0; k < one.k; ++k) b.code[k * one.n + j] = file.codes[one.b_at + j * one.k + k];
  }
  return library_gemm(one.path, one.split, a, b, threads);
}

std::vector<std::uint64_t> outputs_of(const RecordedGemms& file, const RecordedGemm& one, int threads) {
  if (one.k == 0) return std::vector<std::uint64_t>(one.m * one.n, 0);
  std::vector<std::uint64_t> made = accumulators_of(file, one, threads);
  for (std::uint64_t& code : made) code = stored(one.epilogue, static_cast<std::uint32_t>(code));
  return made;
}

GemmReplay replay(const RecordedGemms& file, int threads) {
  constexpr std::size_t shown = 3;
  GemmReplay result;
  for (std::size_t number = 0; number < file.cases.size(); ++number) {
    const RecordedGemm& one = file.cases[number];
    const std::vector<std::uint64_t> made = outputs_of(file, one, threads);
    result.outputs += made.size();
    for (std::size_t i = 0; i < made.size(); ++i) {
      const std::uint64_t recorded = file.recorded(one, i);
      if (made[i] == recorded) continue;
      if (++result.mismatches <= shown) result.first.push_back({number, i, recorded, made[i]});
    }
  }
  return result;
}

}  // namespace lowp
