// SPDX-License-Identifier: Apache-2.0
// Files, directories and series.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include "lowp/tensor/readers.h"
#include "tensor_bytes.h"

using namespace lowp;
using namespace lowp_test;

namespace {

bool mentions(const std::string& message, std::string_view words) {
  INFO(message);
  return message.find(words) != std::string::npos;
}

std::string dump(std::string_view tensor = "w") {
  return safetensors("{\"" + std::string(tensor) + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "0123");
}

std::vector<std::string> files_of(const StepSeries& series) {
  std::vector<std::string> names;
  for (const Input& input : series.inputs) names.push_back(std::filesystem::path(input.path).filename().string());
  return names;
}

StepSeries open_all(const std::vector<std::string>& paths, const OpenOptions& options = {}) {
  auto series = open_series(paths, options);
  REQUIRE_MESSAGE(series, series.error().message());
  return *std::move(series);
}

}  // namespace

TEST_CASE("series: a directory gives its dumps by step, and says what it left out") {
  const Folder folder;
  for (const std::string_view name : {"step10.safetensors", "step9.safetensors", "step100.safetensors"})
    folder.write(name, dump());
  folder.write("README.md", "text");
  folder.write(".hidden.safetensors", "broken");
  std::filesystem::create_directory(folder.path("inner.safetensors"));
  const StepSeries series = open_all({folder.path()});
  CHECK(files_of(series) == std::vector<std::string>{"step9.safetensors", "step10.safetensors", "step100.safetensors"});
  CHECK(series.inputs[2].step == 100);
  std::string notes;
  for (const Input& input : series.inputs) {
    for (const std::string& note : input.notes) notes += note;
  }
  CHECK(notes == "not dumps, left out: README.md");
  folder.write("step11.safetensors", "");
  const StepSeries others = open_all({folder.path()});
  CHECK(files_of(others) == files_of(series));
  REQUIRE(others.inputs[0].notes.size() == 2);
  CHECK(mentions(others.inputs[0].notes[1], "cannot be read, left out: "));
  CHECK(mentions(others.inputs[0].notes[1], "step11.safetensors: is empty"));
  OpenOptions strict;
  strict.strict = true;
  CHECK(mentions(open_series(std::vector{folder.path()}, strict).error().message(), "step11.safetensors: is empty"));
}

TEST_CASE("series: order given stays unless every step is known and different") {
  const Folder folder;
  const std::string b = folder.write("step2.safetensors", dump());
  const std::string a = folder.write("step1.safetensors", dump());
  const std::string none = folder.write("x.safetensors", dump());
  CHECK(files_of(open_all({b, a})).front() == "step1.safetensors");
  CHECK(files_of(open_all({b, none, a})).front() == "step2.safetensors");
  CHECK(files_of(open_all({b, a, b})) ==
        std::vector<std::string>{"step1.safetensors", "step2.safetensors", "step2.safetensors"});
}

TEST_CASE("series: ranks are no steps, and a step that is there twice is said") {
  const Folder folder;
  std::vector<std::string> paths;
  for (const std::string step : {"step_2", "step_1"}) {
    std::filesystem::create_directory(folder.path(step));
    for (const std::string rank : {"rank0", "rank1"})
      paths.push_back(folder.write(step + "/" + rank + ".safetensors", dump()));
  }
  const StepSeries series = open_all(paths);
  std::vector<std::int64_t> steps;
  for (const Input& input : series.inputs) steps.push_back(input.step.value_or(-1));
  CHECK(steps == std::vector<std::int64_t>{1, 1, 2, 2});
  CHECK(series.inputs[0].path == paths[2]);
  CHECK(series.inputs[0].notes.empty());
  REQUIRE(series.inputs[1].notes.size() == 1);
  CHECK(mentions(series.inputs[1].notes[0], "2 inputs are of step 1 (" + paths[2] + ", " + paths[3] + ")"));
}

TEST_CASE("series: shards without an index are one dump") {
  const Folder folder;
  for (const std::string_view n : {"1", "2", "3"})
    folder.write("model-0000" + std::string(n) + "-of-00003.safetensors", dump(n == "3" ? "1" : n));
  const Input whole = open_one(folder.path());
  CHECK(whole.path == folder.path("model-*-of-00003.safetensors"));
  CHECK(whole.files.size() == 3);
  CHECK(whole.tensors.size() == 3);
  CHECK(whole.tensors[2].name == "1#2");
  CHECK(whole.bytes == 3 * dump("1").size());
  CHECK_FALSE(whole.step);
  CHECK(whole.notes.empty());
  std::filesystem::remove(folder.path("model-00002-of-00003.safetensors"));
  CHECK(mentions(open_one(folder.path()).notes.at(0), "2 of 3 shards: without 2"));
}

TEST_CASE("series: selection") {
  const Folder folder;
  const std::string w = folder.write("step1.safetensors", dump("grad/w"));
  const std::string v = folder.write("step2.safetensors", dump("grad/v"));
  OpenOptions options;
  options.select = {"*w"};
  const StepSeries series = open_all({w, v}, options);
  CHECK(series.inputs[0].tensors.size() == 1);
  CHECK(series.inputs[1].tensors.empty());
  options.select = {"act*", "x"};
  const auto none = open_series(std::vector{w, v}, options);
  REQUIRE_FALSE(none);
  CHECK(mentions(none.error().message(), "a tensor matching 'act*' or 'x', found none; there are 'grad/w', 'grad/v'"));
}

TEST_CASE("series: what cannot be opened is one line") {
  const Folder folder;
  CHECK(mentions(refusal(folder.path("gone.pt")), "No such file"));
  CHECK(mentions(refusal(folder.path()), "no files"));
  CHECK(mentions(refusal(folder.write("e.safetensors", "")), "is empty"));
  folder.write("e.safetensors", dump());
  std::filesystem::remove(folder.path("e.safetensors"));
  folder.write("notes.txt", "x");
  CHECK(mentions(refusal(folder.path()), "dumps directly in this directory (" + reader_names() + ")"));
  CHECK(mentions(refusal(folder.path("notes.txt")), "a dump that can be recognised"));
  REQUIRE(::mkfifo(folder.path("pipe.pt").c_str(), 0600) == 0);
  CHECK(mentions(refusal(folder.path("pipe.pt")), "not a regular file"));
  CHECK_FALSE(open_series({}, {}));
}

TEST_CASE("series: files that change while they are read") {
  const Folder folder;
  const std::string path = folder.write("a.safetensors", dump());
  StepSeries series;
  series.inputs.push_back(open_one(path));
  const Input& input = series.inputs[0];
  CHECK_FALSE(changed_while_read(series));
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(5));
  const auto touched = changed_while_read(series);
  REQUIRE(touched);
  CHECK(mentions(touched->message(), "changed while it was read"));

  std::filesystem::resize_file(path, dump().size() - 2);
  std::string fault;
  read_all(input.tensors.at(0), &fault);
  CHECK(mentions(fault, path));
  std::filesystem::remove(path);
  CHECK(changed_while_read(series));
}

// A descriptor is held only while somebody reads: a series may have more files than a process may have descriptors.
TEST_CASE("series: more dumps than descriptors") {
  const Folder folder;
  std::vector<std::string> paths;
  for (int i = 0; i < 1500; ++i) paths.push_back(folder.write("step" + std::to_string(i) + ".npz", samples()[3].bytes));
  const StepSeries series = open_all(paths);
  CHECK(series.inputs.size() == 1500);
  std::size_t open = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++open;
  CHECK(open < 100);
  CHECK(read_all(series.inputs[1499].tensors.at(0)) == floats(6));
}
