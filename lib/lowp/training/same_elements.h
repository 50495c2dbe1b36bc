// SPDX-License-Identifier: Apache-2.0
// The same elements of several tensors of one shape, a chunk at a time; and AdamW in FP64, which they are judged by.
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "lowp/training/adamw.h"
#include "lowp/training/values.h"

namespace lowp::training {

class SameElements {
 public:
  static Result<SameElements> open(const std::vector<std::pair<const Input*, const TensorView*>>& views) {
    SameElements all;
    for (const auto& [input, view] : views) {
      auto reader = ValueReader::open(*input, *view);
      if (!reader) return reader.error();
      all.readers_.push_back(std::move(*reader));
    }
    return all;
  }

  // visit(values of each tensor, index of the first element)
  template <class Visit>
  Result<Done> each_chunk(Visit visit) {
    const std::uint64_t all = readers_.front().left();
    std::vector<std::vector<double>> values(readers_.size());
    while (readers_.front().left() != 0) {
      const std::uint64_t first = all - readers_.front().left();
      for (std::size_t i = 0; i < readers_.size(); ++i) {
        values[i].clear();
        if (auto done = readers_[i].read(chunk_elements, values[i]); !done) return done.error();
      }
      visit(values, first);
    }
    return Done{};
  }

 private:
  static constexpr std::uint64_t chunk_elements = 1 << 14;
  std::vector<ValueReader> readers_;
};

// AdamW with bias correction in FP64, without the learning rate.
struct ExactAdam {
  double first_correction, second_correction, epsilon;
  ExactAdam(const AdamSettings& s, double step)
      : first_correction(1 - std::pow(s.beta1, step)),
        second_correction(1 - std::pow(s.beta2, step)),
        epsilon(s.epsilon) {}
  double direction(double first, double second) const {
    return first / first_correction / (std::sqrt(second / second_correction) + epsilon);
  }
};

}  // namespace lowp::training
