// SPDX-License-Identifier: Apache-2.0
// npz: a zip of npy arrays, stored or deflated.
#include <fmt/format.h>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/npy.h"
#include "lowp/tensor/reader_rows.h"
#include "lowp/tensor/skip_log.h"
#include "lowp/tensor/zip.h"

namespace lowp {
namespace {

Result<Done> add_array(const ZipArchive& archive, const ZipEntry& entry, const OpenOptions& options, Input& input,
                       SkipLog& skips) {
  constexpr std::string_view suffix = ".npy";
  if (!entry.name.ends_with(suffix)) {
    skips.skip(entry.name, "not an npy array");
    return Done{};
  }
  const std::string name = entry.name.substr(0, entry.name.size() - suffix.size());
  const auto stream = archive.range(entry, 0, entry.bytes)->stream(0);
  if (!stream) return stream.error();
  const auto header = read_npy_header(**stream, entry.bytes, archive.where(entry), 0, options);
  if (!header) return header.error();  // no array at all: the archive is damaged
  if (header->elements.dtype == nullptr) {
    skips.skip(name, header->elements.skip);
    return Done{};
  }
  input.tensors.push_back(npy_view(
      name, *header, archive.range(entry, header->data_begin, entry.bytes - header->data_begin), archive.where(entry)));
  return Done{};
}

}  // namespace

Result<Input> open_npz(const std::string& path, const OpenOptions& options) {
  const auto file = File::open(path);
  if (!file) return file.error();
  const auto archive = ZipArchive::open(*file, Checksums::enforced);
  if (!archive) return archive.error();
  Input input;
  input.path = path;
  input.bytes = (*file)->size();
  input.files = {(*file)->stamp()};
  SkipLog skips;
  for (const ZipEntry& entry : (*archive)->entries()) {
    if (const auto done = add_array(**archive, entry, options, input, skips); !done) return done.error();
  }
  input.notes = skips.notes();
  return input;
}

}  // namespace lowp
