// SPDX-License-Identifier: Apache-2.0
// The comparison itself, run on chips made of the emulators: it finds nothing wrong with them, and every planted flaw.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include "emulated_backend.h"
#include "lowp/core/formats.h"
#include "lowp/gpu/gpu_report.h"
#include "lowp/gpu/verify.h"
#include "lowp/report/writers.h"
#include "lowp/verify/recorded.h"

using namespace lowp;
using namespace lowp::gpu;
namespace fs = std::filesystem;

namespace {

Verification run(EmulatedBackend& backend, const std::string& only, const std::string& record_into = {}) {
  VerifyOptions options;
  options.quick = true;
  options.dot_products = 64 * 1000;
  options.only = only;
  options.record_into = record_into;
  return verify(backend, options, [](const VerifyLine&) {});
}

// A folder that goes away with the test.
class Folder {
 public:
  Folder() : path_((fs::temp_directory_path() / "lowp_gpu_verify_XXXXXX").string()) {
    REQUIRE(mkdtemp(path_.data()) != nullptr);
  }
  ~Folder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

bool has_special(const RecordedVectors& v, std::size_t row) {
  const auto special = [](std::string_view format, std::uint64_t code) {
    const Format f = operand_format(format);
    const Kind kind = decode(f, code).kind;
    return kind == Kind::inf || kind == Kind::nan || is_subnormal(f, code);
  };
  for (std::size_t k = 0; k < v.k; ++k) {
    if (special(v.input, v.a[row * v.k + k]) || special(v.input_b, v.b[row * v.k + k])) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("an emulated Hopper agrees with the table and with the published bits") {
  EmulatedBackend backend(emulated_h100());
  const Verification result = run(backend, "");
  for (const VerifyLine& line : result.lines) {
    CAPTURE(line.part + " " + line.name);
    CAPTURE(line.note);
    if (!line.first.empty()) CAPTURE(line.first[0]);
    CHECK(line.mismatches == 0);
  }
  CHECK(result.mismatches() == 0);
  std::set<std::string> parts;
  for (const VerifyLine& line : result.lines) {
    if (line.cases != 0) parts.insert(line.part);
  }
  CHECK(parts ==
        std::set<std::string>{"arithmetic", "chain", "conversion", "feed", "layout", "order", "probe", "random"});
  CHECK(result.says.size() > 20);  // D1, Z1 and Z2 on the rows they concern
}

TEST_CASE("other chips agree with their rows too; what their code has not is named") {
  const std::vector<Chip> chips{
      emulated_chip("Tesla T4", "sm_75", {750, false}), emulated_chip("NVIDIA A100-SXM4-80GB", "sm_80", {800, false}),
      emulated_chip("NVIDIA L40S", "sm_89", {890, false}), emulated_chip("NVIDIA B200", "sm_100", {1000, true})};
  for (const Chip& chip : chips) {
    CAPTURE(chip.name);
    EmulatedBackend backend(chip);
    CHECK(run(backend, "probe").mismatches() == 0);
    const Verification layout = run(backend, "layout");
    CHECK(layout.mismatches() == 0);
    CHECK(layout.lines.size() == mma_rows().size());
    const auto left_out = std::ranges::count_if(layout.lines, [](const VerifyLine& line) { return line.cases == 0; });
    CHECK(left_out >= 9);  // wgmma
    CHECK(layout.lines.back().note ==
          "not run: not in code for sm_" + chip.capability.substr(3) + (chip.code.specific ? "a" : ""));
  }
}

TEST_CASE("one wrong result of a scalar instruction is found and shown") {
  EmulatedBackend backend(emulated_h100());
  backend.scalar_flaw = [](const Rule&, Inputs in, std::uint32_t code) { return in.a == 1234 ? code ^ 1 : code; };
  const Verification result = run(backend, "conversion cvt.rz.bf16.f16");
  REQUIRE(result.lines.size() == 1);
  CHECK(result.mismatches() == 1);
  CHECK(result.lines[0].first[0].starts_with("0x04D2: hardware 0x"));
  CHECK(run(backend, "arithmetic mul.rn.f16").mismatches() == 1);
  backend.scalar_flaw = [](const Rule& rule, Inputs, std::uint32_t code) {
    return decode(rule.target, code).kind == Kind::nan ? code | 1 : code;  // another NaN is no mistake
  };
  CHECK(run(backend, "conversion cvt.rz.bf16.f16").mismatches() == 0);
}

TEST_CASE("digests are compared with the recorded ones") {
  EmulatedBackend backend(emulated_h100());
  std::ifstream in(LOWP_DIGESTS);
  std::string digests, line;
  while (std::getline(in, line)) {
    if (line.starts_with("fp16\te4m3\t")) digests += line + "\n";
  }
  const auto part = [&](const std::string& only, const std::string& table) {
    VerifyOptions options;
    options.only = only;
    options.digests = table;
    return verify(backend, options, [](const VerifyLine&) {});
  };
  const Verification good = part("conversion cvt.rn.satfinite.e4m3x2.f16x2", digests);
  CHECK(good.mismatches() == 0);
  CHECK(good.lines[0].note == "digest as recorded");
  CHECK(part("core", digests).mismatches() == 0);
  CHECK(part("core", digests).lines[0].cases == 21);
  std::string changed = digests;
  const std::size_t at = changed.find("fp16\te4m3\tnearest_even\tsaturate\t");
  REQUIRE(at != changed.npos);
  char& digit = changed[changed.find('\n', at) - 1];
  digit = digit == '0' ? '1' : '0';
  CHECK(part("conversion cvt.rn.satfinite.e4m3x2.f16x2", changed).mismatches() == 1);
  CHECK(part("core", changed).mismatches() == 1);
}

TEST_CASE("one wrong bit of a matrix instruction is found in every part") {
  EmulatedBackend backend(emulated_h100());
  const std::string name = "wgmma m64n8k32.f32.e4m3.e4m3";
  backend.matrix_flaw = [](const MmaRow&, Feed, const TileBatch&, std::vector<std::uint32_t>& d) { d.back() ^= 1; };
  for (const char* part : {"probe ", "random ", "chain ", "feed "}) {
    CAPTURE(std::string(part));
    const Verification result = run(backend, part + name);
    REQUIRE(result.lines.size() == 1);
    CHECK(result.mismatches() > 0);
    CHECK_FALSE(result.lines[0].first.empty());
  }
  const Verification layout = run(backend, name);  // a wrong layout makes the rest pointless
  for (const VerifyLine& line : layout.lines) {
    CAPTURE(line.part);
    if (line.part == "layout") CHECK(line.mismatches == 2);
    if (line.part == "random") CHECK(line.note == "not run: the layout check failed");
  }
}

TEST_CASE("another chip's numerics are told apart") {
  EmulatedBackend backend(emulated_h100());
  backend.matrix_flaw = [](const MmaRow& row, Feed feed, const TileBatch& batch, std::vector<std::uint32_t>& d) {
    d = predict(*model_of("sm_80", row), row, feed, batch);
  };
  const std::string name = "mma m16n8k16.row.col.f32.f16.f16.f32";
  CHECK(run(backend, "layout " + name).mismatches() == 0);
  CHECK(run(backend, "probe " + name).mismatches() > 100);
  CHECK(run(backend, "random " + name).mismatches() > 100);
}

TEST_CASE("order of products: a chain of two sums is not one") {
  EmulatedBackend backend(emulated_h100());
  backend.matrix_flaw = [](const MmaRow& row, Feed feed, const TileBatch& batch, std::vector<std::uint32_t>& d) {
    d = predict(*model_of("sm_80", row), row, feed, batch);
  };
  CHECK(run(backend, "order mma m16n8k16.row.col.f32.f16.f16.f32").mismatches() > 0);
}

TEST_CASE("recorded files are read back and replayed, all of them") {
  EmulatedBackend backend(emulated_h100());
  const Folder folder;
  const Verification result = run(backend, "record", folder.path());
  CHECK(result.files.size() == mma_rows().size());
  CHECK(std::set<std::string>(result.files.begin(), result.files.end()).size() == mma_rows().size());
  for (const std::string& file : result.files) {
    CAPTURE(file);
    const auto recorded = read_recorded_vectors(file);
    REQUIRE_MESSAGE(recorded, recorded.error().message());
    CHECK(recorded->gpu == "h100");
    CHECK(recorded->rows >= 2000);
    CHECK(replay(*recorded).mismatches == 0);
    std::size_t specials = 0;
    for (std::size_t row = 0; row < recorded->rows; ++row) specials += has_special(*recorded, row);
    CHECK(5 * specials >= recorded->rows);
  }
  CHECK(fs::exists(folder.path() + "/h100-wgmma-e4m3-f32.safetensors"));
  CHECK(fs::exists(folder.path() + "/h100-mma-fp16-f32-k8.safetensors"));
  CHECK(fs::exists(folder.path() + "/h100-wgmma-e4m3xe5m2-f32.safetensors"));
}

TEST_CASE("a folder that cannot be written to is an error, not a silence") {
  EmulatedBackend backend(emulated_h100());
  CHECK_THROWS_WITH(run(backend, "record wgmma", "/nonexistent/folder"),
                    doctest::Contains("/nonexistent/folder/h100-wgmma-fp16-f32.safetensors: cannot be written"));
}

TEST_CASE("a report has every line, in every output") {
  EmulatedBackend backend(emulated_h100());
  backend.scalar_flaw = [](const Rule&, Inputs in, std::uint32_t code) { return in.a == 7 ? code ^ 1 : code; };
  const Verification result = run(backend, "cvt.rz.f16");
  Report report;
  add_to_report(result, report);
  for (const char* output : {"text", "json", "csv", "markdown"}) {
    CAPTURE(std::string(output));
    std::string document;
    find_writer(output)->write(report, {}, document);
    CHECK(document.find("cvt.rz.f16.bf16") != document.npos);
    CHECK(document.find("H100") != document.npos);
  }
}
