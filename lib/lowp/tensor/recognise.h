// SPDX-License-Identifier: Apache-2.0
// Which reader a file is for, and what a file is that is for none.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "lowp/tensor/readers.h"

namespace lowp {

inline constexpr std::size_t head_bytes = 4096;

// The reader of a file with this name that begins with `head`, nullptr if none knows it. With a raw dtype given, what
// is not certainly something else is raw data, if the user named the file or its extension says so. An Error names
// kinds of files that are no dumps but are often met (a web page, a pointer of Git LFS).
Result<const Reader*> recognise_head(const std::string& path, std::span<const std::byte> head,
                                     const OpenOptions& options, bool named_by_user);

// The same for a file.
Result<const Reader*> recognise(const std::string& path, const OpenOptions& options, bool named_by_user);

}  // namespace lowp
