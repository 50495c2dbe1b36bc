// SPDX-License-Identifier: Apache-2.0
// A chip made of the emulators: what verify must find nothing wrong with, and with a flaw something.
#pragma once

#include <algorithm>
#include <functional>
#include <string>

#include "lowp/gpu/backend.h"
#include "lowp/gpu/code_digest.h"
#include "lowp/gpu/prediction.h"

namespace lowp::gpu {

class EmulatedBackend : public Backend {
 public:
  explicit EmulatedBackend(Chip chip) : chip_(std::move(chip)) {}

  // Changes what "hardware" returns; the tests plant mistakes with them.
  std::function<std::uint32_t(const Rule&, Inputs, std::uint32_t)> scalar_flaw;
  std::function<void(const MmaRow&, Feed, const TileBatch&, std::vector<std::uint32_t>&)> matrix_flaw;

  Chip chip() override { return chip_; }
  SweepOutcome sweep_conversion(std::size_t row, Selection inputs) override {
    return sweep(conversion_rows()[row].rule, inputs);
  }
  SweepOutcome sweep_arithmetic(std::size_t row, Selection inputs) override {
    return sweep(arithmetic_rows()[row].rule, inputs);
  }
  std::uint64_t core_digest(const Rule& rule) override {
    std::vector<std::uint32_t> codes;
    for (std::uint64_t i = 0; i < all_inputs(rule); ++i) codes.push_back(expected_code(rule, inputs_at(rule, i)));
    return digest_of(codes);
  }
  std::vector<std::uint32_t> multiply(std::size_t row, Feed feed, const TileBatch& batch) override {
    const MmaRow& what = mma_rows()[row];
    auto d = predict(*model_of(chip_.capability, what), what, feed, batch);
    if (matrix_flaw) matrix_flaw(what, feed, batch, d);
    return d;
  }
  std::string kernel_name(std::size_t row) override { return "kernel_" + std::to_string(row); }

  static std::uint64_t digest_of(const std::vector<std::uint32_t>& codes) {
    std::uint64_t digest = 0;
    for (std::size_t at = 0; at < codes.size(); at += digest_block) {
      std::uint64_t lanes[digest_lanes];
      for (std::uint32_t lane = 0; lane < digest_lanes; ++lane) lanes[lane] = lane_digest(codes.data() + at, lane);
      digest = mix_blocks(digest, lanes);
    }
    return digest;
  }

 private:
  // A processor is no GPU: 2^16 of what was asked for.
  SweepOutcome sweep(const Rule& rule, Selection inputs) {
    if (inputs.count > digest_block) {
      inputs.stride *= inputs.count / digest_block;
      inputs.count = digest_block;
    }
    SweepOutcome outcome{inputs.count, 0, {}, {}, {}};
    std::vector<std::uint32_t> returned;
    for (std::uint64_t i = 0; i < outcome.inputs; ++i) {
      const std::uint64_t number = input_number(inputs, i);
      const Inputs in = inputs_at(rule, number);
      const std::uint32_t expected = expected_code(rule, in);
      const std::uint32_t code = scalar_flaw ? scalar_flaw(rule, in, expected) : expected;
      returned.push_back(one_nan(rule.target, code));
      if (is_right(rule, in, expected, code)) continue;
      ++outcome.mismatches;
      if (outcome.first.size() < 3) outcome.first.push_back({number, in, code, expected});
    }
    if (outcome.inputs == digest_block) outcome.returned_digest = digest_of(returned);
    return outcome;
  }

  Chip chip_;
};

inline Chip emulated_chip(std::string name, std::string capability, Target code) {
  return {std::move(name), std::move(capability), code, "13.0", "13.0", "13.0.88"};
}
inline Chip emulated_h100() {
  return emulated_chip("NVIDIA H100 80GB HBM3", "sm_90", {900, true});
}

}  // namespace lowp::gpu
