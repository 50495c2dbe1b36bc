// SPDX-License-Identifier: Apache-2.0
#include "lowp/compare/quantile_search.h"

#include <algorithm>

namespace lowp::compare {
namespace {

std::uint64_t key_at(std::vector<std::uint64_t>& keys, std::uint64_t rank) {
  const auto place = keys.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(keys.begin(), place, keys.end());
  return *place;
}

}  // namespace

// count is far below 2^57 (dtype.h, max_elements), so the product fits.
std::uint64_t rank_of(int percent, std::uint64_t count) {
  return (static_cast<std::uint64_t>(percent) * count + 99) / 100 - 1;
}

void QuantileSearch::add(std::uint64_t key) {
  if (pass_ == Pass::hold || (pass_ == Pass::count && known_bits_ == 0)) {
    ++result_.count;
    result_.most = std::max(result_.most, key);
  }
  switch (pass_) {
    case Pass::hold:
      held_.push_back(key);
      if (held_.size() > most_held_) begin_counting();
      break;
    case Pass::count: count(key); break;
    case Pass::collect:
      for (Target& target : targets_) {
        if (target.holds(key, known_bits_)) target.keys.push_back(key);
      }
      break;
    case Pass::done: break;
  }
}

void QuantileSearch::begin_counting() {
  pass_ = Pass::count;
  for (Target& target : targets_) target.bins.assign(std::size_t{1} << digit_bits, 0);
  for (const std::uint64_t key : held_) count(key);
  held_ = {};
}

void QuantileSearch::count(std::uint64_t key) {
  const std::uint64_t digit = key << known_bits_ >> (64 - digit_bits);
  for (Target& target : targets_) {
    if (target.holds(key, known_bits_)) ++target.bins[digit];
  }
}

std::uint64_t QuantileSearch::narrow(Target& target) {
  std::size_t digit = 0;
  while (target.bins[digit] <= target.rank) target.rank -= target.bins[digit++];
  target.prefix = target.prefix << digit_bits | digit;
  return target.bins[digit];
}

bool QuantileSearch::finish() {
  for (std::size_t i = 0; i < percents.size() && result_.count != 0; ++i) {
    Target& target = targets_[i];
    switch (pass_) {
      case Pass::hold: result_.at[i] = key_at(held_, target.rank); break;
      case Pass::collect: result_.at[i] = key_at(target.keys, target.rank); break;
      case Pass::count: result_.at[i] = target.prefix; break;  // all 64 bits
      case Pass::done: break;
    }
    target = {};
  }
  held_ = {};
  pass_ = Pass::done;
  return false;
}

bool QuantileSearch::needs_another_pass() {
  if (known_bits_ == 0 && result_.count != 0) {
    for (std::size_t i = 0; i < percents.size(); ++i) targets_[i].rank = rank_of(percents[i], result_.count);
  }
  if (pass_ != Pass::count) return finish();
  std::uint64_t left = 0;
  for (Target& target : targets_) left += narrow(target);
  known_bits_ += digit_bits;
  if (known_bits_ == 64) return finish();
  if (left <= most_held_) pass_ = Pass::collect;
  for (Target& target : targets_) target.bins.assign(pass_ == Pass::count ? std::size_t{1} << digit_bits : 0, 0);
  return true;
}

}  // namespace lowp::compare
