// SPDX-License-Identifier: Apache-2.0
// THE TABLE of readers: one row makes a file format known everywhere.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/step_series.h"

namespace lowp {

// The one array that begins in a pipe, where its header ended.
struct StreamedArray {
  const Dtype* dtype = nullptr;  // nullptr: not read, `skip` says why
  std::string skip;
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
  std::uint64_t elements = unknown_size;
  bool ends = false;  // nothing may follow it
};

// A reader is what its row says; nobody asks for one by its name.
struct Reader {
  std::string_view name;        // "safetensors"
  std::string_view extensions;  // space-separated, for help texts and directories: ".safetensors"
  std::string_view what;        // one line for --help
  // Whether a file with this name and these first bytes (at most 4096, fewer if the file is shorter) is of this kind.
  bool (*sniff)(std::string_view path, std::span<const std::byte> head);
  Result<Input> (*open)(const std::string& path, const OpenOptions& options) = nullptr;
  // Of files that hold many steps, in place of `open`: all of them, at least one.
  Result<std::vector<Input>> (*open_run)(const std::string& path, const OpenOptions& options) = nullptr;
  // Reads up to the first element of what comes through a pipe; null for files that are read in places.
  Result<StreamedArray> (*start)(ByteStream& stream, const std::string& name, const OpenOptions& options) = nullptr;
  bool claims_files = false;     // an index: the other files of its input are no dumps of their own
  bool takes_any_bytes = false;  // once OpenOptions::raw_dtype says what they are
};

std::span<const Reader> readers();

// What a file holds, by whichever of the two the row has.
Result<std::vector<Input>> open_steps(const Reader& reader, const std::string& path, const OpenOptions& options);

// "safetensors, npy, ...".
std::string reader_names();

}  // namespace lowp
