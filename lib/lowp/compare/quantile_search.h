// SPDX-License-Identifier: Apache-2.0
// Exact order statistics of any number of keys in bounded memory: where the keys are too many to be held, they are
// given again, and each time 16 more bits of every quantile are known.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lowp::compare {

inline constexpr std::array<int, 3> percents{50, 90, 99};

// The least key that at least 50, 90 and 99 % of the keys do not exceed (numpy: method="inverted_cdf"), and the
// largest. All 0 where there are no keys.
struct Quantiles {
  std::uint64_t count = 0;
  std::array<std::uint64_t, percents.size()> at{};  // in the order of `percents`
  std::uint64_t most = 0;

  friend bool operator==(const Quantiles&, const Quantiles&) = default;
};

// From 0 on, of the element in ascending order that is the quantile of `count` > 0 of them: ceil(percent count / 100) - 1.
std::uint64_t rank_of(int percent, std::uint64_t count);

class QuantileSearch {
 public:
  explicit QuantileSearch(std::size_t most_held) : most_held_(most_held) {}

  void add(std::uint64_t key);  // nothing once no pass is needed
  // After the last key: true if every key must be added once more, in any order. At most four times.
  bool needs_another_pass();
  // Once no pass is needed.
  const Quantiles& result() const { return result_; }

 private:
  static constexpr int digit_bits = 16;
  enum class Pass { hold, count, collect, done };
  // One quantile: the leading bits that are known of it, and its rank among the keys that begin so.
  struct Target {
    std::uint64_t prefix = 0, rank = 0;
    std::vector<std::uint64_t> bins = {};  // those keys by their next 16 bits
    std::vector<std::uint64_t> keys = {};  // those keys themselves

    bool holds(std::uint64_t key, int known_bits) const { return known_bits == 0 || key >> (64 - known_bits) == prefix; }
  };

  void begin_counting();
  bool finish();
  void count(std::uint64_t key);
  std::uint64_t narrow(Target& target);  // keys that are left

  std::size_t most_held_;
  std::vector<std::uint64_t> held_;
  Pass pass_ = Pass::hold;
  int known_bits_ = 0;
  std::array<Target, percents.size()> targets_;
  Quantiles result_;
};

}  // namespace lowp::compare
