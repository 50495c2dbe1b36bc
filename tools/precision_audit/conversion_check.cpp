// SPDX-License-Identifier: Apache-2.0
#include "conversion_check.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>

#include "lowp/verify/verify_judge.h"
#include "terminal.h"

namespace lowp::tool {

using namespace verify;

bool failed(const Checked& c) {
  return c.result.mismatches != 0 || c.recorded == Recorded::differs || (!c.judged && c.recorded == Recorded::none);
}

namespace {

// One line on stderr that says how far the work is, redrawn at most ten times a second.
class Line {
 public:
  explicit Line(std::uint64_t total) : total_(total) {}
  ~Line() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  void begin(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }
  void add(std::uint64_t inputs) {
    const std::lock_guard lock(mutex_);
    done_ += inputs;
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now < due_) return;
    due_ = now + std::chrono::milliseconds(100);
    drawn_ = true;
    const double share = static_cast<double>(done_) / static_cast<double>(total_);
    std::fputs(fmt::format("\r\x1b[Kchecking {} ({:.1f} % of all)", text_, 100 * share).c_str(), stderr);
  }

 private:
  std::mutex mutex_;
  std::string text_;
  const std::uint64_t total_;
  std::uint64_t done_ = 0;
  const bool shown_ = stderr_is_terminal();
  bool drawn_ = false;
  std::chrono::steady_clock::time_point due_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
};

}  // namespace

std::vector<Checked> check_all(const std::vector<SweepCase>& cases, const DigestTable& digests, unsigned threads) {
  std::uint64_t total = 0;
  for (const SweepCase& what : cases) total += source_inputs(what.source);
  Line line(total);
  VerifyJudge judge;
  std::vector<Checked> all;
  for (const SweepCase& what : cases) {
    line.begin(fmt::format("{} to {}, {}", what.source, what.target->name, rounding_name(what.rounding)));
    const std::vector<Run> expected = judge.runs(what);
    const auto start = std::chrono::steady_clock::now();
    Checked c{what, sweep(what, expected, threads, [&](std::uint64_t inputs) { line.add(inputs); })};
    c.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    c.judged = !expected.empty();
    if (const auto digest = digests.find(what)) {
      c.recorded = *digest == c.result.digest ? Recorded::same : Recorded::differs;
    }
    all.push_back(std::move(c));
  }
  return all;
}

}  // namespace lowp::tool
