// SPDX-License-Identifier: Apache-2.0
// Who is examined and by whom: every row of core's tables beside the oracle's own account of the same name.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/core/rounding.h"
#include "lowp/verify/oracle.h"

namespace lowp::proof {

struct Subject {
  std::string name;
  Format format;
  const oracle::OracleFormat* description;  // null where the oracle has none, which is a failure of the test
};

struct ModeUnderTest {
  Rounding mode;
  oracle::Mode judge;
  bool known;  // false where the oracle has no such mode, which is a failure of the test
  std::string_view name;
};

// Every row of format_table, and names that are parsed.
std::vector<Subject> subjects();
// Those of at most `width` bits that the oracle knows.
std::vector<Subject> subjects_up_to(int width);
// Every row of rounding_names that needs no random bits.
std::vector<ModeUnderTest> modes();
oracle::Saturation saturation_of(Overflow rule);

// What encode gave against what it must give, kept for the first case that is wrong.
struct Tally {
  std::uint64_t checked = 0;
  std::uint64_t wrong = 0;
  std::string first;

  void count(std::uint64_t got, std::uint64_t wanted, std::uint64_t source, std::string_view what) {
    ++checked;
    if (got != wanted && wrong++ == 0) first = describe(got, wanted, source, what);
  }
  static std::string describe(std::uint64_t got, std::uint64_t wanted, std::uint64_t source, std::string_view what);
};

// The same number: kinds, signs and values agree exactly.
bool same_number(const Exact& x, const oracle::CodeValue& v);

// work(0), ..., work(count - 1), each once, on two threads.
template <class Work>
void on_two_threads(std::size_t count, Work work) {
  std::atomic<std::size_t> next{0};
  const auto loop = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  std::thread helper(loop);
  loop();
  helper.join();
}

}  // namespace lowp::proof
