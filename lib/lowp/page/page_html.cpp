// SPDX-License-Identifier: Apache-2.0
#include "lowp/page/page_html.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "lowp/base/contract.h"
#include "lowp/report/escape.h"

namespace lowp {
namespace {

struct HtmlBlock {
  std::string& out;

  void operator()(const Heading& heading) const { out += "<h2>" + xml_text(heading.text) + "</h2>\n"; }
  void operator()(const Paragraph& paragraph) const {
    out += paragraph.indent > 0 ? "<p class=in>" : "<p>";
    out += xml_text(paragraph.text) + "</p>\n";
  }
  void operator()(const Grid& grid) const {
    out += "<div class=wide tabindex=0 role=region aria-label=\"" +
           xml_text(grid.title.empty() ? "table" : grid.title) + "\"><table>";
    if (!grid.title.empty()) out += "<caption>" + xml_text(grid.title) + "</caption>";
    out += "<thead><tr>";
    cells(grid, grid.header, "th scope=col", "th");
    out += "</tr></thead><tbody>";
    for (const GridRow& row : grid.rows) {
      out += "<tr>";
      cells(grid, row.cells, "td", "td");
      out += "</tr>";
    }
    out += "</tbody></table></div>\n";
  }
  // A column without a heading is a plain cell: an empty heading says nothing to a reader of the screen.
  void cells(const Grid& grid, const std::vector<std::string>& texts, std::string_view open,
             std::string_view close) const {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const bool plain = texts[i].empty();
      out += "<" + std::string(plain ? "td" : open) + (static_cast<int>(i) < grid.left_columns ? " class=l>" : ">");
      out += xml_text(texts[i]) + "</" + std::string(plain ? "td" : close) + ">";
    }
  }
};

}  // namespace

std::string story_html(const std::vector<Block>& story) {
  std::string out;
  for (const Block& block : story) std::visit(HtmlBlock{out}, block);
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t word = 0;
    const std::size_t size = std::min<std::size_t>(3, bytes.size() - at);
    for (std::size_t i = 0; i < 3; ++i)
      word = word << 8 | (i < size ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) out.push_back(i <= size ? digits[word >> (18 - 6 * i) & 63] : '=');
  }
  return out;
}

std::string bytes_of_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    out.push_back(static_cast<char>(digit(hex[at]) * 16 + digit(hex[at + 1])));
  return out;
}

std::string deflated(std::string_view bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string out(size, '\0');
  const int code = compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                             static_cast<uLong>(bytes.size()), Z_BEST_COMPRESSION);
  contract(code == Z_OK, "room for what zlib writes");
  out.resize(size);
  return out;
}

}  // namespace lowp
