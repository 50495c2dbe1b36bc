// SPDX-License-Identifier: Apache-2.0
// What the first bytes and the name of a file say. Content comes first; the name decides only where content does not.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace lowp {

using Head = std::span<const std::byte>;

bool is_npy(Head head);
bool is_zip(Head head);
bool is_tar(Head head);
bool is_legacy_torch(Head head);  // torch.save before 1.6, or with _use_new_zipfile_serialization=False
bool is_binades(Head head);       // a safetensors file whose metadata begin with "binades"
bool is_safetensors(Head head);   // a plausible length, then a JSON object
bool has_known_magic(Head head);  // any of npy, zip, legacy torch, safetensors

// Name of the first entry of a zip, as far as the head holds it; empty if there is none.
std::string_view first_zip_name(Head head);

// Whether `path` ends in one of the space-separated extensions, in any case.
bool has_extension(std::string_view path, std::string_view extensions);

}  // namespace lowp
