// SPDX-License-Identifier: Apache-2.0
// The functions behind the rows of readers.cpp. Each is total: any bytes give an Input or an Error.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "lowp/tensor/readers.h"

namespace lowp {

Result<Input> open_binades(const std::string& path, const OpenOptions& options);
Result<Input> open_safetensors(const std::string& path, const OpenOptions& options);
Result<Input> open_safetensors_index(const std::string& path, const OpenOptions& options);
Result<Input> open_torch_index(const std::string& path, const OpenOptions& options);
Result<Input> open_npy(const std::string& path, const OpenOptions& options);
Result<Input> open_npz(const std::string& path, const OpenOptions& options);
Result<Input> open_torch(const std::string& path, const OpenOptions& options);
Result<Input> open_torch_dcp(const std::string& path, const OpenOptions& options);
Result<Input> open_raw(const std::string& path, const OpenOptions& options);

Result<StreamedArray> start_npy(ByteStream& stream, const std::string& name, const OpenOptions& options);
Result<StreamedArray> start_raw(ByteStream& stream, const std::string& name, const OpenOptions& options);

bool sniff_binades(std::string_view path, std::span<const std::byte> head);
bool sniff_safetensors(std::string_view path, std::span<const std::byte> head);
bool sniff_safetensors_index(std::string_view path, std::span<const std::byte> head);
bool sniff_torch_index(std::string_view path, std::span<const std::byte> head);
bool sniff_npy(std::string_view path, std::span<const std::byte> head);
bool sniff_npz(std::string_view path, std::span<const std::byte> head);
bool sniff_torch(std::string_view path, std::span<const std::byte> head);
bool sniff_torch_dcp(std::string_view path, std::span<const std::byte> head);
bool sniff_raw(std::string_view path, std::span<const std::byte> head);

}  // namespace lowp
