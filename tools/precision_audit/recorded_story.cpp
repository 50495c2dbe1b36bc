// SPDX-License-Identifier: Apache-2.0
#include "recorded_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "lowp/report/cells.h"
#include "lowp/report/humanize.h"

namespace lowp::tool {
namespace {

std::string instruction_text(const RecordedVectors& v) {
  const std::string input = v.input == v.input_b ? v.input : v.input + " x " + v.input_b;
  return fmt::format("{} {} {} -> {}", v.row->architecture, v.instruction_path, input, v.accumulator);
}

std::string parameters_text(const TensorCore& row) {
  return fmt::format("L={} F={}{}", row.products, row.fraction_bits,
                     row.zero_exponent == inert ? "" : fmt::format(" e0={}", row.zero_exponent));
}

char grade_letter(const TensorCore& row) {
  return grade_text(row.grade).front();
}

std::string hex(const RecordedVectors& v, std::uint64_t code) {
  return fmt::format("0x{:0{}X}", code, accumulator_format(*v.row).width / 4);
}

// "step 1: largest exponent -3, terms 0x1A00 -0x23 ..., sum 0x19DD -> 0x3F800000"
std::string step_text(const RecordedVectors& v, std::size_t number, const StepTrace& step) {
  std::string terms;
  for (const std::int64_t term : step.terms) {
    if (term != 0) terms += fmt::format(" {}0x{:X}", term < 0 ? "-" : "", static_cast<std::uint64_t>(std::abs(term)));
  }
  if (step.terms.empty()) return fmt::format("step {}: {}", number, hex(v, step.result));
  return fmt::format("step {}: unit 2^{}, terms{}, sum {}0x{:X} gives {}", number,
                     step.largest_exponent - v.row->fraction_bits, terms, step.sum < 0 ? "-" : "",
                     static_cast<std::uint64_t>(std::abs(step.sum)), hex(v, step.result));
}

Grid files_grid(const std::vector<ReplayedVectors>& all) {
  Grid grid{"", {"instruction", "file", "parameters", "grade", "rows", "mismatches"}, 2, {}};
  for (const ReplayedVectors& one : all) {
    grid.rows.push_back({{instruction_text(one.vectors), std::filesystem::path(one.vectors.path).stem().string(),
                          parameters_text(*one.vectors.row), std::string(1, grade_letter(*one.vectors.row)),
                          grouped(one.result.rows), grouped(one.result.mismatches)},
                         {}});
  }
  return grid;
}

// Each note of the rows in use once, after the instructions it is about.
std::vector<std::string> notes_of(const std::vector<ReplayedVectors>& all) {
  std::vector<std::pair<std::string_view, std::string>> by_note;
  for (const ReplayedVectors& one : all) {
    const std::string_view note = one.vectors.row->note;
    if (note.empty()) continue;
    auto found = std::ranges::find(by_note, note, [](const auto& pair) { return pair.first; });
    if (found == by_note.end()) found = by_note.insert(by_note.end(), {note, ""});
    const std::string instruction = instruction_text(one.vectors);
    if (found->second.find(instruction) == std::string::npos) {
      found->second += (found->second.empty() ? "" : ", ") + instruction;
    }
  }
  std::vector<std::string> lines;
  for (const auto& [note, instructions] : by_note) lines.push_back(fmt::format("{}: {}", instructions, note));
  return lines;
}

std::vector<Block> story_of(const std::vector<ReplayedVectors>& all, std::size_t rows, std::size_t mismatches) {
  std::vector<Block> blocks{Paragraph{mismatches == 0
                                          ? fmt::format("{} recorded dot products in {} are reproduced bit for bit.",
                                                        grouped(rows), counted(all.size(), "file", "files"))
                                          : fmt::format("{} of {} recorded dot products differ from the emulation.",
                                                        grouped(mismatches), grouped(rows))}};
  blocks.push_back(files_grid(all));
  for (const ReplayedVectors& one : all) {
    if (one.result.mismatches == 0) continue;
    blocks.push_back(Heading{one.vectors.path});
    for (std::size_t i = 0; i < one.result.first.size(); ++i) {
      const RecordedMismatch& mismatch = one.result.first[i];
      blocks.push_back(Paragraph{fmt::format("row {}: recorded {}, emulated {}", mismatch.row,
                                             hex(one.vectors, mismatch.recorded), hex(one.vectors, mismatch.emulated)),
                                 2, 2});
      for (std::size_t s = 0; s < one.traces[i].steps.size(); ++s) {
        blocks.push_back(Paragraph{step_text(one.vectors, s + 1, one.traces[i].steps[s]), 4, 2});
      }
    }
  }
  blocks.push_back(Heading{"Not covered"});
  const auto open = [](const ReplayedVectors& one) { return has_open_zero_signs(*one.vectors.row); };
  if (std::ranges::any_of(all, open)) blocks.push_back(Paragraph{std::string(open_zero_signs), 2, 2});
  for (const std::string& note : notes_of(all)) blocks.push_back(Paragraph{note, 2, 2});
  return blocks;
}

Table files_table(const std::vector<ReplayedVectors>& all) {
  Table table{"files",
              {"path", "architecture", "instruction_path", "input", "input_b", "accumulator", "grade", "source", "note",
               "rows", "mismatches"},
              {},
              false};
  for (const ReplayedVectors& one : all) {
    const TensorCore& row = *one.vectors.row;
    table.rows.push_back({text_cell(one.vectors.path), text_cell(row.architecture), text_cell(row.path),
                          text_cell(one.vectors.input), text_cell(one.vectors.input_b), text_cell(row.accumulator),
                          text_cell(std::string(1, grade_letter(row))), text_cell(row.source), text_cell(row.note),
                          Cell{std::uint64_t{one.result.rows}}, Cell{std::uint64_t{one.result.mismatches}}});
  }
  return table;
}

Table mismatches_table(const std::vector<ReplayedVectors>& all) {
  Table table{"first_mismatches", {"path", "row", "recorded", "emulated", "steps"}, {}, false};
  for (const ReplayedVectors& one : all) {
    for (std::size_t i = 0; i < one.result.first.size(); ++i) {
      const RecordedMismatch& mismatch = one.result.first[i];
      CellList steps;
      for (std::size_t s = 0; s < one.traces[i].steps.size(); ++s) {
        steps.push_back(text_cell(step_text(one.vectors, s + 1, one.traces[i].steps[s])));
      }
      table.rows.push_back({text_cell(one.vectors.path), Cell{std::uint64_t{mismatch.row}},
                            text_cell(hex(one.vectors, mismatch.recorded)),
                            text_cell(hex(one.vectors, mismatch.emulated)), Cell{std::move(steps)}});
    }
  }
  return table;
}

}  // namespace

Report report_of(const std::vector<ReplayedVectors>& all, std::size_t rows, std::size_t mismatches) {
  Report report;
  report.tables = {files_table(all), mismatches_table(all)};
  report.story = story_of(all, rows, mismatches);
  return report;
}

}  // namespace lowp::tool
