// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <span>
#include <string>

#include "conversion_check.h"
#include "format_text.h"
#include "lowp/core/formats.h"
#include "lowp/report/humanize.h"

namespace lowp::tool {

using namespace verify;
namespace {

std::string digest_text(const Checked& c) {
  static constexpr std::string_view mark[] = {"", " !", " new"};
  return fmt::format("{:016x}{}", c.result.digest, mark[static_cast<std::size_t>(c.recorded)]);
}

// Consecutive cases of one source and target. From 16-bit sources they make one line, from FP32 one line each.
std::vector<std::span<const Checked>> lines_of(const std::vector<Checked>& all) {
  std::vector<std::span<const Checked>> lines;
  for (std::size_t first = 0; first < all.size();) {
    std::size_t last = first + 1;
    const SweepCase& what = all[first].what;
    while (what.source != "fp32" && last < all.size() && all[last].what.source == what.source &&
           all[last].what.target == what.target) {
      ++last;
    }
    lines.emplace_back(all.data() + first, last - first);
    first = last;
  }
  return lines;
}

GridRow grid_row(std::span<const Checked> cases) {
  const Checked& c = cases.front();
  std::uint64_t inputs = 0, mismatches = 0, recorded = 0;
  double seconds = 0;
  for (const Checked& one : cases) {
    inputs += one.result.inputs;
    mismatches += one.result.mismatches;
    recorded += one.recorded == Recorded::same;
    seconds += one.seconds;
  }
  const bool single = cases.size() == 1;
  return {{std::string(c.what.target->name),
           single ? std::string(rounding_name(c.what.rounding)) : fmt::format("{} rules", cases.size()),
           single ? std::string(overflow_name(c.what.overflow)) : "", grouped(inputs),
           c.judged ? grouped(mismatches) : "no oracle",
           single ? digest_text(c) : fmt::format("{} of {} as recorded", recorded, cases.size()),
           fmt::format("{:.1f}", seconds)},
          {}};
}

std::string mismatch_text(const SweepCase& what, const Mismatch& m) {
  const Format source = find_format(what.source).format;
  const Format target = what.target->format;
  return fmt::format("{} gives {}, must give {}", code_text(source, m.input), code_text(target, m.ours),
                     code_text(target, m.expected));
}

std::string verdict(const std::vector<Checked>& all) {
  std::uint64_t inputs = 0, mismatches = 0, differs = 0, unchecked = 0, judged = 0, recorded = 0;
  for (const Checked& c : all) {
    inputs += c.result.inputs;
    mismatches += c.result.mismatches;
    differs += c.recorded == Recorded::differs;
    recorded += c.recorded == Recorded::same;
    judged += c.judged;
    unchecked += !c.judged && c.recorded == Recorded::none;
  }
  std::string text =
      fmt::format("{} inputs in {}: {} against the oracle ({} judged), {} of {} digests as recorded.", grouped(inputs),
                  counted(all.size(), "case", "cases"), counted(mismatches, "mismatch", "mismatches"), grouped(judged),
                  grouped(recorded), grouped(all.size()));
  if (differs != 0)
    text += fmt::format(" {} from the recorded ones (!).", counted(differs, "digest differs", "digests differ"));
  if (unchecked != 0)
    text += fmt::format(" {} compared with anything.", counted(unchecked, "case was not", "cases were not"));
  return text;
}

}  // namespace

Report report_of(const std::vector<Checked>& all) {
  Report report;
  report.story.push_back(Paragraph{verdict(all)});
  for (const std::span<const Checked> cases : lines_of(all)) {
    const std::string title = fmt::format("All codes of {}", cases.front().what.source);
    const Grid* last = std::get_if<Grid>(&report.story.back());
    if (last == nullptr || last->title != title)
      report.story.push_back(Grid{title, {"to", "rounding", "overflow", "inputs", "wrong", "digest", "s"}, 3, {}});
    std::get<Grid>(report.story.back()).rows.push_back(grid_row(cases));
  }
  const auto text = [](std::string_view word) { return Cell{std::string(word)}; };
  Table table{"conversions",
              {"source", "target", "rounding", "overflow", "inputs", "mismatches", "first_mismatches", "digest",
               "recorded", "seconds"},
              {}};
  for (const Checked& c : all) {
    CellList first;
    for (const Mismatch& m : c.result.first) first.push_back(text(mismatch_text(c.what, m)));
    for (const Mismatch& m : c.result.first) {
      report.story.push_back(Paragraph{
          fmt::format("{} to {}, {}, {}: {}", c.what.source, c.what.target->name, rounding_name(c.what.rounding),
                      overflow_name(c.what.overflow), mismatch_text(c.what, m)),
          2, 2});
    }
    table.rows.push_back({text(c.what.source),
                          text(c.what.target->name),
                          text(rounding_name(c.what.rounding)),
                          text(overflow_name(c.what.overflow)),
                          {c.result.inputs},
                          c.judged ? Cell{c.result.mismatches} : Cell{Null{"no oracle"}},
                          {std::move(first)},
                          text(fmt::format("{:016x}", c.result.digest)),
                          text(c.recorded == Recorded::none   ? "no"
                               : c.recorded == Recorded::same ? "same"
                                                              : "differs"),
                          {c.seconds}});
  }
  report.tables = {std::move(table)};
  return report;
}

}  // namespace lowp::tool
