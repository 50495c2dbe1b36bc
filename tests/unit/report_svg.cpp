// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <tuple>

#include "lowp/report/report.h"
#include "lowp/report/svg_canvas.h"
#include "lowp/report/svg_scale.h"
#include "lowp/report/writers.h"
#include "report_xml.h"

using namespace lowp;

namespace {

std::string drawn(const Panel& panel) {
  Report report;
  report.figures = {{"title", "subtitle", "loss scale", "share of non-zero values", {panel, panel}}};
  std::string out;
  find_writer("svg")->write(report, {}, out);
  return out;
}

Panel flushing(double from, double to) {
  Panel panel{"fp16", {}, {{"flushed to zero", {}}, {"overflowed", {}}}};
  for (int i = 0; i <= 24; ++i) {
    panel.x.push_back(i);
    panel.bands[0].share.push_back(from + (to - from) * i / 24);
    panel.bands[1].share.push_back(0);
  }
  return panel;
}

std::size_t occurrences(const std::string& text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// Numbers of every attribute that holds coordinates.
std::vector<double> coordinates(const std::string& svg) {
  std::vector<double> all;
  for (std::string_view name :
       {" x=\"", " y=\"", " x1=\"", " y1=\"", " x2=\"", " y2=\"", " points=\"", " width=\"", " height=\""}) {
    for (std::size_t at = svg.find(name); at != svg.npos; at = svg.find(name, at + 1)) {
      std::string value = svg.substr(at + name.size(), svg.find('"', at + name.size()) - at - name.size());
      std::replace(value.begin(), value.end(), ',', ' ');
      const char* rest = value.c_str();
      for (char* end = nullptr; *rest != 0; rest = end) {
        all.push_back(std::strtod(rest, &end));
        if (end == rest) return {std::nan("")};
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("a share axis ends at a round value just above the largest share") {
  CHECK(share_scale(0, 0.2).high == 1);
  CHECK(share_scale(0.2, 0.2).high == 1);
  CHECK(share_scale(0.0099, 0.2).high == doctest::Approx(0.01));
  CHECK(share_scale(0.01, 0.2).high == doctest::Approx(0.01));
  CHECK(share_scale(0.011, 0.2).high == doctest::Approx(0.02));
  CHECK(share_scale(1e-12, 0.2).high == doctest::Approx(1e-6));
  for (double largest = 1e-6; largest < 0.2; largest *= 1.07) {
    const Scale scale = share_scale(largest, 0.2);
    CHECK(scale.high >= largest * (1 - 1e-9));
    CHECK(scale.high <= largest * 2.5 * (1 + 1e-9));
    CHECK(scale.ticks.front() == 0);
    CHECK(scale.ticks.back() == doctest::Approx(scale.high));
  }
}

TEST_CASE("an exponent axis has few ticks at multiples of a power of two") {
  CHECK(exponent_scale(-8, 32, 8).ticks == std::vector<double>{-8, 0, 8, 16, 24, 32});
  CHECK(exponent_scale(3, 5, 8).ticks == std::vector<double>{3, 4, 5});
  const Scale one = exponent_scale(16, 16, 8);
  CHECK(one.low < 16);
  CHECK(one.high > 16);
  CHECK(one.ticks == std::vector<double>{16});
  CHECK(exponent_scale(-1000, 1000, 8).ticks.size() <= 8);
}

TEST_CASE("a value axis contains zero and the data") {
  for (double low : {-31.0, -1e-3, 0.0, 5.0}) {
    for (double high : {5.0, 44.0, 61.0, 150.0}) {
      const Scale scale = value_scale(low, high);
      CHECK(scale.low <= std::min(low, 0.0));
      CHECK(scale.high >= high);
      CHECK(scale.ticks.size() <= 8);
      CHECK(std::count(scale.ticks.begin(), scale.ticks.end(), 0.0) == 1);
    }
  }
  CHECK(value_scale(0, 0).high > 0);
}

TEST_CASE("a panel of small shares is magnified and says so") {
  CHECK(drawn(flushing(0.57, 0.15)).find("magnified") == std::string::npos);
  CHECK(drawn(flushing(0.004, 0.001)).find("magnified: the axis ends at 0.5 %") != std::string::npos);
  CHECK(drawn(flushing(0, 0)).find("every share is exactly 0") != std::string::npos);
}

TEST_CASE("a band too thin to see gets a strip of its own") {
  Panel panel = flushing(0.57, 0.15);
  panel.bands[1].share.back() = 1e-4;
  const std::string svg = drawn(panel);
  CHECK(svg.find("overflowed, magnified") != std::string::npos);
  CHECK(svg.find(">0.01 %<") != std::string::npos);
}

TEST_CASE("bands are told apart by pattern, and named beside them and in the legend") {
  Panel panel = flushing(0.5, 0.4);
  panel.bands[1].share.assign(25, 0.4);
  const std::string svg = drawn(panel);
  CHECK(svg.find("fill=\"url(#lowp-hatch)\"") != std::string::npos);
  CHECK(occurrences(svg, ">flushed to zero</text>") == 3);
  CHECK(occurrences(svg, ">overflowed</text>") == 3);
}

TEST_CASE("an exponent is raised, and the text after it comes down again") {
  std::string out;
  SvgCanvas{out}.text({1, 2}, 10, "from 2^-8 to 2^16.", "");
  CHECK(out ==
        "<text x=\"1\" y=\"2\" font-size=\"10\" >from 2<tspan dy=\"-3.8\" font-size=\"7.5\">−8</tspan>"
        "<tspan dy=\"3.8\"> to 2</tspan><tspan dy=\"-3.8\" font-size=\"7.5\">16</tspan>"
        "<tspan dy=\"3.8\">.</tspan></text>\n");
}

TEST_CASE("a logarithmic axis holds whole decades around the data, with few ticks") {
  CHECK(decade_scale(2e-4, 0.3, 8).ticks == std::vector<double>{-4, -3, -2, -1, 0});
  for (const auto& [low, high, ticks] : {std::tuple(1e-3, 1e-3, 2), {0.03, 0.03, 2}, {0.1, 1.0, 4}, {0.3, 2.0, 4}}) {
    const Scale scale = decade_scale(low, high, 8);
    CHECK(scale.low <= std::log10(low) + 1e-6);
    CHECK(scale.high >= std::log10(high) - 1e-6);
    CHECK(scale.high - scale.low > 0.2);
    CHECK(static_cast<int>(scale.ticks.size()) == ticks);
    CHECK(scale.ticks.back() == scale.high);
  }
  CHECK(decade_scale(5e-324, 1e300, 8).ticks.size() <= 8);
}

namespace {

Panel two_lines() {
  Panel panel{"bf16", {1, 2, 3, 4}, {}};
  panel.lines = {{"sequential", {1e-3, 1e-2, 0.1, 1}}, {"kahan", {1e-5, 0, std::nan(""), 1e-5}}};
  return panel;
}

}  // namespace

TEST_CASE("a line is named at its end and marked by a shape of its own; 0 has a row below the axis") {
  const std::string svg = drawn(two_lines());
  CHECK(occurrences(svg, ">sequential</text>") == 2);  // two panels, no legend
  CHECK(occurrences(svg, ">kahan</text>") == 2);
  CHECK(occurrences(svg, ">0</text>") == 2);
  CHECK(svg.find(">0.1 %</text>") != std::string::npos);
  CHECK(svg.find(">10<tspan dy=\"-3.8\" font-size=\"7.5\">−5</tspan></text>") != std::string::npos);
  CHECK(svg.find("kahan: 1e-05 first, 1e-05 last") != std::string::npos);
  // Circles have 16 corners and squares 4: four values and a label each, twice; kahan has one value less.
  std::size_t circles = 0, squares = 0;
  for (std::size_t at = svg.find("<polygon points=\""); at != svg.npos; at = svg.find("<polygon points=\"", at + 1)) {
    const std::string points = svg.substr(at + 17, svg.find('"', at + 17) - at - 17);
    circles += occurrences(points, " ") == 15;
    squares += occurrences(points, " ") == 3;
  }
  CHECK(circles == 10);
  CHECK(squares == 8);
}

TEST_CASE("lines with long names get the whole width; names keep apart even when the lines end together") {
  Panel panel = two_lines();
  for (int i = 0; i < 9; ++i)
    panel.lines.push_back({"b200:tcgen05.mxf8f6f4:e4m3:f32+" + std::to_string(i), {1, 1, 1, 1}});
  const std::string svg = drawn(panel);
  std::vector<double> heights;
  for (std::size_t at = svg.find(">b200"); at != svg.npos && heights.size() < 9; at = svg.find(">b200", at + 1)) {
    const std::size_t y = svg.rfind(" y=\"", at);
    heights.push_back(std::strtod(svg.c_str() + y + 4, nullptr));
  }
  REQUIRE(heights.size() == 9);
  std::sort(heights.begin(), heights.end());
  for (std::size_t i = 1; i < heights.size(); ++i) CHECK(heights[i] - heights[i - 1] >= 12);
  CHECK(svg.find("b200:tcgen05.mxf8f6f4:e4m3:f32+8</text>") != std::string::npos);
}

TEST_CASE("long texts are cut to their room") {
  for (std::size_t length : {1u, 20u, 300u}) {
    CHECK(text_width(fit_text(std::string(length, 'n'), 12, 200), 12) <= 200);
    const auto lines = fit_lines(std::string(length, 'n') + " and " + std::string(length, 'm'), 12, 200, 2);
    CHECK(lines.size() <= 2);
    for (const std::string& line : lines) CHECK(text_width(line, 12) <= 200);
  }
}

TEST_CASE("whatever the numbers, the picture is well-formed and everything lies on the page") {
  std::mt19937 random(5);
  constexpr double odd[] = {0, -1, 1, 2, 0.5, 1e-9, 1e300, -1e300, 24, 17};
  const auto any = [&] {
    const std::size_t pick = random() % 12;
    if (pick == 10) return std::numeric_limits<double>::quiet_NaN();
    return pick == 11 ? std::numeric_limits<double>::infinity() : odd[pick];
  };
  for (int round = 0; round < 3000; ++round) {
    Panel panel{"t", {}, {}};
    const bool ascending = random() % 4 > 0;
    for (std::size_t n = random() % 6; n > 0; --n) panel.x.push_back(any());
    if (ascending) {
      std::erase_if(panel.x, [](double x) { return !(std::abs(x) < 100); });
      std::sort(panel.x.begin(), panel.x.end());
    }
    for (std::size_t b = random() % 6; b > 0; --b) {
      Band band{"band " + std::to_string(b), {}};
      for (std::size_t n = random() % 7; n > 0; --n) band.share.push_back(any());
      panel.bands.push_back(band);
    }
    for (std::size_t n = random() % 7; n > 0; --n) panel.line.push_back(any());
    for (std::size_t l = random() % 3 == 0 ? random() % 15 : 0; l > 0; --l) {
      Line line{"line " + std::to_string(l), {}};
      for (std::size_t n = random() % 7; n > 0; --n) line.value.push_back(any());
      panel.lines.push_back(line);
    }
    for (std::size_t r = random() % 4 == 0 ? random() % 10 : 0; r > 0; --r) {
      HeatRow row{"row " + std::to_string(r), {}, {}};
      for (std::size_t n = random() % 7; n > 0; --n) row.share.push_back(any());
      for (std::size_t n = random() % 7; n > 0; --n) row.marked.push_back(random() % 2);
      panel.heat.push_back(row);
    }
    panel.has_window = random() % 2;
    panel.has_marker = random() % 2;
    panel.window_low = any();
    panel.window_high = any();
    panel.marker = any();
    panel.marker_label = "init_scale";
    const std::string svg = drawn(panel);
    CAPTURE(svg);
    REQUIRE(lowp_test::is_well_formed(svg));
    for (double c : coordinates(svg)) REQUIRE((c >= 0 && c <= 1000));
  }
}
