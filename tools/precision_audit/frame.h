// SPDX-License-Identifier: Apache-2.0
// What every command shares, so that a command is its question and its story. The frame reads the words, opens the
// dump, shows progress, asks for doubts, says who made the report from what, writes it, and gives the exit code.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/report/report.h"
#include "lowp/report/writers.h"
#include "lowp/tensor/step_series.h"
#include "options.h"

namespace lowp::tool {

// "name, name, ..." of a table's rows, or each.
template <class Rows>
std::vector<std::string> names_in(const Rows& rows) {
  std::vector<std::string> names;
  for (const auto& row : rows) names.emplace_back(row.name);
  return names;
}

enum ExitCode : int {
  exit_fine = 0,
  exit_finding = 1,  // a --fail-on condition holds, or a verification found a mismatch
  exit_usage = 2,
  exit_input = 3,  // a file could not be read or written
};

// What a command lets the frame do for it. Each brings its options with it.
struct Uses {
  bool dump = false;     // PATH..., --select, how to read files; `Job::series` is open when the task runs
  bool pair = false;     // of dumps, A and B in place of PATH...: `Job::series` and `Job::other`
  bool may_lack_dump = false;  // PATH may be left out: the series is then empty
  bool peaks = false;    // largest magnitudes alone are an answer too; else inputs that hold nothing else are left out
  bool pipes = false;    // PATH may be "-"
  bool threads = false;  // --threads
  bool figures = false;  // --plot, --output svg
  bool page = false;     // --report
};

// What the frame has made ready. It stays until the report is written, and so does the task: rows made late may refer
// to both.
struct Job {
  StepSeries series;
  StepSeries other;  // B of a pair
  int threads = 0;  // 0: one per processor
  std::size_t chunk_bytes = 1 << 20;
  bool wants_records = true;                          // whether the writer prints tables
  bool wants_figures = true;                          // whether a picture is drawn
  bool wants_page = false;                            // whether `Answer::page` is written
  std::function<void(std::uint64_t bytes)> progress;  // bytes just read; any thread may call it
};

struct Answer {
  Report report;                       // the frame fills in its tool, and its sources where there are none
  bool is_finding = false;             // exit 1
  std::vector<std::string> said = {};  // lines for stderr
  std::string page = {};               // for --report; empty: the story and the pictures
};

// One run of a command: made with the options it declares, checked when their values are there, then run once.
class Task {
 public:
  virtual ~Task() = default;
  // What is wrong with the values together; before any file is opened (exit 2).
  virtual std::optional<Error> check() { return {}; }
  // Where --report is given: why these values have no page. Before any file is opened too.
  virtual std::optional<Error> why_no_page() { return {}; }
  virtual bool needs_dump() const { return true; }  // asked where Uses::may_lack_dump holds
  virtual Result<Answer> run(Job& job) = 0;         // an Error is exit 3
};

template <class T>
std::unique_ptr<Task> make_task(Options& options) {
  return std::make_unique<T>(options);
}

// A row of the table of commands. `below`: commands one level down, as in `verify gpu`.
struct Command {
  std::string_view name;
  std::string_view what;  // one line
  Uses uses = {};
  std::unique_ptr<Task> (*make)(Options& options) = nullptr;
  std::span<const Command> below = {};
  bool first_is_default = false;  // the first of `below` may be left out
  // Turns an old spelling into today's, or says what is wrong with it.
  std::optional<Error> (*modernise)(std::vector<std::string>& words) = nullptr;
};

// `path` is how the command was called: "precision-audit verify gpu".
int run_command(const Command& command, const std::string& path, std::vector<std::string> words);

// A command's task and every option, the frame's among them: to parse, and for help, manual and completions.
struct StandardOptions;
struct Declared {
  std::unique_ptr<Options> options;
  std::unique_ptr<Task> task;
  std::shared_ptr<StandardOptions> standard;
};
Declared declared_by(const Command& command);

// Says what is wrong with the words, and where help is.
int refuse(std::string_view path, const Error& error);

}  // namespace lowp::tool
