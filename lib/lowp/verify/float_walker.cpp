// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/float_walker.h"

#include <algorithm>
#include <utility>

namespace lowp::oracle {
namespace {

// First source magnitude at or above `x`, and first one above it; at most one past the largest.
struct Cut {
  std::uint64_t at_or_above;
  std::uint64_t above;
};
Cut cut_at(const Grid& source, const Dyadic& x) {
  const Place place = locate(source, x);
  if (place.relation == Relation::beyond_all) return {source.largest() + 1, source.largest() + 1};
  if (place.relation == Relation::exact) return {place.fields, place.fields + 1};
  return {place.fields + 1, place.fields + 1};
}

class SegmentList {
 public:
  explicit SegmentList(std::uint64_t last) : last_(last) {}
  // Adds [from, to) unless it is empty or outside 1 .. last.
  void add(std::uint64_t from, std::uint64_t to, Place place) {
    from = std::max<std::uint64_t>(from, 1);
    if (from < std::min(to, last_ + 1)) list_.push_back({from, place});
  }
  std::vector<Segment> close() {
    list_.push_back({last_ + 1, {}});
    return std::move(list_);
  }

 private:
  std::uint64_t last_;
  std::vector<Segment> list_;
};

}  // namespace

std::vector<Segment> segments(const Grid& source, const Grid& target) {
  const std::uint64_t last = source.largest();
  SegmentList list(last);
  Cut lower = cut_at(source, target.value(0));
  list.add(0, lower.at_or_above, {0, Relation::below_all});
  for (std::uint64_t fields = 0; fields <= target.largest(); ++fields) {
    const Dyadic upper_value = target.value(fields + 1);
    const Dyadic middle = times_power_of_two(sum(target.value(fields), upper_value), -1);
    const Cut half = cut_at(source, middle);
    const Cut upper = cut_at(source, upper_value);
    list.add(lower.at_or_above, lower.above, {fields, Relation::exact});
    list.add(lower.above, half.at_or_above, {fields, Relation::nearer_lower});
    list.add(half.at_or_above, half.above, {fields, Relation::midway});
    list.add(half.above, upper.at_or_above, {fields, Relation::nearer_upper});
    lower = upper;
  }
  list.add(lower.at_or_above, last + 1, {target.largest() + 1, Relation::beyond_all});
  return list.close();
}

}  // namespace lowp::oracle
