// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/writers.h"

#include "lowp/report/report.h"
#include "lowp/report/svg.h"

namespace lowp {

// Each is defined in the file of its name.
void write_text(const Report& report, const TextStyle& style, Sink& sink);
void write_json(const Report& report, const TextStyle& style, Sink& sink);
void write_csv(const Report& report, const TextStyle& style, Sink& sink);
void write_markdown(const Report& report, const TextStyle& style, Sink& sink);
void write_svg(const Report& report, const TextStyle& style, Sink& sink);

namespace {

constexpr Writer writer_rows[] = {
    {"text", ".txt", "the answer for people, wrapped to the terminal", false, false, "", write_text},
    {"json", ".json", "every record for machines; the same bytes for the same input", true, false, "", write_json},
    {"csv", ".csv", "records for spreadsheets and data frames; one table with --table", true, false, "", write_csv},
    {"markdown", ".md", "the answer for an issue, a pull request or a notebook", false, false, "", write_markdown},
    {"svg", ".svg", "the pictures: shares in bands, errors in lines, one panel per format", false, true, svg_mark,
     write_svg},
};

}  // namespace

void Writer::write(const Report& report, const TextStyle& style, std::string& out) const {
  Sink sink([&out](std::string_view piece) {
    out += piece;
    return true;
  });
  stream(report, style, sink);
  sink.flush();
}

std::span<const Writer> writers() {
  return writer_rows;
}

const Writer* find_writer(std::string_view name) {
  for (const Writer& writer : writer_rows) {
    if (writer.name == name) return &writer;
  }
  return nullptr;
}

}  // namespace lowp
