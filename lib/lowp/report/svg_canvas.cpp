// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/svg_canvas.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "lowp/report/escape.h"
#include "lowp/report/humanize.h"
#include "lowp/report/lines.h"

namespace lowp {
namespace {

std::string px(double value) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

std::string points_text(const std::vector<Point>& points) {
  std::string text;
  for (Point point : points) text += (text.empty() ? "" : " ") + px(point.x) + "," + px(point.y);
  return text;
}

std::size_t columns_in(double width, double size, bool bold) {
  return static_cast<std::size_t>(std::max(1.0, width / text_width("n", size, bold)));
}

// Length of the exponent ("-16") that begins at `begin`; 0 if there is none.
std::size_t exponent_length(std::string_view text, std::size_t begin) {
  const std::size_t digits = begin + (begin < text.size() && text[begin] == '-' ? 1 : 0);
  const std::size_t end = std::min(text.find_first_not_of("0123456789", digits), text.size());
  return end > digits ? end - begin : 0;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// dy moves all that follows, so the rest of the line is moved back. Firefox knows no baseline-shift.
std::string with_raised_exponents(std::string_view text, double size) {
  std::string out;
  bool raised = false;
  const std::string rise = px(size * 0.38);
  while (!text.empty()) {
    const std::size_t sign = text.find('^');
    const bool power = sign != text.npos && sign > 0 && is_digit(text[sign - 1]);
    const std::size_t plain = power ? sign : sign == text.npos ? text.size() : sign + 1;
    const std::size_t length = power ? exponent_length(text, sign + 1) : 0;
    const std::string escaped = xml_text(text.substr(0, plain));
    out += raised ? fmt::format("<tspan dy=\"{}\">{}</tspan>", rise, escaped) : escaped;
    text.remove_prefix(plain);
    raised = length > 0;
    if (!raised) continue;
    std::string exponent(text.substr(1, length));
    if (exponent[0] == '-') exponent.replace(0, 1, "\u2212");
    out += fmt::format("<tspan dy=\"-{}\" font-size=\"{}\">{}</tspan>", rise, px(size * 0.75), exponent);
    text.remove_prefix(length + 1);
  }
  return out;
}

}  // namespace

bool overlap(const Box& a, const Box& b) {
  return a.left < b.right() && b.left < a.right() && a.top < b.bottom() && b.top < a.bottom();
}

double text_width(std::string_view text, double size, bool bold) {
  return static_cast<double>(display_columns(text)) * size * (bold ? 0.68 : 0.6);
}

std::string fit_text(std::string_view text, double size, double width, bool bold) {
  return middle_cut(visible(text), columns_in(width, size, bold));
}

std::vector<std::string> fit_lines(std::string_view text, double size, double width, std::size_t max_lines, bool bold) {
  const std::size_t columns = columns_in(width, size, bold);
  std::vector<std::string> lines = wrapped(visible(text), 0, 0, columns);
  for (std::size_t i = max_lines; i < lines.size(); ++i) lines[max_lines - 1] += " " + lines[i];
  lines.resize(std::min(lines.size(), max_lines));
  for (std::string& line : lines) line = middle_cut(line, columns);
  return lines;
}

void SvgCanvas::rect(const Box& box, std::string_view attributes) {
  fmt::format_to(std::back_inserter(out), "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {}/>\n", px(box.left),
                 px(box.top), px(box.width), px(box.height), attributes);
}

void SvgCanvas::line(Point from, Point to, std::string_view attributes) {
  fmt::format_to(std::back_inserter(out), "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>\n", px(from.x),
                 px(from.y), px(to.x), px(to.y), attributes);
}

void SvgCanvas::polygon(const std::vector<Point>& points, std::string_view attributes) {
  fmt::format_to(std::back_inserter(out), "<polygon points=\"{}\" {}/>\n", points_text(points), attributes);
}

void SvgCanvas::polyline(const std::vector<Point>& points, std::string_view attributes) {
  fmt::format_to(std::back_inserter(out), "<polyline points=\"{}\" fill=\"none\" {}/>\n", points_text(points),
                 attributes);
}

void SvgCanvas::text(Point at, double size, std::string_view text, std::string_view attributes) {
  fmt::format_to(std::back_inserter(out), "<text x=\"{}\" y=\"{}\" font-size=\"{}\" {}>{}</text>\n", px(at.x), px(at.y),
                 px(size), attributes, with_raised_exponents(text, size));
}

}  // namespace lowp
