// SPDX-License-Identifier: Apache-2.0
// Records inside records: an array of objects in JSON, a table of their own in CSV.
#include <doctest/doctest.h>

#include <string>

#include "lowp/report/nested.h"
#include "lowp/report/writers.h"

using namespace lowp;

namespace {

Cell text(const char* word) {
  return Cell{std::string(word)};
}

Nested inner(std::int64_t first, std::int64_t count) {
  Table table{"steps", {"step", "at.x"}, {{Cell{first}, Cell{0.5}}}};
  table.more = [=](const TakeRow& take) {
    for (std::int64_t i = 1; i < count && take({Cell{first + i}, Cell{true}}); ++i) {
    }
  };
  return std::make_shared<const Table>(std::move(table));
}

Report report() {
  const Nested one = std::make_shared<const Table>(Table{"params", {"a"}, {{Cell{Null{"none"}}}}, true});
  Report made;
  made.tables = {{"runs",
                  {"name", "params", "steps"},
                  {{text("x"), Cell{one}, Cell{inner(1, 2)}}, {text("y"), Cell{one}, Cell{inner(7, 1)}}}}};
  return made;
}

std::string written(const Report& made, const char* writer) {
  std::string out;
  find_writer(writer)->write(made, {}, out);
  return out;
}

}  // namespace

TEST_CASE("nested records in JSON") {
  const std::string json = written(report(), "json");
  CHECK(
      json.find(
          "\"runs\": [\n"
          "{\"name\":\"x\",\"params\":{\"a\":null,\"a_reason\":\"none\"},"
          "\"steps\":[{\"step\":1,\"at\":{\"x\":0.5}},{\"step\":2,\"at\":{\"x\":true}}]},\n"
          "{\"name\":\"y\",\"params\":{\"a\":null,\"a_reason\":\"none\"},\"steps\":[{\"step\":7,\"at\":{\"x\":0.5}}]}\n"
          "]") != std::string::npos);
}

TEST_CASE("nested records in CSV") {
  CHECK(written(report(), "csv") ==
        "# runs\nname,params,steps\nx,,\ny,,\n\n"
        "# runs.params\nname,a\nx,\ny,\n\n"
        "# runs.steps\nname,step,at.x\nx,1,0.5\nx,2,true\ny,7,0.5\n");
}

TEST_CASE("nested records can be taken out, and stop when nobody wants more") {
  Report made = report();
  const std::vector<Table> taken = take_nested(made.tables);
  REQUIRE(taken.size() == 2);
  CHECK(taken[1].name == "runs.steps");
  CHECK(nested_tables(made.tables).empty());
  int rows = 0;
  each_row(taken[1], [&](const Row&) { return ++rows < 2; });
  CHECK(rows == 2);
}
