// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/html.h"

#include <fmt/format.h>

#include <algorithm>

#include "lowp/report/escape.h"
#include "lowp/report/humanize.h"
#include "lowp/report/lines.h"
#include "lowp/report/report_assets.h"
#include "lowp/report/writers.h"

namespace lowp {
namespace {

constexpr std::size_t spark_columns = 24;

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
    if (std::ranges::any_of(grid.rows, [](const GridRow& row) { return !row.spark.empty(); })) out += "<td></td>";
    out += "</tr></thead><tbody>";
    for (const GridRow& row : grid.rows) {
      out += "<tr>";
      cells(grid, row.cells, "td", "td");
      if (!row.spark.empty()) out += "<td class=l>" + xml_text(spark_text(row.spark, spark_columns, true)) + "</td>";
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

std::string bytes_of_hex(std::string_view hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    out.push_back(static_cast<char>(digit(hex[at]) * 16 + digit(hex[at + 1])));
  return out;
}

std::string sources_html(const std::vector<Source>& sources) {
  if (sources.empty()) return "";
  std::string out = "<h2>Files</h2>\n<ul>";
  for (const Source& source : sources) {
    out += "<li>" + xml_text(source.path);
    if (source.tensors != 0) out += ": " + counted(source.tensors, "tensor", "tensors");
    for (const std::string& note : source.notes) out += "; " + xml_text(note);
    out += "</li>\n";
  }
  return out + "</ul>\n";
}

}  // namespace

std::string page_head(std::string_view title, std::string_view style, std::string_view style_sha256,
                      std::string_view script_sha256) {
  const auto allowed = [](std::string_view what, std::string_view sha256) {
    return sha256.empty() ? "" : fmt::format("{}-src 'sha256-{}'; ", what, base64(bytes_of_hex(sha256)));
  };
  return fmt::format(
      "{}<html lang=en><head><meta charset=utf-8><meta http-equiv=Content-Security-Policy content=\"default-src "
      "'none'; "
      "{}{}base-uri 'none'; form-action 'none'\"><meta name=viewport content=\"width=device-width, initial-scale=1\">"
      "<meta name=color-scheme content=\"light dark\"><title>{}: precision audit</title>\n<style>{}</style></head>\n",
      page_mark, allowed("script", script_sha256), allowed("style", style_sha256), xml_text(title), style);
}

std::string story_html(const std::vector<Block>& story) {
  std::string out;
  for (const Block& block : story) std::visit(HtmlBlock{out}, block);
  return out;
}

std::string report_page(const Report& report, std::string_view heading) {
  std::string title(heading);
  if (!report.sources.empty()) {
    title = report.sources.front().path;
    if (report.sources.size() > 1) title += fmt::format(" and {} more", report.sources.size() - 1);
  }
  std::string out = page_head(title, report_style, report_style_sha256, "");
  out += "<body><header><h1>" + xml_text(heading) + "</h1><p>" + xml_text(title) + "</p></header>\n<main>\n";
  // The pictures stand where the answer ends and its sections begin.
  const auto is_heading = [](const Block& block) { return std::holds_alternative<Heading>(block); };
  const auto sections = std::ranges::find_if(report.story, is_heading);
  out += story_html({report.story.begin(), sections});
  if (!report.figures.empty()) {
    std::string picture;
    find_writer("svg")->write(report, {}, picture);
    out += "<figure>" + picture + "</figure>\n";
  }
  out += story_html({sections, report.story.end()});
  out += sources_html(report.sources);
  out += fmt::format("<p>Made by {} {}.</p>\n</main></body></html>\n", xml_text(report.tool.name),
                     xml_text(report.tool.version));
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t word = 0;
    const std::size_t size = std::min<std::size_t>(3, bytes.size() - at);
    for (std::size_t i = 0; i < 3; ++i) word = word << 8 | (i < size ? static_cast<unsigned char>(bytes[at + i]) : 0u);
    for (std::size_t i = 0; i < 4; ++i) out.push_back(i <= size ? digits[word >> (18 - 6 * i) & 63] : '=');
  }
  return out;
}

}  // namespace lowp
