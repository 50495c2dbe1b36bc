// SPDX-License-Identifier: Apache-2.0
// Matrix products as an instruction path makes them: the spec of fdpa.h for every output, fast where rows are fused.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "lowp/accumulate/fdpa.h"

namespace lowp {

// Codes of one format, row by row; tf32 as FP32 bits.
struct CodeMatrix {
  Format format;
  std::size_t rows = 0, columns = 0;
  std::vector<std::uint64_t> code;
};

// How the accumulator of one instruction path is used along K.
struct GemmPath {
  const TensorCore* row = nullptr;  // emulated, without scales
  // Every so many instructions the accumulator is added to a main one, rounded to nearest in its format, and starts
  // again from 0 (CUTLASS: 4, DeepGEMM: 4 of K 32); 0: never.
  int promotion = 0;
};

// One output: a and b are the operands along K, the accumulator starts at 0.
std::uint64_t gemm_output(const GemmPath& path, std::span<const Operand> a, std::span<const Operand> b);

// a [M, K] times b [K, N]: M x N codes of accumulator_format(row), row by row. Every output equals gemm_output, on any
// number of threads (0: one per processor). Both formats must be inputs of the row.
std::vector<std::uint64_t> gemm(const GemmPath& path, const CodeMatrix& a, const CodeMatrix& b, int threads);

}  // namespace lowp
