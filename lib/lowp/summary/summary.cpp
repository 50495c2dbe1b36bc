// SPDX-License-Identifier: Apache-2.0
#include "lowp/summary/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "lowp/summary/evidence_columns.h"

namespace lowp {
namespace {

auto place_of(const TensorSummary& entry) {
  return std::tuple(std::string_view(entry.name), entry.part);
}

bool is_part(const TensorSummary& entry) {
  return entry.part.kind != Part::Kind::whole;
}

Error conflict(const TensorSummary& entry, const char* what) {
  return {"", std::nullopt,
          fmt::format("the same {} of '{}' ({}) in both summaries", what, entry.name, entry.part.text()),
          "two different ones"};
}

// Two entries of one identity become one. Evidence of one kind must be equal; a whole that remembers its parts tells
// more than one that does not.
Result<TensorSummary> joined(const TensorSummary& a, const TensorSummary& b) {
  if (a.dtype != b.dtype || a.shape != b.shape) return conflict(a, "dtype and shape");
  const Level level = std::min(level_of(a.evidence), level_of(b.evidence));
  const auto left = lowered(a.evidence, level), right = lowered(b.evidence, level);
  if (!left || !right || *left != *right) return conflict(a, "content");
  if (!a.digests.empty() && !b.digests.empty() && a.digests != b.digests) return conflict(a, "parts");
  TensorSummary sharper = level_of(a.evidence) >= level_of(b.evidence) ? a : b;
  sharper.digests = a.digests.empty() ? b.digests : a.digests;
  return sharper;
}

// Entries [begin, end) are all the parts there are of one tensor: their sum.
Result<TensorSummary> summed(std::span<const TensorSummary> parts) {
  TensorSummary whole = parts.front();
  whole.part = {};
  whole.digests = {digest_of(parts.front())};
  for (const TensorSummary& part : parts.subspan(1)) {
    if (part.dtype != whole.dtype || part.shape != whole.shape) return conflict(part, "dtype and shape");
    auto sum = merged(whole.evidence, part.evidence);
    if (!sum) return sum.error();
    whole.evidence = *std::move(sum);
    whole.digests.push_back(digest_of(part));
  }
  return whole;
}

// A part of a whole that was added up from it: nothing new if the whole remembers it.
std::optional<Error> not_in(const TensorSummary& whole, const TensorSummary& part) {
  const std::size_t index = part.part.kind == Part::Kind::part ? part.part.index - 1 : part.part.index;
  const bool remembered = whole.digests.size() == part.part.count && index < whole.digests.size() &&
                          whole.digests[index] == digest_of(part);
  if (remembered) return {};
  return conflict(part, whole.digests.empty() ? "elements as a whole and as a part" : "part");
}

// Entries of one tensor, sorted by part, each once.
Result<Done> settle(std::vector<TensorSummary> entries, std::vector<TensorSummary>& to) {
  if (!is_part(entries.front())) {
    for (const TensorSummary& entry : std::span(entries).subspan(1)) {
      if (auto error = not_in(entries.front(), entry)) return *std::move(error);
    }
    to.push_back(std::move(entries.front()));
    return Done{};
  }
  for (const TensorSummary& entry : entries) {
    if (entry.part.kind != entries.front().part.kind || entry.part.count != entries.front().part.count)
      return conflict(entry, "number of parts");
  }
  if (entries.size() == entries.front().part.count) {
    auto whole = summed(entries);
    if (!whole) return whole.error();
    to.push_back(*std::move(whole));
  } else {
    to.insert(to.end(), std::make_move_iterator(entries.begin()), std::make_move_iterator(entries.end()));
  }
  return Done{};
}

}  // namespace

bool counts_elements(const StepSummary& step) {
  const auto counts = [](const TensorSummary& tensor) { return counts_elements(tensor.evidence); };
  return step.tensors.empty() || std::ranges::any_of(step.tensors, counts);
}

std::string Part::text() const {
  switch (kind) {
    case Kind::whole: return "whole";
    case Kind::part: return fmt::format("part {} of {}", index, count);
    case Kind::rank: return fmt::format("rank {} of {}", index, count);
  }
  return {};
}

Result<StepSummary> canonical(StepSummary step) {
  std::ranges::stable_sort(step.tensors, {}, place_of);
  std::ranges::sort(step.sources);
  step.sources.erase(std::ranges::unique(step.sources).begin(), step.sources.end());
  step.total.reset();
  std::vector<TensorSummary> once;
  for (TensorSummary& entry : step.tensors) {
    if (once.empty() || place_of(once.back()) != place_of(entry)) {
      once.push_back(std::move(entry));
      continue;
    }
    auto both = joined(once.back(), entry);
    if (!both) return both.error();
    once.back() = *std::move(both);
  }
  step.tensors.clear();
  for (std::size_t begin = 0; begin < once.size();) {
    std::size_t end = begin + 1;
    while (end < once.size() && once[end].name == once[begin].name) ++end;
    std::vector<TensorSummary> same(std::make_move_iterator(once.begin() + static_cast<std::ptrdiff_t>(begin)),
                                    std::make_move_iterator(once.begin() + static_cast<std::ptrdiff_t>(end)));
    if (auto done = settle(std::move(same), step.tensors); !done) return done.error();
    begin = end;
  }
  return step;
}

Result<StepSummary> merged(const StepSummary& a, const StepSummary& b) {
  if (a.step != b.step || (!a.step && a.dump != b.dump))
    return Error{b.path, std::nullopt, "the same step as " + a.path, "another"};
  if (a.dump_scale_log2 != b.dump_scale_log2) {
    return Error{b.path, std::nullopt, fmt::format("the dump's loss scale 2^{} as in {}", a.dump_scale_log2, a.path),
                 fmt::format("2^{}", b.dump_scale_log2)};
  }
  if (a.loss_dtype && b.loss_dtype && a.loss_dtype != b.loss_dtype)
    return Error{b.path, std::nullopt, "a loss of " + *a.loss_dtype + " as in " + a.path, *b.loss_dtype};
  StepSummary sum = a;
  sum.path = std::min(a.path, b.path);
  sum.dump = std::min(a.dump, b.dump);
  if (!sum.loss_dtype) sum.loss_dtype = b.loss_dtype;
  sum.tensors.insert(sum.tensors.end(), b.tensors.begin(), b.tensors.end());
  sum.sources.insert(sum.sources.end(), b.sources.begin(), b.sources.end());
  sum.notes.insert(sum.notes.end(), b.notes.begin(), b.notes.end());
  return canonical(std::move(sum));
}

}  // namespace lowp
