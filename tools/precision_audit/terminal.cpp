// SPDX-License-Identifier: Apache-2.0
#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "lowp/base/result.h"

namespace lowp::tool {
namespace {

constexpr int usual_width = 100, widest = 1000;

int terminal_columns() {
  if (const char* columns = std::getenv("COLUMNS")) {
    if (const int value = std::atoi(columns); value >= 20) return value;
  }
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
  return usual_width;
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text(value);
    return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos || text.find("UTF8") != text.npos;
  }
  return false;
}

// no-color.org: NO_COLOR counts when it is not empty.
bool colour_is_welcome() {
  const char *refusal = std::getenv("NO_COLOR"), *kind = std::getenv("TERM");
  return (refusal == nullptr || *refusal == '\0') && (kind == nullptr || std::string_view(kind) != "dumb");
}

std::string write_all(std::FILE* file, std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size() && std::fflush(file) == 0;
  return written ? std::string{} : std::strerror(errno);
}

}  // namespace

TextStyle stdout_style() {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  TextStyle style;
  style.width = std::min(terminal_columns(), widest);
  style.colour = terminal && colour_is_welcome();
  style.unicode = !terminal || locale_is_utf8();
  return style;
}

bool stderr_is_terminal() {
  return isatty(STDERR_FILENO) == 1;
}

Progress::Progress(std::uint64_t total_bytes, bool shown)
    : total_(total_bytes), shown_(shown), start_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void Progress::add(std::uint64_t bytes) {
  const std::uint64_t done = done_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (!shown_) return;
  const auto elapsed = std::chrono::steady_clock::now() - start_;
  const std::int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
  std::int64_t due = next_draw_ms_.load(std::memory_order_relaxed);
  if (now >= due && next_draw_ms_.compare_exchange_strong(due, now + 100)) draw(done);
}

void Progress::draw(std::uint64_t done) {
  constexpr int columns = 40;
  const double share = total_ == 0 ? 1 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total_));
  const int full = static_cast<int>(share * columns);
  std::string bar(static_cast<std::size_t>(full), '#');
  bar.resize(columns, '.');
  drawn_ = true;
  std::fprintf(stderr, "\rreading [%s] %3d %%  %.1f of %.1f GB", bar.c_str(), static_cast<int>(share * 100),
               static_cast<double>(done) * 1e-9, static_cast<double>(total_) * 1e-9);
  std::fflush(stderr);
}

std::string write_stdout(std::string_view text) {
  const std::string error = write_all(stdout, text);
  return error.empty() ? error : "standard output: " + error;
}

std::string print_report(const Writer& writer, const Report& report) {
  std::string error;
  Sink sink([&error](std::string_view piece) {
    error = write_stdout(piece);
    return error.empty();
  });
  writer.stream(report, stdout_style(), sink);
  sink.flush();
  return error;
}

std::string write_file(const std::string& path, std::string_view text) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return path + ": " + std::strerror(errno);
  std::string error = write_all(file, text);
  if (std::fclose(file) != 0 && error.empty()) error = std::strerror(errno);
  return error.empty() ? error : path + ": " + error;
}

void complain(std::string_view message) {
  const std::string line = "precision-audit: " + printable(message) + "\n";
  std::fputs(line.c_str(), stderr);
}

}  // namespace lowp::tool
