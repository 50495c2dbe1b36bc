// SPDX-License-Identifier: Apache-2.0
// One small report through every row of the writer table, against golden/report.<extension>. After a wanted change run
// with LOWP_WRITE_GOLDEN=1 and read the difference.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include "lowp/report/report.h"
#include "lowp/report/writers.h"

using namespace lowp;

namespace {

Cell text(const char* value) {
  return Cell{std::string(value)};
}
Cell count(std::uint64_t value) {
  return Cell{value};
}
Cell number(double value) {
  return Cell{value};
}

Report small_report() {
  Report report;
  report.tables.push_back({"source",
                           {"file", "steps", "complete", "offset", "formats"},
                           {{text("unet, \"small\".safetensors"), count(2), Cell{true}, Cell{std::int64_t{-7}},
                             Cell{CellList{text("fp16"), text("bf16"), Cell{CellList{number(0.5)}}}}}},
                           true});
  report.tables.push_back({"outcomes",
                           {"tensor", "counts.flushed", "counts.by_sign.minus", "counts.normal", "snr_db"},
                           {{text("grad/a"), count(18446744073709551615u), count(1), count(3), number(0.1)},
                            {text("=grad/b"), count(0), count(0), count(0), Cell{Null{"no values"}}},
                            {text("# c"), count(0), count(0), Cell{Null{}}, number(-2.5e-300)}}});
  report.tables.push_back({"findings", {"what"}, {{Cell{Null{}}}}});
  report.tables.push_back({"nothing", {"a", "b"}, {}});
  report.story = {Paragraph{"unet.safetensors: step 200, 31 tensors"},
                  Paragraph{"largest 1.3e-02 in grad/head.weight"},
                  Grid{"Share of non-zero values by log2(loss scale)",
                       {"", "", "0", "8", "16"},
                       2,
                       {{{"fp16", "flushed", "57.2 %", "21.2 %", "0.10 %"}, {0.572, 0.212, 0.001}},
                        {{"", "overflow", "0", "0", "22"}, {0, 0, 1e-5}}}},
                  Heading{"Recommendation"},
                  Paragraph{"fp16  start at init_scale = 65536 (2^16)", 2, 6},
                  Paragraph{"bf16  needs no scaling here", 2, 6},
                  Paragraph{"Not covered: one step only"}};
  Panel fp16{"fp16", {0, 8, 16, 24}, {{"flushed to zero", {0.5, 0.3, 0.1, 0.1}}, {"overflowed", {0, 0, 0, 0.001}}}};
  fp16.line = {10, 20.5, std::numeric_limits<double>::quiet_NaN(), 31};
  fp16.line_label = "signal to noise, dB";
  fp16.has_window = fp16.has_marker = true;
  fp16.window_low = 8;
  fp16.window_high = 40;
  fp16.marker = 16;
  fp16.marker_label = "init_scale 2^16";
  Panel bf16{"bf16", {0, 8, 16, 24}, {{"flushed to zero", {0, 0, 0, 0}}, {"overflowed", {0, 0, 0, 0}}}};
  bf16.remark = "no scale needed";
  Panel sums{"fp16", {1, 2, 3, 4.5}, {}};
  sums.lines = {{"sequential", {1e-4, 3e-4, 0.002, 0.02}}, {"kahan", {0, 0, 1e-5, 1e-5}}};
  report.figures = {{"unet.safetensors", "step 200", "loss scale", "share of non-zero values", {fp16, bf16}},
                    {"Error of sums", "step 200", "terms", "relative error", {sums}}};
  return report;
}

std::string golden_path(const Writer& writer) {
  return std::string(LOWP_GOLDEN_DIR) + "/report" + std::string(writer.extension);
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream all;
  all << file.rdbuf();
  return all.str();
}

}  // namespace

TEST_CASE("every writer gives its golden document, and the same one twice") {
  const Report report = small_report();
  for (const Writer& writer : writers()) {
    CAPTURE(writer.name);
    std::string out = "kept\n", again;
    writer.write(report, {80, false, true}, out);
    writer.write(report, {80, false, true}, again);
    CHECK(out == "kept\n" + again);
    if (std::getenv("LOWP_WRITE_GOLDEN")) std::ofstream(golden_path(writer), std::ios::binary) << again;
    CHECK(again == contents(golden_path(writer)));
  }
}

TEST_CASE("rows made late are the same rows, and nothing is asked for once nobody takes them") {
  const Row one{Cell{std::string("a")}, Cell{std::uint64_t{1}}}, two{Cell{std::string("b")}, Cell{std::uint64_t{2}}};
  Report held, late;
  held.tables = {{"t", {"name", "count"}, {one, two}}};
  late.tables = {{"t", {"name", "count"}, {one}}};
  late.tables.front().more = [&two](const TakeRow& take) { take(two); };
  for (const Writer& writer : writers()) {
    std::string want, got;
    writer.write(held, {}, want);
    writer.write(late, {}, got);
    CHECK(got == want);
  }
  // Far more than one piece: a full disk stops the rows soon.
  std::size_t made = 0, pieces = 0;
  late.tables.front().more = [&](const TakeRow& take) {
    while (made < 1'000'000 && take(two)) ++made;
  };
  for (const std::string_view name : {"json", "csv"}) {
    made = pieces = 0;
    Sink sink([&](std::string_view piece) {
      CHECK(piece.size() < 100'000);
      return ++pieces < 3;
    });
    find_writer(name)->stream(late, {}, sink);
    CHECK(pieces == 3);
    CHECK(made < 100'000);
  }
}

TEST_CASE("an empty report is a document too") {
  for (const Writer& writer : writers()) {
    CAPTURE(writer.name);
    std::string out;
    writer.write({}, {}, out);
    if (writer.name == "json") CHECK(out == "{\n\"schema_version\": 2\n}\n");
    if (writer.name == "svg") CHECK(out.ends_with("</svg>\n"));
    if (writer.name != "json" && writer.name != "svg") CHECK(out.empty());
  }
}

TEST_CASE("the writer table has unique names and extensions") {
  std::set<std::string_view> names, extensions;
  for (const Writer& writer : writers()) {
    CHECK(names.insert(writer.name).second);
    CHECK(extensions.insert(writer.extension).second);
    CHECK(writer.extension.starts_with('.'));
    CHECK(find_writer(writer.name) == &writer);
  }
  CHECK(names.contains("text"));
  CHECK(find_writer("yaml") == nullptr);
}
