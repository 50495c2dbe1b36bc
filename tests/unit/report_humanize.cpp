// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>

#include "lowp/report/humanize.h"

using namespace lowp;

namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

// The fewest digits with which printf gives a text that reads back to the same double.
int fewest_digits(double value) {
  for (int digits = 1; digits < 17; ++digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*e", digits - 1, value);
    if (std::strtod(text, nullptr) == value) return digits;
  }
  return 17;
}

int significant_digits(std::string_view text) {
  std::string digits;
  for (char c : text.substr(0, text.find('e'))) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  digits.erase(0, digits.find_first_not_of('0'));
  digits.erase(digits.find_last_not_of('0') + 1);
  return static_cast<int>(digits.size());
}

}  // namespace

TEST_CASE("counts are grouped by thousands") {
  CHECK(grouped(0) == "0");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1000) == "1,000");
  CHECK(grouped(2085707) == "2,085,707");
  CHECK(grouped(most) == "18,446,744,073,709,551,615");
  CHECK(counted(0, "tensor", "tensors") == "0 tensors");
  CHECK(counted(1, "tensor", "tensors") == "1 tensor");
  CHECK(counted(1031, "tensor", "tensors") == "1,031 tensors");
}

TEST_CASE("a share is a count while it is small, and exactly none is 0") {
  CHECK(share_text(0, 0) == "-");
  CHECK(share_text(0, 10) == "0");
  CHECK(share_text(0, most) == "0");
  CHECK(share_text(1, 1) == "100 %");
  CHECK(share_text(1, 100) == "1.0 %");
  CHECK(share_text(1, 101) == "1");
  CHECK(share_text(999, 1000000) == "999");
  CHECK(share_text(1000, 1000000) == "0.10 %");
  CHECK(share_text(572, 1000) == "57.2 %");
  CHECK(share_text(1000, most) == "<0.01 %");
}

TEST_CASE("a percentage never rounds to nothing or to all") {
  CHECK(percent_text(0, 0) == "-");
  CHECK(percent_text(0, 7) == "0");
  CHECK(percent_text(7, 7) == "100 %");
  CHECK(percent_text(11, 1000) == "1.1 %");
  CHECK(percent_text(99, 10000) == "0.99 %");
  CHECK(percent_text(9996, 1000000) == "1.0 %");
  CHECK(percent_text(9994, 10000) == "99.9 %");
  CHECK(percent_text(9999, 10000) == "99.9 %");
  CHECK(percent_text(most - 1, most) == "99.9 %");
  CHECK(percent_text(1, most) == "<0.01 %");
  CHECK(percent_text(99, 1000000) == "<0.01 %");
  CHECK(percent_text(100, 1000000) == "0.010 %");
  CHECK(percent_text(200, 100) == "200.0 %");
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t whole = 2 + (random() >> (random() % 62));
    const std::uint64_t part = 1 + random() % (whole - 1);
    const double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
    REQUIRE((percent_text(part, whole) == "<0.01 %") == (percent < 0.01));
    if (percent < 0.01) continue;
    const double shown = std::strtod(percent_text(part, whole).c_str(), nullptr);
    REQUIRE(shown > 0);
    REQUIRE(shown < 100);
    REQUIRE(std::abs(shown - percent) <= std::max(0.0501 * std::min(percent, 1.0), percent > 99.9 ? 0.1 : 0.0501));
  }
}

TEST_CASE("magnitudes and powers") {
  CHECK(magnitude_text(0) == "0");
  CHECK(magnitude_text(0.0131) == "1.3e-02");
  CHECK(magnitude_text(-65504) == "-6.6e+04");
  CHECK(magnitude_text(5e-324) == "4.9e-324");
  CHECK(power_text(16) == "2^16");
  CHECK(power_text(-8) == "2^-8");
}

TEST_CASE("the shortest decimal reads back bit for bit and has no digit too many") {
  CHECK(shortest(0.0) == "0");
  CHECK(shortest(-0.0) == "-0.0");
  CHECK(shortest(3.0) == "3");
  CHECK(shortest(0.1) == "0.1");
  CHECK(shortest(5e-324) == "5e-324");
  CHECK(shortest(std::nan("")) == "nan");
  CHECK(shortest(-std::numeric_limits<double>::infinity()) == "-inf");
  std::mt19937_64 random(2);
  for (int i = 0; i < 50000; ++i) {
    const double value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    const std::string text = shortest(value);
    REQUIRE(std::bit_cast<std::uint64_t>(std::strtod(text.c_str(), nullptr)) == std::bit_cast<std::uint64_t>(value));
    REQUIRE(significant_digits(text) <= fewest_digits(value));
  }
}

TEST_CASE("names are cut in the middle, on whole characters") {
  CHECK(middle_cut("grad/head.weight", 16) == "grad/head.weight");
  CHECK(middle_cut("grad/head.weight", 15) == "grad/he….weight");
  CHECK(middle_cut("grad/head.weight", 8) == "grad…ght");
  CHECK(middle_cut("abcdef", 1) == "…");
  CHECK(middle_cut("abcdef", 0).empty());
  CHECK(middle_cut("", 5).empty());
  CHECK(middle_cut("ééééé", 3) == "é…é");
  CHECK(middle_cut("重重重重重", 5) == "重…重");
  CHECK(middle_cut("重重重重重", 4) == "重…");
}
