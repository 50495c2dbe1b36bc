// SPDX-License-Identifier: Apache-2.0
// The fields of APPNOTE.TXT 4.3.7 (local header), 4.3.12 (directory), 4.3.14 to 4.3.16 (ends), 4.5.3 (zip64).
#include "lowp/tensor/entry_offsets.h"

#include <algorithm>

#include "lowp/tensor/checked.h"

namespace lowp {
namespace {

constexpr std::uint64_t end_bytes = 22, locator_bytes = 20, end64_bytes = 56, record_bytes = 46, local_bytes = 30;
constexpr std::uint64_t max_comment = 65535;
constexpr std::uint64_t max_directory_bytes = std::uint64_t{256} << 20;
constexpr std::uint32_t beyond_32_bits = 0xFFFFFFFF;

using Bytes = std::vector<std::byte>;

std::optional<Bytes> read_bytes(const File& file, std::uint64_t offset, std::uint64_t size) {
  if (offset > file.size() || size > file.size() - offset) return std::nullopt;
  Bytes bytes(static_cast<std::size_t>(size));
  if (!file.read(offset, bytes)) return std::nullopt;
  return bytes;
}

std::uint64_t field(std::span<const std::byte> bytes, std::uint64_t at, std::size_t size) {
  return little_endian(bytes.subspan(static_cast<std::size_t>(at), size));
}

bool is_signature(std::span<const std::byte> bytes, std::uint64_t at, char third, char fourth) {
  return field(bytes, at, 4) ==
         (std::uint64_t{0x4B50} | static_cast<std::uint64_t>(third) << 16 | static_cast<std::uint64_t>(fourth) << 24);
}

struct Directory {
  std::uint64_t offset, size;
};

// The last record of the file says where the directory is; where 32 bits do not hold that, the zip64 one before it.
std::optional<Directory> find_directory(const File& file) {
  const std::uint64_t tail_bytes = std::min(file.size(), end_bytes + max_comment);
  const std::uint64_t tail_begin = file.size() - tail_bytes;
  const auto tail = read_bytes(file, tail_begin, tail_bytes);
  if (!tail || tail_bytes < end_bytes) return std::nullopt;
  std::uint64_t at = tail_bytes - end_bytes;
  while (!(is_signature(*tail, at, 5, 6) && field(*tail, at + 20, 2) == tail_bytes - at - end_bytes)) {
    if (at-- == 0) return std::nullopt;
  }
  const Directory directory{field(*tail, at + 16, 4), field(*tail, at + 12, 4)};
  const bool wide =
      directory.offset == beyond_32_bits || directory.size == beyond_32_bits || field(*tail, at + 10, 2) == 0xFFFF;
  if (!wide) return directory;
  if (tail_begin + at < locator_bytes) return std::nullopt;
  const auto locator = read_bytes(file, tail_begin + at - locator_bytes, locator_bytes);
  if (!locator || !is_signature(*locator, 0, 6, 7)) return directory;
  const auto end64 = read_bytes(file, field(*locator, 8, 8), end64_bytes);
  if (!end64 || !is_signature(*end64, 0, 6, 6)) return std::nullopt;
  return Directory{field(*end64, 48, 8), field(*end64, 40, 8)};
}

// The zip64 extra field holds, in this order, those of the three numbers that 32 bits do not.
bool widen(std::span<const std::byte> extra, DirectoryRecord& record) {
  std::uint64_t* const numbers[] = {&record.bytes, &record.packed_bytes, &record.local_header};
  if (std::ranges::none_of(numbers, [](const std::uint64_t* n) { return *n == beyond_32_bits; })) return true;
  while (extra.size() >= 4) {
    const auto size = static_cast<std::size_t>(field(extra, 2, 2));
    if (size > extra.size() - 4) return false;
    if (field(extra, 0, 2) != 1) {
      extra = extra.subspan(4 + size);
      continue;
    }
    std::span<const std::byte> held = extra.subspan(4, size);
    for (std::uint64_t* number : numbers) {
      if (*number != beyond_32_bits) continue;
      if (held.size() < 8) return false;
      *number = field(held, 0, 8);
      held = held.subspan(8);
    }
    return true;
  }
  return false;
}

}  // namespace

std::optional<std::vector<DirectoryRecord>> read_directory(const File& file) {
  const auto directory = find_directory(file);
  if (!directory || directory->size > max_directory_bytes) return std::nullopt;
  const auto bytes = read_bytes(file, directory->offset, directory->size);
  if (!bytes) return std::nullopt;
  std::vector<DirectoryRecord> records;
  for (std::uint64_t at = 0; at < bytes->size();) {
    if (bytes->size() - at < record_bytes || !is_signature(*bytes, at, 1, 2)) return std::nullopt;
    const std::uint64_t name = field(*bytes, at + 28, 2), extra = field(*bytes, at + 30, 2);
    const std::uint64_t next = record_bytes + name + extra + field(*bytes, at + 32, 2);
    if (next > bytes->size() - at) return std::nullopt;
    DirectoryRecord record{{}, field(*bytes, at + 20, 4), field(*bytes, at + 24, 4), field(*bytes, at + 42, 4)};
    const auto text = std::span(*bytes).subspan(static_cast<std::size_t>(at + record_bytes));
    record.name.assign(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(name));
    if (!widen(text.subspan(static_cast<std::size_t>(name), static_cast<std::size_t>(extra)), record))
      return std::nullopt;
    records.push_back(std::move(record));
    at += next;
  }
  return records;
}

std::optional<std::uint64_t> data_offset(const File& file, const DirectoryRecord& record) {
  const auto local = read_bytes(file, record.local_header, local_bytes);
  if (!local || !is_signature(*local, 0, 3, 4)) return std::nullopt;
  const std::uint64_t names = field(*local, 26, 2) + field(*local, 28, 2);
  const auto begin = checked_sum(record.local_header, local_bytes + names);
  if (!begin || *begin > file.size() || record.packed_bytes > file.size() - *begin) return std::nullopt;
  return begin;
}

}  // namespace lowp
