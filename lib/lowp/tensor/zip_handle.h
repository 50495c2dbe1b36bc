// SPDX-License-Identifier: Apache-2.0
// libzip over our own pread source. Include in .cpp files only.
#pragma once

#include <zip.h>

#include <memory>
#include <optional>
#include <string>

#include "lowp/tensor/file.h"

namespace lowp::zip_handle {

// One libzip archive object over the file. Used by one thread at a time; holds the descriptor only while leased.
struct Handle {
  std::shared_ptr<const File> file;
  std::shared_ptr<const Descriptor> descriptor;
  std::uint64_t position = 0;
  zip_error_t fault{};
  std::optional<Error> read_error;
  zip_t* archive = nullptr;

  explicit Handle(std::shared_ptr<const File> f) : file(std::move(f)) { zip_error_init(&fault); }
  ~Handle() {
    if (archive != nullptr) zip_discard(archive);
    zip_error_fini(&fault);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
};

// libzip's words for a fault, in quotes.
std::string text_of(zip_error_t& fault);

// Opens the archive; `flags` are libzip's (ZIP_CHECKCONS). An Error of the file itself comes before one of the archive.
Result<std::unique_ptr<Handle>> open_handle(const std::shared_ptr<const File>& file, int flags);

}  // namespace lowp::zip_handle
