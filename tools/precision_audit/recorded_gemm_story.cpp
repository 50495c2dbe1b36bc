// SPDX-License-Identifier: Apache-2.0
#include "recorded_gemm_story.h"

#include <fmt/format.h>

#include <filesystem>
#include <string>

#include "lowp/report/cells.h"
#include "lowp/report/humanize.h"

namespace lowp::tool {
namespace {

std::string hex(const RecordedGemm& one, std::uint64_t code) {
  return fmt::format("0x{:0{}X}", code, (one.epilogue.output.width + 3) / 4);
}

// "case 12 (16 x 16, K 256, e4m3 x e5m2, 3 parts, slow, stored in bf16)"
std::string case_text(const RecordedGemms& file, std::size_t number) {
  const RecordedGemm& one = file.cases[number];
  return fmt::format("case {} ({} x {}, K {}, {} x {}, {}, {}, stored in {})", number, one.m, one.n, one.k,
                     format_name(one.format_a), format_name(one.format_b), counted(one.split.parts, "part", "parts"),
                     one.path.promotion == 0 ? "fast" : "slow", format_name(one.epilogue.output));
}

std::string instruction_text(const RecordedGemms& file) {
  if (file.cases.empty()) return "-";
  const TensorCore& row = *file.cases.front().row;
  return fmt::format("{} {} {}", row.architecture, row.path, row.accumulator);
}

std::vector<Block> story_of(const std::vector<ReplayedGemms>& all, std::size_t outputs, std::size_t mismatches) {
  const std::string verb = outputs == 1 ? "is" : "are";
  const std::string what = counted(outputs, "recorded output", "recorded outputs");
  const std::string where = counted(all.size(), "file", "files");
  std::vector<Block> blocks{Paragraph{mismatches == 0
                                          ? fmt::format("{} in {} {} reproduced bit for bit.", what, where, verb)
                                          : fmt::format("{} of {} in {} {} from the emulation.", grouped(mismatches),
                                                        what, where, mismatches == 1 ? "differs" : "differ")}};
  Grid grid{"", {"file", "GPU", "instruction", "products", "outputs", "mismatches"}, 3, {}};
  for (const ReplayedGemms& one : all) {
    grid.rows.push_back(
        {{std::filesystem::path(one.file.path).stem().string(), one.file.gpu, instruction_text(one.file),
          grouped(one.file.cases.size()), grouped(one.result.outputs), grouped(one.result.mismatches)},
         {}});
  }
  blocks.push_back(std::move(grid));
  for (const ReplayedGemms& one : all) {
    for (const GemmMismatch& m : one.result.first) {
      blocks.push_back(Paragraph{
          fmt::format("{}, {}, output {}: recorded {}, emulated {}", one.file.path, case_text(one.file, m.number),
                      m.output, hex(one.file.cases[m.number], m.recorded), hex(one.file.cases[m.number], m.emulated)),
          2, 2});
    }
  }
  blocks.push_back(Heading{"Not covered"});
  blocks.push_back(
      Paragraph{"Which split, and how parts are added, is taken from the recording, not predicted.", 2, 2});
  return blocks;
}

Table files_table(const std::vector<ReplayedGemms>& all) {
  Table table{
      "files", {"path", "gpu", "compute_capability", "library", "products", "outputs", "mismatches"}, {}, false};
  for (const ReplayedGemms& one : all) {
    table.rows.push_back({text_cell(one.file.path), text_cell(one.file.gpu), text_cell(one.file.capability),
                          text_cell(one.file.library), Cell{std::uint64_t{one.file.cases.size()}},
                          Cell{std::uint64_t{one.result.outputs}}, Cell{std::uint64_t{one.result.mismatches}}});
  }
  return table;
}

Table mismatches_table(const std::vector<ReplayedGemms>& all) {
  Table table{"first_mismatches", {"path", "case", "output", "recorded", "emulated"}, {}, false};
  for (const ReplayedGemms& one : all) {
    for (const GemmMismatch& m : one.result.first) {
      const RecordedGemm& which = one.file.cases[m.number];
      table.rows.push_back({text_cell(one.file.path), Cell{std::uint64_t{m.number}}, Cell{std::uint64_t{m.output}},
                            text_cell(hex(which, m.recorded)), text_cell(hex(which, m.emulated))});
    }
  }
  return table;
}

}  // namespace

Report report_of(const std::vector<ReplayedGemms>& all, std::size_t outputs, std::size_t mismatches) {
  Report report;
  report.tables = {files_table(all), mismatches_table(all)};
  report.story = story_of(all, outputs, mismatches);
  return report;
}

}  // namespace lowp::tool
