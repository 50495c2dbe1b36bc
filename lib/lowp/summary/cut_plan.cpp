// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/cut_plan.h"

#include <algorithm>

#include "lowp/summary/class_edges.h"
#include "lowp/summary/rounded_groups.h"

namespace lowp {
namespace {

constexpr std::uint32_t fractions = std::uint32_t{1} << 23;

Exact element_of(int binade, std::uint32_t fraction) {
  return exact_finite(false, fractions | fraction, binade - narrow_fraction_bits);
}

// Adds to `cuts` where the class changes among the fractions above `low` up to `high` of a binade. Rounding keeps the
// order of magnitudes, so equal ends mean that nothing changes between them.
void find_cuts(const Target& target, int binade, std::uint32_t low, std::uint32_t high,
               std::vector<std::uint32_t>& cuts) {
  const auto class_at = [&](std::uint32_t fraction) { return class_of(target, element_of(binade, fraction)); };
  if (class_at(low) == class_at(high)) return;
  if (high - low == 1) return cuts.push_back(high);
  const std::uint32_t middle = low + (high - low) / 2;
  find_cuts(target, binade, low, middle, cuts);
  find_cuts(target, binade, middle, high, cuts);
}

// Whether more than one in 64 of the fractions lies at or beyond a cut.
bool is_common(std::uint32_t cut) {
  return fractions - cut > fractions / 64;
}

}  // namespace

std::optional<CutPlan> CutPlan::make(const Question& question) {
  if (question.fault() || looks_at_sign(question.rounding)) return {};
  CutPlan plan;
  for (std::size_t format = 0; format < question.formats.size(); ++format) {
    const Target target = question.target(format);
    for (int binade = quantum_exponent(target.format) - 2; binade <= max_exponent(target.format) + 1; ++binade) {
      find_cuts(target, binade, 0, fractions - 1, plan.cuts_);
    }
  }
  std::ranges::sort(plan.cuts_);
  plan.cuts_.erase(std::ranges::unique(plan.cuts_).begin(), plan.cuts_.end());
  plan.common_ = static_cast<std::size_t>(std::ranges::count_if(plan.cuts_, is_common)) - 1;
  if (plan.cuts_.size() > most_cuts || plan.common_ > most_common) return {};
  return plan;
}

std::uint32_t CutPlan::first_rare() const {
  return common_ + 1 < cuts_.size() ? cuts_[common_ + 1] : fractions;
}

std::size_t CutPlan::part_of(std::uint32_t fraction) const {
  return static_cast<std::size_t>(std::ranges::count_if(cuts_, [&](std::uint32_t cut) { return cut <= fraction; }));
}

}  // namespace lowp
