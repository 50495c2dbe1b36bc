// SPDX-License-Identifier: Apache-2.0
// Small good files, cut at every byte and changed at random: an Error or a valid input, never anything else.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "lowp/tensor/readers.h"
#include "tensor_bytes.h"

using namespace lowp;
using namespace lowp_test;

namespace {

OpenOptions permissive() {
  OpenOptions options;
  options.raw_dtype = find_dtype("f32");
  options.assume_dtype = find_dtype("bf16");
  return options;
}

const Reader* find(std::string_view name) {
  const auto row = std::ranges::find(readers(), name, &Reader::name);
  REQUIRE(row != readers().end());
  return &*row;
}
Result<std::vector<Input>> open_with(std::string_view name, const std::string& path) {
  return open_steps(*find(name), path, permissive());
}

}  // namespace

TEST_CASE("hostile: every file cut at every byte is refused by its reader") {
  const Folder folder;
  for (const Sample& sample : samples()) {
    write_neighbours(folder);
    if (find(sample.reader)->takes_any_bytes || sample.is_lines) continue;
    for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
      const std::string path = folder.write(sample.name, std::string_view(sample.bytes).substr(0, size));
      INFO(sample.name << " cut to " << size);
      CHECK_FALSE(open_with(sample.reader, path));
      exercise(path, permissive());
    }
    const std::string whole = folder.write(sample.name, sample.bytes);  // the index finds a whole shard beside it
    CHECK(open_with(sample.reader, whole));
  }
}

TEST_CASE("hostile: seeded mutations of every kind") {
  const Folder folder;
  std::mt19937_64 random(20261122);
  const std::vector<Sample> all = samples();
  write_neighbours(folder);
  int opened = 0;
  int refused = 0;
  for (const Sample& sample : all) {
    const std::string name = "m" + std::filesystem::path(sample.name).extension().string();
    for (int round = 0; round < 3000; ++round) {
      std::string bytes = sample.bytes;
      const auto changes = 1 + random() % 4;
      for (std::uint64_t i = 0; i < changes; ++i) {
        const auto at = static_cast<std::size_t>(random() % bytes.size());
        switch (random() % 5) {
          case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8)); break;
          case 1: bytes[at] = static_cast<char>(random()); break;
          case 2: bytes[at] = static_cast<char>(random() % 2 == 0 ? 0xFF : 0); break;
          case 3: bytes.erase(at, 1 + random() % 8); break;
          default: bytes.insert(at, bytes.substr(static_cast<std::size_t>(random() % bytes.size()), 1 + random() % 8));
        }
        if (bytes.empty()) bytes = "x";
      }
      const std::string path = folder.write(name, bytes);
      exercise(path, permissive());
      open_with(sample.reader, path) ? ++opened : ++refused;
    }
  }
  CHECK(opened > 500);  // the mutations reach beyond the first check
  CHECK(refused > 5000);
}
