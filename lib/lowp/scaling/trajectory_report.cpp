// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/trajectory_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "lowp/report/cells.h"
#include "lowp/report/humanize.h"

namespace lowp::scaling {
namespace {

struct Totals {
  std::uint64_t files = 0, cases = 0, steps = 0, mismatches = 0, unknown = 0, informational = 0;
};

bool is_informational(const CheckedFile& file) {
  return file.row != nullptr && file.row->informational;
}

Totals totals_of(const std::vector<CheckedFile>& files) {
  Totals totals;
  for (const CheckedFile& file : files) {
    if (file.row == nullptr) {
      ++totals.unknown;
    } else if (is_informational(file)) {
      ++totals.informational;
    } else {
      ++totals.files;
      totals.cases += file.cases;
      totals.steps += file.steps;
      totals.mismatches += file.mismatches;
    }
  }
  return totals;
}

std::string file_name(const CheckedFile& file) {
  return std::filesystem::path(file.path).filename().string();
}

std::string verdict(const Totals& t) {
  const std::string what = fmt::format("{} in {} of {}", counted(t.steps, "recorded step", "recorded steps"),
                                       counted(t.cases, "case", "cases"), counted(t.files, "scaler", "scalers"));
  std::string text =
      t.files == 0 ? "No file of a known scaler was judged."
      : t.mismatches == 0
          ? fmt::format("{}: scale, skips, counters, final state and exceptions are the recorded ones.", what)
          : fmt::format("{}: {}.", what, counted(t.mismatches, "mismatch", "mismatches"));
  if (t.unknown != 0)
    text +=
        fmt::format(" {} of {}.", counted(t.unknown, "file is", "files are"),
                    t.unknown == 1 ? "a scaler that is no row of the table" : "scalers that are no rows of the table");
  return text;
}

Grid grid_of(const std::vector<CheckedFile>& files, std::string title, bool informational) {
  Grid grid{std::move(title), {"file", "scaler", "cases", "steps", "mismatches"}, 2, {}};
  for (const CheckedFile& file : files) {
    if (is_informational(file) != informational) continue;
    grid.rows.push_back(
        {{file_name(file), file.row != nullptr ? std::string(file.row->name) : "unknown", grouped(file.cases),
          grouped(file.steps), file.row != nullptr ? grouped(file.mismatches) : "not compared"},
         {}});
  }
  return grid;
}

// The mismatches of the judged files, or of the informational ones.
void add_mismatches(std::vector<Block>& story, const std::vector<CheckedFile>& files, bool informational) {
  for (const CheckedFile& file : files) {
    if (is_informational(file) != informational || file.first.empty()) continue;
    const std::size_t most = informational ? 2 : file.first.size();
    story.push_back(Paragraph{fmt::format("{}: {} in {} of {} cases", file_name(file),
                                          counted(file.mismatches, "mismatch", "mismatches"), grouped(file.wrong_cases),
                                          grouped(file.cases))});
    for (std::size_t i = 0; i < std::min(most, file.first.size()); ++i) story.push_back(Paragraph{file.first[i], 2, 2});
  }
}

void add_informational(std::vector<Block>& story, const std::vector<CheckedFile>& files) {
  story.push_back(grid_of(files, "Informational: compared, never an error", true));
  for (const CheckedFile& file : files) {
    if (is_informational(file) && !file.row->caution.empty())
      story.push_back(Paragraph{fmt::format("{}: {}", file.row->name, file.row->caution), 2, 2});
  }
  add_mismatches(story, files, true);
}

Table files_table(const std::vector<CheckedFile>& files) {
  Table table{
      "files",
      {"path", "scaler", "row", "known", "informational", "cases", "wrong_cases", "steps", "mismatches", "provenance"},
      {},
      false};
  for (const CheckedFile& file : files) {
    const bool known = file.row != nullptr;
    table.rows.push_back({text_cell(file.path), text_cell(file.scaler),
                          known ? text_cell(file.row->name) : Cell{Null{"no row of the table"}}, Cell{known},
                          Cell{is_informational(file)}, Cell{file.cases},
                          known ? Cell{file.wrong_cases} : Cell{Null{"not compared"}}, Cell{file.steps},
                          known ? Cell{file.mismatches} : Cell{Null{"not compared"}}, text_cell(file.provenance)});
  }
  return table;
}

Table mismatches_table(const std::vector<CheckedFile>& files) {
  Table table{"first_mismatches", {"path", "what"}, {}, false};
  for (const CheckedFile& file : files) {
    for (const std::string& line : file.first) table.rows.push_back({text_cell(file.path), text_cell(line)});
  }
  return table;
}

}  // namespace

Report trajectory_report(const std::vector<CheckedFile>& files, const std::vector<std::string>& others) {
  const Totals t = totals_of(files);
  Report report;
  report.tables = {
      {"totals",
       {"files", "cases", "steps", "mismatches", "unknown", "informational"},
       {{Cell{t.files}, Cell{t.cases}, Cell{t.steps}, Cell{t.mismatches}, Cell{t.unknown}, Cell{t.informational}}},
       true},
      files_table(files),
      mismatches_table(files)};
  report.story.push_back(Paragraph{verdict(t)});
  if (t.files + t.unknown != 0) report.story.push_back(grid_of(files, "", false));
  add_mismatches(report.story, files, false);
  if (t.informational != 0) add_informational(report.story, files);
  report.story.push_back(Heading{"Not covered"});
  report.story.push_back(
      Paragraph{"Words of the messages of exceptions after their fixed beginning; flags combined over "
                "ranks; kernels of a GPU, where no recording has them.",
                2, 2});
  for (const std::string& path : others) {
    report.story.push_back(Paragraph{fmt::format("{}: JSON of another format, not read", path), 2, 2});
  }
  return report;
}

bool has_finding(const std::vector<CheckedFile>& files) {
  const Totals t = totals_of(files);
  return t.mismatches != 0 || t.unknown != 0;
}

}  // namespace lowp::scaling
