// SPDX-License-Identifier: Apache-2.0
// What runs instructions: the GPU (cuda_backend.cu), or in tests the emulators. Bits in, bits out.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lowp/gpu/expectation.h"
#include "lowp/gpu/instruction.h"

namespace lowp::gpu {

// The only exception of this room: a CUDA call failed. The message names call and reason.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Chip {
  std::string name;                       // "NVIDIA H100 80GB HBM3"
  std::string capability;                 // "sm_90"
  Target code;                            // what the running machine code was made for
  std::string driver, runtime, compiler;  // "580.65.06 (CUDA 13.0)", "13.0", "nvcc 13.0.88"
};

struct ScalarMismatch {
  std::uint64_t index = 0;
  Inputs inputs{};
  std::uint32_t returned = 0, expected = 0;
};

struct SweepOutcome {
  std::uint64_t inputs = 0, mismatches = 0;
  std::vector<ScalarMismatch> first;  // a few, ascending
  // Of what the instruction returned and of what core returned on the same device; only of whole digest blocks.
  std::optional<std::uint64_t> returned_digest, core_digest;
};

// How a matrix instruction is given its operands; only wgmma knows more than plain.
enum class Feed { plain, a_from_registers, scale_d_zero, negated_a };

// `tiles` products of m x (steps * k) and (steps * k) x n matrices, one instruction per step, the accumulator kept in
// registers between them. a: rows of codes; b: columns of codes; c and d: rows of accumulator codes.
struct TileBatch {
  int tiles = 0, steps = 1;
  std::vector<std::uint32_t> a, b, c;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual Chip chip() = 0;
  // Inputs of a row's rule through the instruction, judged by core.
  virtual SweepOutcome sweep_conversion(std::size_t row, Selection inputs) = 0;
  virtual SweepOutcome sweep_arithmetic(std::size_t row, Selection inputs) = 0;
  // All codes of the source through core alone; the digest of what it returns.
  virtual std::uint64_t core_digest(const Rule& rule) = 0;
  virtual std::vector<std::uint32_t> multiply(std::size_t row, Feed feed, const TileBatch& batch) = 0;
  // The symbol of the row's kernel as a disassembler prints it; empty if unknown.
  virtual std::string kernel_name(std::size_t row) = 0;
};

}  // namespace lowp::gpu
