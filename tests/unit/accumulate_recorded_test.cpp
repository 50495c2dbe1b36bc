// SPDX-License-Identifier: Apache-2.0
// Every recorded result is reproduced; files that are not what they claim are refused in one line.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "lowp/verify/recorded.h"

using namespace lowp;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> recorded_files() {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(LOWP_RECORDED_DIR)) {
    if (entry.path().extension() == ".safetensors") files.push_back(entry.path().string());
  }
  std::ranges::sort(files);
  return files;
}

std::string contents(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A file that goes away with the test.
class Scratch {
 public:
  explicit Scratch(const std::string& text)
      : path_(fs::temp_directory_path() / ("lowp_recorded_" + std::to_string(std::hash<std::string>{}(text)))) {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~Scratch() { fs::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  REQUIRE(from.size() == to.size());
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("no recorded dot product differs") {
  std::size_t files = 0;
  for (const std::string& path : recorded_files()) {
    CAPTURE(path);
    const auto recorded = read_recorded_vectors(path);
    REQUIRE(recorded);
    const RecordedReplay result = replay(*recorded);
    CHECK(result.rows == 200);
    CHECK(result.mismatches == 0);
    ++files;
  }
  CHECK(files == 28);
}

TEST_CASE("another instruction's row does not reproduce them: the vectors can tell models apart") {
  const auto wrong_row = [](const std::string& name, std::string_view gpu, std::string_view path) {
    auto recorded = read_recorded_vectors(std::string(LOWP_RECORDED_DIR) + "/" + name);
    REQUIRE(recorded);
    recorded->row = find_tensor_core(gpu, path, recorded->input, recorded->input_b, recorded->accumulator);
    REQUIRE(recorded->row != nullptr);
    return replay(*recorded).mismatches;
  };
  CHECK(wrong_row("h100-mma-fp16-f32.safetensors", "a100", "mma") > 20);
  CHECK(wrong_row("a100-mma-fp16-f32.safetensors", "v100", "mma") > 20);
  CHECK(wrong_row("h100-mma-e4m3-f32.safetensors", "h100", "wgmma") > 100);
  CHECK(wrong_row("h100-wgmma-e4m3-f32.safetensors", "ada", "mma") > 20);
}

TEST_CASE("a changed bit is found, counted and explained") {
  const std::string good = contents(std::string(LOWP_RECORDED_DIR) + "/h100-wgmma-e4m3-f32.safetensors");
  std::string bad = good;
  bad[bad.size() - 2] ^= 1;  // d of the last row
  const Scratch file(bad);
  const auto recorded = read_recorded_vectors(file.path());
  REQUIRE(recorded);
  const RecordedReplay result = replay(*recorded);
  REQUIRE(result.mismatches == 1);
  CHECK(result.first[0].row == 199);
  CHECK((result.first[0].recorded ^ result.first[0].emulated) == 0x10000);
  const RecordedTrace trace = trace_row(*recorded, 199);
  REQUIRE(trace.steps.size() == 1);
  CHECK(trace.result == result.first[0].emulated);
  std::int64_t sum = 0;
  for (const std::int64_t term : trace.steps[0].terms) sum += term;
  CHECK(sum == trace.steps[0].sum);
}

TEST_CASE("files of other layouts are refused") {
  const std::string good = contents(std::string(LOWP_RECORDED_DIR) + "/h100-mma-fp16-f32.safetensors");
  const auto message = [](const std::string& text) {
    const Scratch file(text);
    const auto recorded = read_recorded_vectors(file.path());
    return recorded ? std::string() : recorded.error().message();
  };
  CHECK(message(good).empty());
  CHECK(message(replaced(replaced(good, "\"H100\"", "\"H900\""), "\"sm_90\"", "\"sm_99\"")).find("H900") !=
        std::string::npos);
  CHECK(message(replaced(good, "\"H100\"", "\"H900\"")).empty());  // the compute capability still says what it is
  CHECK_FALSE(message(replaced(good, "\"mma\"", "\"mmx\"")).empty());
  CHECK_FALSE(message(replaced(good, "\"U16\"", "\"I16\"")).empty());
  CHECK_FALSE(message(replaced(good, "\"c\":", "\"e\":")).empty());
  for (std::size_t cut = 0; cut < good.size(); cut += 97) CHECK_FALSE(message(good.substr(0, cut)).empty());
}
