// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/recorded_set.h"

#include <algorithm>
#include <sstream>

#include "lowp/accumulate/model.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

namespace lowp::gpu {
namespace {

constexpr Format fp32 = ieee_format(8, 23);

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + '"';
}

int bytes_of(Format f) {
  return f.width <= 8 ? 1 : f.width <= 16 ? 2 : 4;
}

void append_codes(std::string& data, const std::vector<std::uint32_t>& codes, int bytes) {
  for (const std::uint32_t code : codes) {
    for (int i = 0; i < bytes; ++i) data += static_cast<char>(code >> (8 * i) & 0xFF);
  }
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

bool is_widest(const MmaRow& row) {
  return std::ranges::none_of(mma_rows(), [&](const MmaRow& other) {
    return other.path == row.path && other.a == row.a && other.b == row.b && other.accumulator == row.accumulator &&
           other.k > row.k;
  });
}

}  // namespace

void RecordedSet::add(const MmaRow& row, const TileBatch& batch, const std::vector<std::uint32_t>& results, int tile,
                      int i, int j) {
  const auto copy = [&](const std::vector<std::uint32_t>& from, int line, std::vector<std::uint32_t>& to) {
    const auto first = from.begin() + static_cast<std::ptrdiff_t>(line) * row.k;
    to.insert(to.end(), first, first + row.k);
  };
  k = static_cast<std::size_t>(row.k);
  copy(batch.a, tile * row.m + i, a);
  copy(batch.b, tile * row.n + j, b);
  const auto at = static_cast<std::size_t>((tile * row.m + i) * row.n + j);
  c.push_back(batch.c[at]);
  d.push_back(results[at]);
}

std::string gpu_word(const Chip& chip) {
  std::string name = lower(chip.name);
  std::replace(name.begin(), name.end(), '-', ' ');  // "NVIDIA A100-SXM4-80GB"
  std::istringstream words(name);
  for (std::string word; words >> word;) {
    const Architecture* known = find_architecture(word);
    if (known != nullptr && known->gpus.find(word) != known->gpus.npos) return word;
  }
  return chip.capability;
}

std::string recorded_file_name(const Chip& chip, const MmaRow& row) {
  std::string name = gpu_word(chip) + "-" + std::string(row.path) + "-" + std::string(row.a);
  if (row.b != row.a) name += "x" + std::string(row.b);
  name += "-" + std::string(row.accumulator);
  if (!is_widest(row)) name += "-k" + std::to_string(row.k);
  return name + ".safetensors";
}

std::string recorded_file(const Chip& chip, const MmaRow& row, const RecordedSet& set,
                          const std::map<std::string, std::string>& more) {
  std::vector<std::uint32_t> c = set.c;
  for (std::uint32_t& code : c) {
    code = static_cast<std::uint32_t>(convert(accumulator_format(row), fp32, Conversion{}, code));
  }
  std::map<std::string, std::string> metadata = more;
  metadata["gpu"] = gpu_word(chip);
  metadata["gpu_name"] = chip.name;
  metadata["compute_capability"] = chip.capability;
  metadata["instruction_path"] = row.path;
  metadata["instruction"] = row.ptx;
  metadata["input"] = row.a;
  if (row.b != row.a) metadata["input_b"] = row.b;
  metadata["accumulator"] = row.accumulator;
  metadata["k"] = std::to_string(row.k);
  metadata["driver"] = chip.driver;
  metadata["cuda_runtime"] = chip.runtime;
  metadata["compiler"] = chip.compiler;
  metadata["encoding"] =
      "a, b: codes of the input formats (tf32 as FP32 bits); c: FP32 bits (rounded to FP16, nearest even, where the "
      "accumulator is f16); d: bits of the accumulator";
  std::string header = "{\"__metadata__\":{", data;
  for (const auto& [key, value] : metadata) {
    header += (header.back() == '{' ? "" : ",") + quoted(key) + ":" + quoted(value);
  }
  header += "}";
  const auto tensor = [&](const char* name, const std::vector<std::uint32_t>& codes, int bytes, bool matrix) {
    const std::size_t begin = data.size();
    append_codes(data, codes, bytes);
    header += ",\"" + std::string(name) + "\":{\"dtype\":\"U" + std::to_string(8 * bytes) + "\",\"shape\":[" +
              std::to_string(set.rows()) + (matrix ? "," + std::to_string(set.k) : "") + "],\"data_offsets\":[" +
              std::to_string(begin) + "," + std::to_string(data.size()) + "]}";
  };
  tensor("a", set.a, bytes_of(operand_format(row.a)), true);
  tensor("b", set.b, bytes_of(operand_format(row.b)), true);
  tensor("c", c, 4, false);
  tensor("d", set.d, bytes_of(accumulator_format(row)), false);
  header += "}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return file + header + data;
}

}  // namespace lowp::gpu
