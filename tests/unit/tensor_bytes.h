// SPDX-License-Identifier: Apache-2.0
// Dump files made byte by byte, good and hostile, and a reader that takes them through everything there is.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/step_series.h"

namespace lowp_test {

// A directory that lives as long as this.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path(std::string_view name = "") const;
  // Writes a file (again) and gives its path.
  std::string write(std::string_view name, std::string_view bytes) const;

 private:
  std::filesystem::path root_;
};

// The `count` low bytes of `number`, little-endian.
std::string le(std::uint64_t number, int count);

// 1.0f, 2.0f, ... as bytes.
std::string floats(int count);

std::string safetensors(std::string_view header, std::string_view data);
// One npy array; `descr` and `shape` as Python writes them ("'<f4'", "(2, 3)").
std::string npy(std::string_view descr, std::string_view shape, std::string_view data, int version = 1,
                std::string_view order = "False");

struct ZipMember {
  std::string name;
  std::string data;
  bool deflate = false;
  std::string local_name = {};  // where it differs
  int method = -1;              // where it lies
  int flags = 0;
  std::uint32_t crc_change = 0;     // added to the true one
  std::uint64_t claimed_extra = 0;  // added to the unpacked size
  bool repeats_previous = false;    // the directory points at the local header before
};
std::string zip(const std::vector<ZipMember>& members);

// Torch pickles of protocol 2 without memo, opcode by opcode.
namespace pickle {
std::string text(std::string_view value);
std::string integer(std::uint32_t value);
std::string tuple(const std::vector<std::string>& items);
std::string global(std::string_view module, std::string_view name);
std::string call(const std::string& callable, const std::string& args);
std::string dict(const std::vector<std::pair<std::string, std::string>>& items);
std::string storage(std::string_view type, std::string_view key, std::uint32_t count);
std::string tensor(const std::string& storage, std::uint32_t offset, const std::vector<std::uint32_t>& shape,
                   const std::vector<std::uint32_t>& strides);
std::string whole(const std::string& value);
}  // namespace pickle

struct Record {
  std::string key;
  std::string data;
};
std::vector<ZipMember> torch_members(std::string pickle, const std::vector<Record>& records,
                                     std::string_view byteorder = "");
std::string torch(std::string pickle, const std::vector<Record>& records, std::string_view byteorder = "");

// A checkpoint of torch.distributed: its .metadata, and what its one file holds, part by part (`gap` bytes may be
// missing between the first two).
std::string checkpoint_metadata(std::string_view file = "__0_0.distcp", std::uint32_t gap = 0);
std::array<std::string, 3> checkpoint_parts();

// Writes what samples that name other files want beside them.
void write_neighbours(const Folder& folder);

// One small good file of every kind that can be recognised, with the reader that must take it.
struct Sample {
  std::string name;
  std::string reader;
  std::string bytes;
  bool is_lines = false;  // a part of it may be a good file too
};
std::vector<Sample> samples();

// All stored bytes of a tensor; what went wrong instead, as text, in `fault`.
std::string read_all(const lowp::TensorView& tensor, std::string* fault = nullptr);
std::string read_all(const lowp::ByteSource& source, const lowp::TensorView& tensor, std::string* fault = nullptr);
// Its elements in row-major order.
std::string read_row_major(const lowp::TensorView& tensor, std::string* fault = nullptr);

// Opens `path` with every reader and reads all it gives; checks what the contracts promise of whatever is accepted.
// Returns how many readers accepted it.
int exercise(const std::string& path, const lowp::OpenOptions& options);

// The only input of `path`, which must open.
lowp::Input open_one(const std::string& path, const lowp::OpenOptions& options = {});
// The message of `path`, which must not open.
std::string refusal(const std::string& path, const lowp::OpenOptions& options = {});

}  // namespace lowp_test
