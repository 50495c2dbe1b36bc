// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/gpu_report.h"

#include "lowp/gpu/matrix_checks.h"
#include "lowp/report/cells.h"
#include "lowp/report/humanize.h"

namespace lowp::gpu {
namespace {

std::string headline(const Verification& v) {
  const std::uint64_t mismatches = v.mismatches();
  std::uint64_t cases = 0;
  for (const VerifyLine& line : v.lines) cases += line.cases;
  return mismatches == 0 ? grouped(cases) + " results of the hardware are reproduced bit for bit."
                         : grouped(mismatches) + " of " + grouped(cases) + " results of the hardware differ.";
}

Grid lines_grid(const Verification& v) {
  Grid grid{"", {"part", "instruction", "cases", "mismatches", "ms", "note"}, 2, {}};
  for (const VerifyLine& line : v.lines) {
    const auto milliseconds = static_cast<std::uint64_t>(1000 * line.seconds);
    grid.rows.push_back({{line.part, line.name, line.cases == 0 ? "-" : grouped(line.cases), grouped(line.mismatches),
                          grouped(milliseconds), line.note},
                         {}});
  }
  return grid;
}

}  // namespace

std::string chip_text(const Chip& chip) {
  return chip.name + " (" + chip.capability + "), code for " + code_text(chip.code) + ", driver " + chip.driver +
         ", CUDA runtime " + chip.runtime + ", compiled by " + chip.compiler;
}

void add_to_report(const Verification& v, Report& report) {
  report.tables.push_back({"chip",
                           {"name", "compute_capability", "code", "driver", "cuda_runtime", "compiler"},
                           {{text_cell(v.chip.name), text_cell(v.chip.capability), text_cell(code_text(v.chip.code)),
                             text_cell(v.chip.driver), text_cell(v.chip.runtime), text_cell(v.chip.compiler)}},
                           true});
  Table lines{
      "lines", {"part", "instruction", "cases", "mismatches", "seconds", "note", "first_mismatches"}, {}, false};
  for (const VerifyLine& line : v.lines) {
    CellList first;
    for (const std::string& mismatch : line.first) first.push_back(text_cell(mismatch));
    lines.rows.push_back({text_cell(line.part), text_cell(line.name), Cell{line.cases}, Cell{line.mismatches},
                          Cell{line.seconds}, text_cell(line.note), Cell{std::move(first)}});
  }
  report.tables.push_back(std::move(lines));
  Table open{"open_points", {"answer"}, {}, false};
  for (const std::string& answer : v.says) open.rows.push_back({text_cell(answer)});
  report.tables.push_back(std::move(open));

  report.story.push_back(Paragraph{headline(v)});
  report.story.push_back(Paragraph{chip_text(v.chip)});
  report.story.push_back(lines_grid(v));
  for (const VerifyLine& line : v.lines) {
    if (line.first.empty()) continue;
    report.story.push_back(Heading{line.part + " " + line.name});
    for (const std::string& mismatch : line.first) report.story.push_back(Paragraph{mismatch, 2, 2});
  }
  if (!v.says.empty()) report.story.push_back(Heading{"Open points"});
  for (const std::string& answer : v.says) report.story.push_back(Paragraph{answer, 2, 2});
}

}  // namespace lowp::gpu
