// SPDX-License-Identifier: Apache-2.0
// Manners at the terminal: widths, colour, a progress bar, and writes that are checked.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "lowp/report/report.h"
#include "lowp/report/writers.h"

namespace lowp::tool {

// Style for stdout: as wide as the terminal, 100 columns where there is none; colour only on a terminal
// and never under NO_COLOR or TERM=dumb; plain ASCII where the locale is not UTF-8 and stdout is a terminal.
TextStyle stdout_style();

bool stderr_is_terminal();

// A bar on stderr, drawn at most ten times a second and only after the first second. add() may be called by any thread.
class Progress {
 public:
  Progress(std::uint64_t total_bytes, bool shown);
  ~Progress();  // wipes the bar
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void add(std::uint64_t bytes);

 private:
  void draw(std::uint64_t done);

  const std::uint64_t total_;
  const bool shown_;
  const std::chrono::steady_clock::time_point start_;
  std::atomic<std::uint64_t> done_{0};
  std::atomic<std::int64_t> next_draw_ms_{1000};
  std::atomic<bool> drawn_{false};
};

// Writes all of `text` or returns why not.
std::string write_stdout(std::string_view text);
std::string print_report(const Writer& writer, const Report& report);  // in pieces, to stdout
std::string write_file(const std::string& path, std::string_view text);

// "precision-audit: MESSAGE" on stderr, control characters made visible.
void complain(std::string_view message);

}  // namespace lowp::tool
