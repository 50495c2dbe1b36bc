// SPDX-License-Identifier: Apache-2.0
// The few SVG elements a figure needs. Text is untrusted and escaped here; attributes are ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lowp {

struct Point {
  double x = 0, y = 0;
};
struct Box {
  double left = 0, top = 0, width = 0, height = 0;
  double right() const { return left + width; }
  double bottom() const { return top + height; }
};
bool overlap(const Box& a, const Box& b);

// Width in px that `text` needs at most in common sans-serif fonts; nothing here can measure the reader's font.
double text_width(std::string_view text, double size, bool bold = false);
// Cut in the middle to fit `width`.
std::string fit_text(std::string_view text, double size, double width, bool bold = false);
// At most `max_lines` lines that fit `width`; what is left over is cut.
std::vector<std::string> fit_lines(std::string_view text, double size, double width, std::size_t max_lines,
                                   bool bold = false);

// Appends elements to `out`, which must be inside xml:space="preserve"; coordinates in px, one decimal. `attributes`
// are literal SVG ("fill=\"#fff\"").
struct SvgCanvas {
  std::string& out;
  void rect(const Box& box, std::string_view attributes);
  void line(Point from, Point to, std::string_view attributes);
  void polygon(const std::vector<Point>& points, std::string_view attributes);
  void polyline(const std::vector<Point>& points, std::string_view attributes);
  // (x, y) is the baseline; exponents as in "2^16" are raised.
  void text(Point at, double size, std::string_view text, std::string_view attributes);
};

}  // namespace lowp
