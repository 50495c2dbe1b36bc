// SPDX-License-Identifier: Apache-2.0
// What is tried on each matrix instruction. Part of verify.cpp.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/gpu/backend.h"
#include "lowp/gpu/probe.h"
#include "lowp/gpu/recorded_set.h"
#include "lowp/gpu/verify.h"

namespace lowp::gpu {

std::string matrix_name(const MmaRow& row);  // "wgmma m64n8k16.f32.f16.f16"
std::string code_text(Target target);        // "sm_90a"

class MatrixChecks {
 public:
  MatrixChecks(Backend& backend, const VerifyOptions& options, Verification& result)
      : backend_(backend), options_(options), result_(result) {}

  // Whether every element comes from where fragments.h and shared_matrix.h say. Without that nothing below means much.
  void layout(std::size_t row, VerifyLine& into);
  // Each probe in every place it may stand in; against the table, on sm_90 also against the published bits.
  void probes(std::size_t row, VerifyLine& into);
  // A million dot products of each draw against the table.
  void random(std::size_t row, VerifyLine& into);
  // Chains of 4 to 256 instructions, the accumulator kept in registers.
  void chains(std::size_t row, VerifyLine& into);
  // wgmma: A from registers, scale-d = 0, scale-a = -1.
  void feeds(std::size_t row, VerifyLine& into);
  // The same products in another order, where the table says that the sum has none.
  void order(std::size_t row, VerifyLine& into);
  // Writes the file of the instruction.
  void record(std::size_t row, VerifyLine& into);

  void say_open_points();

 private:
  // Runs the batch and counts what differs from `wanted`.
  std::vector<std::uint32_t> compare(std::size_t row, Feed feed, const TileBatch& batch,
                                     const std::vector<std::uint32_t>& wanted, const std::string& what,
                                     VerifyLine& into);
  void compare_with_model(std::size_t row, Feed feed, const TileBatch& batch, const std::string& what,
                          VerifyLine& into);
  bool can_compare(std::size_t row, VerifyLine& into);
  bool on_hopper() const { return result_.chip.capability == "sm_90"; }

  struct Answer {
    const MmaRow* row;
    std::string_view open;
    std::string id;
    std::uint32_t returned;
  };
  Backend& backend_;
  const VerifyOptions& options_;
  Verification& result_;
  std::vector<Answer> answers_;
  std::set<std::size_t> broken_;  // rows whose layout check failed
};

// THE TABLE of checks, in the order they are made.
struct MatrixCheck {
  std::string_view part;
  void (MatrixChecks::*run)(std::size_t row, VerifyLine& into);
};
inline constexpr MatrixCheck matrix_checks[] = {
    {"layout", &MatrixChecks::layout}, {"probe", &MatrixChecks::probes}, {"random", &MatrixChecks::random},
    {"chain", &MatrixChecks::chains},  {"feed", &MatrixChecks::feeds},   {"order", &MatrixChecks::order},
    {"record", &MatrixChecks::record},
};

}  // namespace lowp::gpu
