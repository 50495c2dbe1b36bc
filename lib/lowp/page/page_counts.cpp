// SPDX-License-Identifier: Apache-2.0
#include "lowp/page/page_counts.h"

#include <algorithm>
#include <tuple>

#include "lowp/base/contract.h"
#include "lowp/core/format.h"

namespace lowp {
namespace {

constexpr int most_fraction_bits = 10;
constexpr int nowhere = -100000;  // a binade below all others

Threshold in_binade_zero(Threshold edge) {
  return {lowest_terms(scaled(edge.at, -exponent_of(edge.at))), edge.inclusive};
}

bool is_start(Threshold in_zero) {
  return in_zero.at.significand == 1 && !in_zero.inclusive;
}

bool rises(const Threshold& a, const Threshold& b) {
  if (magnitude_less(a.at, b.at) || magnitude_less(b.at, a.at)) return magnitude_less(a.at, b.at);
  return !a.inclusive && b.inclusive;
}

std::uint64_t zigzag(int value) {
  return value < 0 ? 2 * static_cast<std::uint64_t>(-(value + 1)) + 1 : 2 * static_cast<std::uint64_t>(value);
}

// The place of every edge is one that the evidence tells apart; counts per binade nearly always do, and are cheap to
// ask.
std::uint64_t count_below(const std::optional<Evidence>& counts, const Evidence& evidence, Threshold edge, Signs signs) {
  Interval below_edge = below(counts ? *counts : evidence, edge, signs);
  if (!below_edge.exact() && counts) below_edge = below(evidence, edge, signs);
  contract(below_edge.exact(), "evidence that tells a page's cuts apart");
  return below_edge.most;
}

}  // namespace

void append_base128(std::string& out, std::uint64_t value) {
  for (; value >= 128; value >>= 7) out.push_back(static_cast<char>(128 | (value & 127)));
  out.push_back(static_cast<char>(value));
}

std::optional<Error> why_no_page(const Question& question) {
  for (const NamedTarget& asked : question.formats) {
    if (fraction_bits(asked.format) > most_fraction_bits)
      return Error{"--report", std::nullopt, "formats with at most ten fraction bits", asked.name};
  }
  return {};
}

PageCounts::PageCounts(const Question& question)
    : sides_(looks_at_sign(question.rounding) ? std::vector{Signs::negative, Signs::positive}
                                              : std::vector{Signs::both}) {
  for (std::size_t format = 0; format < question.formats.size(); ++format) {
    for (const Signs side : sides_) {
      const ClassEdges edges = edges_of(question.target(format), side == Signs::negative);
      for (const Threshold edge : {edges.flushed, edges.subnormal, edges.finite}) {
        if (edge.at.kind != Kind::zero && !is_start(in_binade_zero(edge))) cuts_.push_back(in_binade_zero(edge));
      }
    }
  }
  std::ranges::sort(cuts_, rises);
  cuts_.erase(std::ranges::unique(cuts_).begin(), cuts_.end());
}

PageEdge PageCounts::place_of(Threshold edge) const {
  if (edge.at.kind == Kind::zero) return {nowhere, 0};
  const Threshold in_zero = in_binade_zero(edge);
  if (is_start(in_zero)) return {exponent_of(edge.at), 0};
  const auto found = std::ranges::find(cuts_, in_zero);
  contract(found != cuts_.end(), "an edge of the question");
  return {exponent_of(edge.at), static_cast<std::size_t>(found - cuts_.begin()) + 1};
}

void PageCounts::add(TensorRef ref, const Evidence& evidence) {
  if (!counts_elements(evidence)) return;
  const Census census = census_of(evidence);
  std::string record;
  for (const std::uint64_t count : {census.elements, census.zero_in, census.nan_in, census.inf_in})
    append_base128(record, count);
  for (const Signs side : sides_) add_side(record, evidence, side);
  const std::scoped_lock lock(adding_);
  if (records_.size() <= ref.step) records_.resize(ref.step + 1);
  if (records_[ref.step].size() <= ref.tensor) records_[ref.step].resize(ref.tensor + 1);
  records_[ref.step][ref.tensor] = std::move(record);
}

void PageCounts::add_side(std::string& out, const Evidence& evidence, Signs signs) const {
  const Census census = census_of(evidence);
  const bool any = census.max_abs.kind == Kind::finite;
  const int low = any ? exponent_of(census.min_nonzero_abs) : 0, high = any ? exponent_of(census.max_abs) : -1;
  append_base128(out, zigzag(low));
  append_base128(out, static_cast<std::uint64_t>(high - low + 1));
  const std::optional<Evidence> counts = lowered(evidence, Level::counts);
  const auto count = [&](Threshold edge) { return count_below(counts, evidence, edge, signs); };
  std::vector<std::uint64_t> starts;  // elements below each binade, and below the last one's end
  for (int binade = low; binade <= high + 1; ++binade) starts.push_back(count({exact_finite(false, 1, binade), false}));
  std::vector<std::uint64_t> before(starts.begin(), starts.end() - 1);
  for (std::size_t cut = 0; cut <= cuts_.size(); ++cut) {
    for (int binade = low; binade <= high; ++binade) {
      const auto row = static_cast<std::size_t>(binade - low);
      const std::uint64_t up_to =
          cut < cuts_.size() ? count({scaled(cuts_[cut].at, binade), cuts_[cut].inclusive}) : starts[row + 1];
      append_base128(out, up_to - before[row]);
      before[row] = up_to;
    }
  }
}

}  // namespace lowp
