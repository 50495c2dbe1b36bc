// SPDX-License-Identifier: Apache-2.0
// Labelled logs of frameworks, where they lie beside the checkout: verdict and step of every section and of its first
// half.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "lowp/logs/log_sections.h"

namespace {

using namespace lowp;
using nlohmann::json;

const std::filesystem::path logs = std::filesystem::path(LOWP_SOURCE_DIR) / "../shared/data/scaler-logs";

json as_json(const std::optional<std::int64_t>& number) {
  return number ? json(*number) : json(nullptr);
}
json as_json(const std::optional<std::uint64_t>& number) {
  return number ? json(*number) : json(nullptr);
}

LogSection only_section(const std::string& file, std::uint64_t first, std::uint64_t last) {
  auto sections = read_log((logs / file).string(), {first, last});
  REQUIRE_MESSAGE(static_cast<bool>(sections), (sections ? "" : sections.error().message()));
  CHECK(sections->size() == 1);
  return sections->at(0);
}

}  // namespace

TEST_CASE("labelled logs: every section and its first half") {
  std::ifstream in(logs / "labels.json");
  if (!in) {
    MESSAGE("skipped: no labelled logs beside the checkout");
    return;
  }
  for (const json& label : json::parse(in)) {
    const std::uint64_t first = label["first_line"], last = label["last_line"];
    const std::string file = label["file"];
    CAPTURE(file);
    CAPTURE(first);
    const LogSection whole = only_section(file, first, last);
    CHECK(name_of(whole.verdict.state).name == label["verdict"].get<std::string>());
    CHECK(as_json(whole.verdict.began_step) == label["began_step"]);
    CHECK(as_json(whole.verdict.skipped_steps) == label["skipped_steps"]);
    CHECK(name_of(whole.scale_meaning) == label["scale_meaning"].get<std::string>());
    CHECK(whole.framework == label["framework"].get<std::string>());
    const std::uint64_t half = (last - first + 1) / 2;
    if (half == 0) continue;
    const LogSection part = only_section(file, first, first + half - 1);
    CHECK(name_of(part.verdict.state).name == label["half"]["verdict"].get<std::string>());
    CHECK(as_json(part.verdict.began_step) == label["half"]["began_step"]);
  }
}

TEST_CASE("labelled logs: whole files fall into the labelled sections") {
  std::ifstream in(logs / "labels.json");
  if (!in) return;
  const json labels = json::parse(in);
  for (const json& label : labels) {
    const std::string file = label["file"];
    const auto sections = read_log((logs / file).string(), {});
    REQUIRE(static_cast<bool>(sections));
    const auto same =
        std::ranges::find_if(*sections, [&](const LogSection& s) { return s.first_line == label["first_line"]; });
    CAPTURE(file);
    CAPTURE(label["first_line"].get<int>());
    REQUIRE(same != sections->end());
    CHECK(same->last_line == label["last_line"].get<std::uint64_t>());
    CHECK(name_of(same->verdict.state).name == label["verdict"].get<std::string>());
    CHECK(as_json(same->verdict.began_step) == label["began_step"]);
  }
}
