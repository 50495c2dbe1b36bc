// SPDX-License-Identifier: Apache-2.0
// A summary as a file: what is written is read again, merging is associative, commutative and idempotent byte for byte,
// and files from elsewhere are refused in one line.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <vector>

#include "lowp/base/crc32c.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/summary/binade_counter.h"
#include "lowp/summary/evidence_columns.h"
#include "lowp/summary/sweep.h"
#include "lowp/tensor/binades_run.h"
#include "lowp/tensor/readers.h"

using namespace lowp;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("summary_file_test." + std::to_string(std::random_device()()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
};

std::vector<std::byte> elements(const Dtype& dtype, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> spread(-18, 7);
  const auto size = static_cast<std::size_t>(dtype.bytes);
  std::vector<std::byte> bytes(count * size);
  for (std::size_t i = 0; i < count; ++i) {
    const double value = random() % 9 == 0 ? 0.0 : std::exp2(spread(random)) * ((random() & 1) != 0 ? 1 : -1);
    std::uint64_t code = encode(dtype.format, Rounding::nearest_even, Overflow{},
                                decode(ieee_format(11, 52), std::bit_cast<std::uint64_t>(value)));
    if (random() % 50 == 0) code = random() & code_mask(dtype.format);
    std::memcpy(bytes.data() + i * size, &code, size);
  }
  return bytes;
}

Question wide_question() {
  return {{{"fp32", find_format("fp32").format}, {"fp16", find_format("fp16").format}},
          Rounding::nearest_even,
          {},
          {-8, 32}};
}

Evidence evidence_of(const Dtype& dtype, std::span<const std::byte> bytes, Level level, bool wide_widths = false) {
  const int fraction_bits = dtype.bytes == 8 ? wide_fraction_bits : narrow_fraction_bits;
  TableOptions options{fraction_bits, Rounding::nearest_even, {}};
  if (wide_widths) options = table_options(wide_question(), fraction_bits);
  BinadeCounter counter(options, 4);
  REQUIRE(static_cast<bool>(counter.count(dtype, bytes)));
  return *lowered(Evidence{counter.take()}, level);
}

StepSummary step_of(std::vector<TensorSummary> entries) {
  StepSummary step;
  step.path = "grads/step7.safetensors";
  step.dump = "step7.safetensors";
  step.step = 7;
  step.dump_scale_log2 = 4;
  step.tensors = std::move(entries);
  step.sources = {{"step7.safetensors", 1234, 0xdeadbeefu}};
  auto ordered = canonical(std::move(step));
  REQUIRE(static_cast<bool>(ordered));
  return *std::move(ordered);
}

// Every dtype at every level that a file holds, names of all kinds.
StepSummary mixed_step() {
  std::vector<TensorSummary> entries;
  for (const Dtype& dtype : dtype_table) {
    for (const Level level : {Level::peak, Level::flushed, Level::counts, Level::errors, Level::leaves}) {
      const std::string name = "grad/\xc3\xa9\"\\" + std::string(dtype.name) + std::string(level_name(level));
      entries.push_back({name, &dtype, {5, 60}, evidence_of(dtype, elements(dtype, 300, 3), level)});
    }
  }
  const Dtype& f32 = *find_dtype("f32");
  entries.push_back({"wide", &f32, {300}, evidence_of(f32, elements(f32, 300, 9), Level::leaves, true)});
  entries.push_back({"empty", &f32, {0, 3}, evidence_of(f32, {}, Level::counts)});
  entries.push_back(
      {"bins", &f32, {10}, Evidence{Bins{{{-1, 0, 3}, {0, 0.5, 7}}, 1, 0, exact_finite(false, 1, -1), {}}}});
  return step_of(std::move(entries));
}

StepSummary read_back(const Folder& folder, const StepSummary& step) {
  const std::string path = folder / "x.binades";
  const auto written = write_binades(path, step);
  REQUIRE(static_cast<bool>(written));
  auto read = read_binades(path);
  REQUIRE_MESSAGE(static_cast<bool>(read), (read ? "" : read.error().message()));
  return *std::move(read);
}

}  // namespace

TEST_CASE("checksums: known values, stretches joined") {
  const std::string_view digits = "123456789";
  const auto bytes = std::as_bytes(std::span(digits));
  CHECK(crc32c(bytes) == 0xe3069283u);  // the check value of the catalogue of parametrised CRC algorithms
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    CHECK(crc32c(bytes.subspan(cut), crc32c(bytes.first(cut))) == 0xe3069283u);
    CHECK(crc32c_joined(crc32c(bytes.first(cut)), crc32c(bytes.subspan(cut)), bytes.size() - cut) == 0xe3069283u);
  }
  const std::vector<std::byte> zeros(32);
  CHECK(crc32c(zeros) == 0x8a9136aau);  // RFC 3720, B.4
}

TEST_CASE("what is written is read again, and gives the same bytes") {
  const Folder folder;
  const StepSummary step = mixed_step();
  const StepSummary read = read_back(folder, step);
  CHECK(read.tensors == step.tensors);
  CHECK(read.step == step.step);
  CHECK(read.dump == step.dump);
  CHECK(read.dump_scale_log2 == 4);
  CHECK(read.sources == step.sources);
  CHECK(binades_bytes(read) == binades_bytes(step));
  const auto twice = merged(read, step);
  REQUIRE(static_cast<bool>(twice));
  CHECK(binades_bytes(*twice) == binades_bytes(step));
}

TEST_CASE("a summary opens like a dump, but its elements do not exist") {
  const Folder folder;
  const StepSummary step = mixed_step();
  const std::string path = folder / "step0000000007.binades";
  REQUIRE(static_cast<bool>(write_binades(path, step)));
  const auto series = open_series(std::vector{path}, {});
  REQUIRE(static_cast<bool>(series));
  const Input& input = series->inputs.front();
  CHECK(input.format == "binades");
  CHECK(input.step == 7);
  CHECK(input.tensors.size() == step.tensors.size());
  const auto stream = input.tensors.front().source->stream(0);
  REQUIRE(!stream);
  CHECK(stream.error().wanted == "elements");
  CHECK(stream.error().found == "a summary of them: this question needs the dump itself");
  std::ofstream(folder / "other.binades") << "something else";
  CHECK(!write_binades(folder / "other.binades", step));
}

TEST_CASE("merge: associative, commutative and idempotent, byte for byte, over random partitions") {
  std::mt19937_64 random(1);
  const Dtype& f32 = *find_dtype("f32");
  const Level levels[] = {Level::counts, Level::errors, Level::leaves};
  for (int round = 0; round < 1000; ++round) {
    const Level level = levels[round % 3];
    const auto parts = static_cast<std::uint32_t>(2 + random() % 3);
    std::vector<TensorSummary> entries;
    for (const char* name : {"a", "b"}) {
      const std::vector<std::byte> bytes = elements(f32, 24, random());
      for (std::uint32_t part = 1; part <= parts; ++part) {
        const std::size_t begin = 24 * (part - 1) / parts * 4, end = 24 * part / parts * 4;
        TensorSummary entry{name, &f32, {24}, evidence_of(f32, std::span(bytes).subspan(begin, end - begin), level)};
        entry.part = {Part::Kind::part, part, parts};
        entries.push_back(entry);
      }
      if (random() % 4 == 0) entries.pop_back();  // one that never becomes whole
    }
    // Each entry in one or several of four files.
    std::vector<std::vector<TensorSummary>> held(4);
    for (const TensorSummary& entry : entries) {
      const std::uint64_t where = 1 + random() % 15;
      for (std::size_t f = 0; f < held.size(); ++f) {
        if ((where >> f & 1) != 0) held[f].push_back(entry);
      }
    }
    std::vector<StepSummary> files;
    for (auto& group : held) {
      std::ranges::shuffle(group, random);
      files.push_back(step_of(group));
    }
    const auto plus = [](const StepSummary& a, const StepSummary& b) {
      auto sum = merged(a, b);
      REQUIRE(static_cast<bool>(sum));
      return *std::move(sum);
    };
    const StepSummary left = plus(plus(plus(files[0], files[1]), files[2]), files[3]);
    const StepSummary right = plus(files[0], plus(files[1], plus(files[2], files[3])));
    const StepSummary mixed = plus(plus(files[3], files[1]), plus(files[2], files[0]));
    const std::string want = binades_bytes(left);
    CHECK(binades_bytes(right) == want);
    CHECK(binades_bytes(mixed) == want);
    CHECK(binades_bytes(plus(left, files[round % 4])) == want);
    CHECK(binades_bytes(plus(left, left)) == want);
  }
}

TEST_CASE("parts that are all there are the whole") {
  const Dtype& f32 = *find_dtype("f32");
  const std::vector<std::byte> bytes = elements(f32, 1000, 5);
  for (const Level level : {Level::counts, Level::errors, Level::leaves}) {
    std::vector<TensorSummary> entries;
    for (std::uint32_t rank = 0; rank < 4; ++rank) {
      TensorSummary entry{"w", &f32, {1000}, evidence_of(f32, std::span(bytes).subspan(rank * 1000, 1000), level)};
      entry.part = {Part::Kind::rank, rank, 4};
      entries.push_back(entry);
    }
    const StepSummary sum = step_of(entries);
    REQUIRE(sum.tensors.size() == 1);
    CHECK(sum.tensors[0].part == Part{});
    CHECK(sum.tensors[0].evidence == evidence_of(f32, bytes, level));
    CHECK(sum.tensors[0].digests.size() == 4);
    CHECK(joined_parts(step_of({entries[0], entries[2]})).notes.size() == 1);
  }
}

TEST_CASE("one identity with two contents is refused") {
  const Dtype& f32 = *find_dtype("f32");
  const auto entry = [&](std::uint64_t seed, Part part = {}) {
    TensorSummary made{"w", &f32, {30}, evidence_of(f32, elements(f32, 30, seed), Level::counts)};
    made.part = part;
    return made;
  };
  const Part second{Part::Kind::part, 2, 3}, first{Part::Kind::part, 1, 2}, other{Part::Kind::part, 2, 2};
  CHECK(merged(step_of({entry(1)}), step_of({entry(2)})).error().message() ==
        "wanted the same content of 'w' (whole) in both summaries, found two different ones");
  CHECK(!merged(step_of({entry(1, second)}), step_of({entry(2, second)})));
  CHECK(!merged(step_of({entry(1)}), step_of({entry(1, second)})));
  CHECK(!merged(step_of({entry(1, first)}), step_of({entry(1, second)})));
  const StepSummary whole = step_of({entry(1, first), entry(2, other)});
  CHECK(static_cast<bool>(merged(whole, step_of({entry(2, other)}))));
  CHECK(!merged(whole, step_of({entry(3, other)})));
  StepSummary elsewhere = step_of({entry(1)});
  elsewhere.step = 8;
  CHECK(!merged(step_of({entry(1)}), elsewhere));
}

// Any change of any byte is an Error or leaves a summary that can be swept: never a crash, never a wrong sum.
TEST_CASE("bytes from a stranger") {
  const Folder folder;
  const std::string good = binades_bytes(mixed_step());
  std::mt19937_64 random(3);
  const std::uint64_t header = 8 + [&] {
    std::uint64_t n;
    std::memcpy(&n, good.data(), 8);
    return n;
  }();
  int refused = 0, accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = good;
    const std::size_t at = round % 3 == 0 ? random() % good.size() : random() % header;
    if (round % 7 == 0)
      bytes.resize(at);
    else
      bytes[at] = static_cast<char>(random());
    if (round % 11 == 0) std::swap(bytes[random() % bytes.size()], bytes[random() % bytes.size()]);
    const std::string path = folder / "x.binades";
    std::ofstream(path, std::ios::binary) << bytes;
    const auto read = read_binades(path);
    if (!read) {
      ++refused;
      CHECK(!read.error().message().empty());
      continue;
    }
    ++accepted;
    for (const TensorSummary& tensor : read->tensors) {
      if (const auto sweep = Sweep::of(tensor.evidence, wide_question())) (void)sweep->all();
    }
  }
  CHECK(refused > 2000);
}

// The checksums only keep accidents away: columns may hold anything.
TEST_CASE("columns with any numbers in them") {
  const StepSummary step = mixed_step();
  std::mt19937_64 random(4);
  const std::vector<Column> columns = columns_of(step.tensors);
  int accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    std::vector<Column> changed = columns;
    for (std::uint64_t times = 1 + random() % 3; times != 0; --times) {
      Column& column = changed[random() % changed.size()];
      const std::size_t at = random() % column.bytes.size();
      const int kind = static_cast<int>(random() % 4);
      if (kind == 0) column.bytes[at] = static_cast<std::byte>(random());
      if (kind == 1) column.bytes[at] = static_cast<std::byte>(0xff);
      if (kind == 2) column.bytes[at] ^= std::byte{1};
      if (kind == 3) column.bytes.resize(column.bytes.size() - static_cast<std::size_t>(column.width));
      if (column.bytes.empty()) column.bytes.resize(static_cast<std::size_t>(column.width));
    }
    ColumnViews views;
    for (const Column& column : changed) views.emplace(column.name, ColumnView{column.bytes, column.width});
    std::vector<TensorSummary> entries = step.tensors;
    for (TensorSummary& entry : entries) entry.evidence = {};
    const auto taken = take_columns(views, entries);
    if (!taken) continue;
    ++accepted;
    for (const TensorSummary& entry : entries) {
      if (const auto sweep = Sweep::of(entry.evidence, wide_question())) (void)sweep->all();
    }
  }
  CHECK(accepted > 0);  // some changes are other elements' evidence
}
