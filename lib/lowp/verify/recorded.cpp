// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/recorded.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/verify/integer_tensors.h"

namespace lowp {
namespace {

constexpr Format fp32 = ieee_format(8, 23);

// By the GPU's name, else by its compute capability (sm_90a is sm_90 here).
const TensorCore* find_row(const RecordedVectors& v) {
  const std::string base = v.capability.substr(0, v.capability.find_last_of("0123456789") + 1);
  for (const std::string& gpu : {v.gpu, v.capability, base}) {
    if (const auto* row = find_tensor_core(gpu, v.instruction_path, v.input, v.input_b, v.accumulator)) return row;
  }
  return nullptr;
}

std::uint64_t initial_accumulator(const RecordedVectors& v, std::size_t row) {
  const Format f = accumulator_format(*v.row);
  return f == ieee_format(11, 52) ? v.c[row] : convert(fp32, f, Conversion{}, v.c[row]);
}

std::vector<Operand> operands(const TensorCore& row, std::string_view format, std::span<const std::uint64_t> codes) {
  const Format f = find_format(format).format;
  std::vector<Operand> result(codes.size());
  std::ranges::transform(codes, result.begin(), [&](std::uint64_t code) { return read_operand(row, f, code); });
  return result;
}

std::uint64_t replay_row(const RecordedVectors& v, std::size_t row, std::vector<StepTrace>* trace) {
  const auto slice = [&](const std::vector<std::uint64_t>& all, std::size_t count) {
    return std::span<const std::uint64_t>(all).subspan(row * count, count);
  };
  const auto a = operands(*v.row, v.input, slice(v.a, v.k)), b = operands(*v.row, v.input_b, slice(v.b, v.k));
  const std::uint64_t c = initial_accumulator(v, row);
  if (v.row->scale.empty()) return dot(*v.row, a, b, c, trace);
  return scaled_dot(*v.row, a, b, operands(*v.row, v.row->scale, slice(v.a_scale, v.scale_blocks)),
                    operands(*v.row, v.row->scale, slice(v.b_scale, v.scale_blocks)), c, trace);
}

Result<Done> read_tensors(const IntegerTensors& tensors, const std::string& path, RecordedVectors& v) {
  const SafetensorsEntry* a = tensors.find("a");
  if (a == nullptr || a->shape.size() != 2 || a->shape[1] == 0) {
    return Error{path, std::nullopt, "tensor 'a' with a row of codes per dot product", a ? "another shape" : "none"};
  }
  const std::uint64_t rows = a->shape[0], k = a->shape[1];
  v.rows = static_cast<std::size_t>(rows);
  v.k = static_cast<std::size_t>(k);
  struct Part {
    std::string_view name;
    std::vector<std::uint64_t>* into;
    std::vector<std::uint64_t> shape;
  };
  std::vector<Part> parts{{"a", &v.a, {rows, k}}, {"b", &v.b, {rows, k}}, {"c", &v.c, {rows}}, {"d", &v.d, {rows}}};
  if (!v.row->scale.empty()) {
    const auto block = static_cast<std::uint64_t>(v.row->scale_block);
    v.scale_blocks = static_cast<std::size_t>((k + block - 1) / block);
    parts.push_back({"a_scale", &v.a_scale, {rows, v.scale_blocks}});
    parts.push_back({"b_scale", &v.b_scale, {rows, v.scale_blocks}});
  }
  for (const Part& part : parts) {
    auto numbers = tensors.read(part.name, part.shape);
    if (!numbers) return numbers.error();
    *part.into = std::move(*numbers);
  }
  return Done{};
}

}  // namespace

Result<RecordedVectors> read_recorded_vectors(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  auto header = read_safetensors_header(**file);
  if (!header) return header.error();
  RecordedVectors v;
  v.path = path;
  v.gpu = metadata_of(*header, "gpu");
  v.capability = metadata_of(*header, "compute_capability");
  v.instruction_path = metadata_of(*header, "instruction_path");
  v.input = metadata_of(*header, "input");
  v.input_b = metadata_of(*header, "input_b");
  if (v.input_b.empty()) v.input_b = v.input;
  v.accumulator = metadata_of(*header, "accumulator");
  v.row = find_row(v);
  const std::string found = fmt::format("gpu '{}' ({}), path '{}', input '{}', accumulator '{}'", v.gpu, v.capability,
                                        v.instruction_path, v.input, v.accumulator);
  if (v.row == nullptr) return Error{path, std::nullopt, "an instruction of the tensor-core table", found};
  if (!is_emulated(*v.row)) return Error{path, std::nullopt, "an instruction that is emulated", found};
  if (auto done = read_tensors(IntegerTensors(**file, *header), path, v); !done) return done.error();
  return v;
}

RecordedReplay replay(const RecordedVectors& vectors) {
  constexpr std::size_t shown = 3;
  RecordedReplay result{vectors.rows, 0, {}};
  for (std::size_t row = 0; row < vectors.rows; ++row) {
    const std::uint64_t emulated = replay_row(vectors, row, nullptr);
    if (emulated == vectors.d[row]) continue;
    if (++result.mismatches <= shown) result.first.push_back({row, vectors.d[row], emulated});
  }
  return result;
}

RecordedTrace trace_row(const RecordedVectors& vectors, std::size_t row) {
  RecordedTrace trace;
  trace.result = replay_row(vectors, row, &trace.steps);
  return trace;
}

}  // namespace lowp
