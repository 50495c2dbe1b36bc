// SPDX-License-Identifier: Apache-2.0
// Directories of torch.distributed.checkpoint.
#include <doctest/doctest.h>

#include "lowp/tensor/chunks.h"
#include "tensor_bytes.h"

using namespace lowp;
using namespace lowp_test;

namespace {

bool mentions(const std::string& message, std::string_view words) {
  INFO(message);
  return message.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("checkpoint: parts become one tensor, and an object called step says the step") {
  const Folder folder;
  write_neighbours(folder);
  for (const char* name : {"a.safetensors", "a.pt"}) std::filesystem::remove(folder.path(name));
  folder.write(".metadata", checkpoint_metadata());
  for (const std::string& path : {folder.path(), folder.path(".metadata")}) {
    const Input input = open_one(path);
    CHECK(input.path + "/" == folder.path());
    CHECK(input.step == 9);
    CHECK(input.notes.empty());
    CHECK(input.files.size() == 2);
    REQUIRE(input.tensors.size() == 1);
    const TensorView& w = input.tensors[0];
    CHECK(w.name == "w");
    CHECK(w.shape == std::vector<std::uint64_t>{2, 3});
    CHECK(read_all(w) == floats(6));
    std::string rows;  // [[1, 3, 5], [2, 4, 6]]
    for (const std::size_t i : {0u, 2u, 4u, 1u, 3u, 5u}) rows += floats(6).substr(i * 4, 4);
    CHECK(read_row_major(w) == rows);
  }
}

TEST_CASE("checkpoint: what does not fit is said") {
  const Folder folder;
  write_neighbours(folder);
  const std::string path = folder.write(".metadata", checkpoint_metadata("../__0_0.distcp"));
  CHECK(mentions(refusal(path), "file names without directories"));
  folder.write(".metadata", checkpoint_metadata("gone.distcp"));
  CHECK(mentions(open_series(std::vector{path}, {}).error().message(), "gone.distcp: No such file"));
  folder.write(".metadata", checkpoint_metadata("__0_0.distcp", 1000));
  CHECK(mentions(open_series(std::vector{path}, {}).error().message(), "bytes of 'w', found end of file"));
  folder.write(".metadata", pickle::whole(pickle::dict({})));
  CHECK(mentions(refusal(path), "the metadata of a checkpoint"));
}

// Every way to cut a 4 x 3 x 2 tensor at one place of each axis, against the definition.
TEST_CASE("checkpoint: chunks in row-major order") {
  const Folder folder;
  const std::vector<std::uint64_t> shape{4, 3, 2};
  for (std::uint64_t cut = 0; cut < 5 * 4 * 3; ++cut) {
    const std::uint64_t at[] = {cut % 5, cut / 5 % 4, cut / 20};
    std::vector<Chunk> chunks;
    for (unsigned part = 0; part < 8; ++part) {
      Chunk chunk;
      std::string data, size = "(";
      for (std::size_t a = 0; a < 3; ++a) {
        const bool second = (part >> a & 1) != 0;
        chunk.offset.push_back(second ? at[a] : 0);
        size += std::to_string(second ? shape[a] - at[a] : at[a]) + ",";
        chunk.view.shape.push_back(second ? shape[a] - at[a] : at[a]);
      }
      for (std::uint64_t i = 0; i < chunk.view.shape[0]; ++i) {
        for (std::uint64_t j = 0; j < chunk.view.shape[1]; ++j) {
          for (std::uint64_t k = 0; k < chunk.view.shape[2]; ++k)
            data += le(((chunk.offset[0] + i) * 3 + chunk.offset[1] + j) * 2 + chunk.offset[2] + k, 2);
        }
      }
      const Input input = open_one(folder.write("c.npy", npy("'<f2'", size + ")", data)));
      chunk.view = input.tensors.at(0);
      // The file is written again for the next chunk, so this one's bytes must be held by an open stream.
      folder.write("c" + std::to_string(part) + ".npy", npy("'<f2'", size + ")", data));
      chunk.view = open_one(folder.path("c" + std::to_string(part) + ".npy")).tensors.at(0);
      chunks.push_back(std::move(chunk));
    }
    const auto whole = join_chunks("w", shape, chunks);
    REQUIRE(whole);
    std::string expected;
    for (std::uint64_t i = 0; i < 24; ++i) expected += le(i, 2);
    CHECK(read_row_major(*whole) == expected);
    CHECK(read_all(*whole).size() == 48);
    const std::vector<std::uint64_t> larger{5, 3, 2};
    CHECK_FALSE(join_chunks("w", larger, chunks));
    chunks.push_back(chunks.back());
    if (chunks.back().view.elements != 0) CHECK_FALSE(join_chunks("w", shape, chunks));
  }
}
