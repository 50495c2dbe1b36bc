// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/zip_handle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <span>

namespace lowp::zip_handle {
namespace {

zip_int64_t read_source(Handle& handle, void* data, zip_uint64_t length) {
  const std::uint64_t left = handle.file->size() - handle.position;
  const std::uint64_t count = std::min<std::uint64_t>(length, left);
  const std::span out(static_cast<std::byte*>(data), static_cast<std::size_t>(count));
  if (const auto done = read_at(*handle.descriptor, handle.file->path(), handle.file->begin() + handle.position, out);
      !done) {
    handle.read_error = done.error();
    zip_error_set(&handle.fault, ZIP_ER_READ, EIO);
    return -1;
  }
  handle.position += count;
  return static_cast<zip_int64_t>(count);
}

// libzip's source protocol; what is not listed in SUPPORTS is never asked for.
zip_int64_t source_callback(void* user, void* data, zip_uint64_t length, zip_source_cmd_t command) {
  Handle& handle = *static_cast<Handle*>(user);
  switch (command) {
    case ZIP_SOURCE_OPEN: handle.position = 0; return 0;
    case ZIP_SOURCE_READ: return read_source(handle, data, length);
    case ZIP_SOURCE_CLOSE: return 0;
    case ZIP_SOURCE_STAT: {
      auto* stat = static_cast<zip_stat_t*>(data);
      zip_stat_init(stat);
      stat->size = handle.file->size();
      stat->valid = ZIP_STAT_SIZE;
      return sizeof(zip_stat_t);
    }
    case ZIP_SOURCE_ERROR: return zip_error_to_data(&handle.fault, data, length);
    case ZIP_SOURCE_FREE: return 0;
    case ZIP_SOURCE_SEEK: {
      const zip_int64_t to =
          zip_source_seek_compute_offset(handle.position, handle.file->size(), data, length, &handle.fault);
      if (to < 0) return -1;
      handle.position = static_cast<std::uint64_t>(to);
      return 0;
    }
    case ZIP_SOURCE_TELL: return static_cast<zip_int64_t>(handle.position);
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT,
                                            ZIP_SOURCE_ERROR, ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL,
                                            ZIP_SOURCE_SUPPORTS, -1);
    default: zip_error_set(&handle.fault, ZIP_ER_OPNOTSUPP, 0); return -1;
  }
}

}  // namespace

std::string text_of(zip_error_t& fault) {
  return fmt::format("'{}'", zip_error_strerror(&fault));
}

Result<std::unique_ptr<Handle>> open_handle(const std::shared_ptr<const File>& file, int flags) {
  auto descriptor = file->descriptor();
  if (!descriptor) return descriptor.error();
  auto handle = std::make_unique<Handle>(file);
  handle->descriptor = *descriptor;
  zip_error_t fault;
  zip_error_init(&fault);
  zip_source_t* source = zip_source_function_create(source_callback, handle.get(), &fault);
  if (source != nullptr) {
    handle->archive = zip_open_from_source(source, ZIP_RDONLY | flags, &fault);
    if (handle->archive == nullptr) zip_source_free(source);
  }
  Error error{file->path(), std::nullopt, "a whole and consistent zip archive", text_of(fault)};
  zip_error_fini(&fault);
  if (handle->archive != nullptr) return handle;
  return handle->read_error ? *handle->read_error : error;
}

}  // namespace lowp::zip_handle
