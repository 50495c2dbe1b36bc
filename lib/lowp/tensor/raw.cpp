// SPDX-License-Identifier: Apache-2.0
// Raw binary: the file says nothing, so OpenOptions must.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/file.h"
#include "lowp/tensor/reader_rows.h"

namespace lowp {

Result<Input> open_raw(const std::string& path, const OpenOptions& options) {
  const Dtype* dtype = options.raw_dtype;
  if (dtype == nullptr) return Error{path, std::nullopt, "a dtype for raw binary data", "none"};
  const auto file = File::open(path);
  if (!file) return file.error();
  const std::uint64_t size = (*file)->size();
  if (options.raw_offset > size) {
    return Error{path, std::nullopt, fmt::format("data at offset {}", options.raw_offset),
                 fmt::format("a file of {} bytes", size)};
  }
  const std::uint64_t available = size - options.raw_offset;
  const auto element_bytes = static_cast<std::uint64_t>(dtype->bytes);
  if (!options.raw_count && available % element_bytes != 0) {
    return Error{path, options.raw_offset, fmt::format("whole {} elements of {} bytes", dtype->name, element_bytes),
                 fmt::format("{} bytes", available)};
  }
  const std::uint64_t count = options.raw_count.value_or(available / element_bytes);
  const auto bytes = checked_product(count, element_bytes);
  if (count > max_elements || !bytes || *bytes > available) {
    return Error{path, options.raw_offset, fmt::format("{} {} elements of {} bytes", count, dtype->name, element_bytes),
                 fmt::format("{} bytes", available)};
  }
  TensorView view;
  view.name = std::filesystem::path(path).stem().string();
  view.dtype = dtype;
  view.shape = {count};
  view.elements = count;
  view.source = file_range(*file, options.raw_offset, *bytes);
  if (options.raw_big_endian) view.source = byte_swapped(view.source, dtype->bytes);

  Input input;
  input.path = path;
  input.bytes = size;
  input.tensors.push_back(std::move(view));
  input.files = {(*file)->stamp()};
  return input;
}

Result<StreamedArray> start_raw(ByteStream& stream, const std::string& name, const OpenOptions& options) {
  if (options.raw_dtype == nullptr) return Error{name, std::nullopt, "a dtype for raw binary data", "none"};
  std::vector<std::byte> skipped(static_cast<std::size_t>(std::min<std::uint64_t>(options.raw_offset, 1 << 16)));
  for (std::uint64_t left = options.raw_offset; left != 0;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left, skipped.size()));
    if (const auto done = stream.read(std::span(skipped).first(count)); !done) return done.error();
    left -= count;
  }
  StreamedArray array;
  array.dtype = options.raw_dtype;
  array.big_endian = options.raw_big_endian;
  if (!options.raw_count) return array;
  const auto bytes = checked_product(*options.raw_count, static_cast<std::uint64_t>(array.dtype->bytes));
  if (*options.raw_count > max_elements || !bytes)
    return Error{name, std::nullopt, fmt::format("at most {} elements", max_elements),
                 fmt::format("{}", *options.raw_count)};
  array.elements = *options.raw_count;
  array.shape = {*options.raw_count};
  return array;
}

}  // namespace lowp
