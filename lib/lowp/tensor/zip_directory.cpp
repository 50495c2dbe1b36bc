// SPDX-License-Identifier: Apache-2.0
// The fields of APPNOTE.TXT 4.3.7 (local header), 4.3.12 (directory), 4.3.14 to 4.3.16 (ends), 4.4.4 (flags), 4.5.3
// (zip64).
#include "lowp/tensor/zip_directory.h"

#include <fmt/format.h>

#include <algorithm>

#include "lowp/tensor/checked.h"

namespace lowp {
namespace {

constexpr std::uint64_t end_bytes = 22, locator_bytes = 20, end64_bytes = 56, record_bytes = 46, local_bytes = 30;
constexpr std::uint64_t max_comment = 65535;
constexpr std::uint64_t max_directory_bytes = std::uint64_t{256} << 20;
constexpr std::uint32_t beyond_32_bits = 0xFFFFFFFF, beyond_16_bits = 0xFFFF;
constexpr std::uint64_t flag_encrypted = 1 << 0 | 1 << 6 | 1 << 13, flag_descriptor = 1 << 3;
constexpr std::uint64_t method_stored = 0, method_deflated = 8;

using Bytes = std::vector<std::byte>;

std::uint64_t field(std::span<const std::byte> bytes, std::uint64_t at, std::size_t size) {
  return little_endian(bytes.subspan(static_cast<std::size_t>(at), size));
}

bool is_signature(std::span<const std::byte> bytes, std::uint64_t at, char third, char fourth) {
  return field(bytes, at, 4) ==
         (std::uint64_t{0x4B50} | static_cast<std::uint64_t>(third) << 16 | static_cast<std::uint64_t>(fourth) << 24);
}

struct Directory {
  std::uint64_t offset = 0, size = 0, entries = 0, end = 0;  // `end`: where the records after it begin
};

// The zip64 extra field holds, in this order, those of the numbers that 32 bits do not.
bool widen(std::span<const std::byte> extra, std::span<std::uint64_t* const> numbers) {
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

class Reading {
 public:
  explicit Reading(const File& file) : file_(file) {}

  Result<std::vector<DirectoryRecord>> records() {
    const auto directory = find();
    if (!directory) return directory.error();
    auto records = listed(*directory);
    if (!records) return records;
    std::uint64_t packed = 0;
    for (DirectoryRecord& record : *records) {
      if (auto done = hold_against_local(record, directory->offset); !done) return done.error();
      packed = checked_sum(packed, record.packed_bytes).value_or(~std::uint64_t{0});
    }
    if (packed > file_.size()) return fault("zip entries that do not overlap", "more packed bytes than the file has");
    if (auto done = want_apart(*records); !done) return done.error();
    return records;
  }

 private:
  Error fault(std::string wanted, std::string found, std::optional<std::uint64_t> at = {}) const {
    return {file_.path(), at, std::move(wanted), std::move(found)};
  }
  Error broken(std::string found, std::optional<std::uint64_t> at = {}) const {
    return fault("a whole and consistent zip archive", std::move(found), at);
  }
  static std::string quoted(const std::string& name) { return "'" + name + "'"; }

  Result<Bytes> bytes_at(std::uint64_t offset, std::uint64_t size, const char* what) const {
    if (offset > file_.size() || size > file_.size() - offset) return broken(fmt::format("{} beyond its end", what), offset);
    Bytes bytes(static_cast<std::size_t>(size));
    if (auto done = file_.read(offset, bytes); !done) return done.error();
    return bytes;
  }

  // The last record of the file says where the directory is; where 32 bits do not hold that, the zip64 one before it.
  Result<Directory> find() const {
    const std::uint64_t tail_bytes = std::min(file_.size(), end_bytes + max_comment);
    const std::uint64_t tail_begin = file_.size() - tail_bytes;
    const auto tail = bytes_at(tail_begin, tail_bytes, "bytes");
    if (!tail) return tail.error();
    std::uint64_t at = tail_bytes < end_bytes ? 0 : tail_bytes - end_bytes + 1;
    bool found = false;
    while (!found && at-- > 0) found = is_signature(*tail, at, 5, 6) && field(*tail, at + 20, 2) == tail_bytes - at - end_bytes;
    if (!found) return broken("no end of a central directory");
    Directory directory{field(*tail, at + 16, 4), field(*tail, at + 12, 4), field(*tail, at + 10, 2), tail_begin + at};
    if (field(*tail, at + 4, 2) != field(*tail, at + 6, 2)) return broken("one of several files");
    const bool wide = directory.offset == beyond_32_bits || directory.size == beyond_32_bits || directory.entries == beyond_16_bits;
    if (wide && directory.end >= locator_bytes) {
      const auto locator = bytes_at(directory.end - locator_bytes, locator_bytes, "a locator");
      if (!locator) return locator.error();
      if (is_signature(*locator, 0, 6, 7)) {
        const std::uint64_t end64 = field(*locator, 8, 8);
        const auto record = bytes_at(end64, end64_bytes, "the end of the central directory");
        if (!record) return record.error();
        if (!is_signature(*record, 0, 6, 6)) return broken("no zip64 end of the central directory", end64);
        directory = {field(*record, 48, 8), field(*record, 40, 8), field(*record, 32, 8), end64};
      }
    }
    const auto end = checked_sum(directory.offset, directory.size);
    if (!end || *end > directory.end) return broken("a central directory beyond its end", directory.end);
    if (directory.size > max_directory_bytes) return fault("a central directory of at most 256 MiB", fmt::format("{} bytes", directory.size));
    return directory;
  }

  Result<std::vector<DirectoryRecord>> listed(const Directory& directory) const {
    const auto bytes = bytes_at(directory.offset, directory.size, "the central directory");
    if (!bytes) return bytes.error();
    std::vector<DirectoryRecord> records;
    for (std::uint64_t at = 0; at < bytes->size();) {
      const std::uint64_t where = directory.offset + at;
      if (bytes->size() - at < record_bytes || !is_signature(*bytes, at, 1, 2)) return broken("no record of its directory", where);
      const std::uint64_t name = field(*bytes, at + 28, 2), extra = field(*bytes, at + 30, 2);
      const std::uint64_t next = record_bytes + name + extra + field(*bytes, at + 32, 2);
      if (next > bytes->size() - at) return broken("a cut record of its directory", where);
      DirectoryRecord record;
      record.packed_bytes = field(*bytes, at + 20, 4);
      record.bytes = field(*bytes, at + 24, 4);
      record.local_header = field(*bytes, at + 42, 4);
      record.crc = static_cast<std::uint32_t>(field(*bytes, at + 16, 4));
      const auto text = std::span(*bytes).subspan(static_cast<std::size_t>(at + record_bytes));
      record.name.assign(reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(name));
      std::uint64_t* const numbers[] = {&record.bytes, &record.packed_bytes, &record.local_header};
      if (!widen(text.subspan(static_cast<std::size_t>(name), static_cast<std::size_t>(extra)), numbers))
        return broken(fmt::format("{} without its zip64 sizes", quoted(record.name)), where);
      if (auto wrong = unread(record, field(*bytes, at + 8, 2), field(*bytes, at + 10, 2))) return *std::move(wrong);
      record.is_deflated = field(*bytes, at + 10, 2) == method_deflated;
      records.push_back(std::move(record));
      at += next;
    }
    if (records.size() != directory.entries)
      return broken(fmt::format("{} of {} entries in its directory", records.size(), directory.entries));
    return records;
  }

  // What we do not read.
  std::optional<Error> unread(const DirectoryRecord& record, std::uint64_t flags, std::uint64_t method) const {
    if ((flags & flag_encrypted) != 0) return fault("zip entries without encryption", quoted(record.name) + " encrypted");
    if (method != method_stored && method != method_deflated)
      return fault("zip entries stored or deflated", fmt::format("{} by method {}", quoted(record.name), method));
    if (method == method_stored && record.packed_bytes != record.bytes)
      return fault(fmt::format("{} bytes in stored entry {}", record.bytes, quoted(record.name)), fmt::format("{}", record.packed_bytes));
    return {};
  }

  // The local header must say the same, but for what it leaves to a descriptor behind the data.
  Result<Done> hold_against_local(DirectoryRecord& record, std::uint64_t directory) const {
    const std::uint64_t at = record.local_header;
    const auto local = bytes_at(at, local_bytes, "a local header");
    if (!local) return local.error();
    const auto differs = [&](const char* what) {
      return broken(fmt::format("another {} of {} in its local header", what, quoted(record.name)), at);
    };
    if (!is_signature(*local, 0, 3, 4)) return broken("no local header of " + quoted(record.name), at);
    const std::uint64_t name_bytes = field(*local, 26, 2), extra_bytes = field(*local, 28, 2);
    const auto names = bytes_at(at + local_bytes, name_bytes + extra_bytes, "a local header");
    if (!names) return names.error();
    record.data_begin = at + local_bytes + names->size();
    const auto end = checked_sum(record.data_begin, record.packed_bytes);
    if (!end || *end > directory) return broken(fmt::format("data of {} beyond the entries", quoted(record.name)), at);
    const std::string_view name(reinterpret_cast<const char*>(names->data()), static_cast<std::size_t>(name_bytes));
    const std::uint64_t flags = field(*local, 6, 2);
    if (name != record.name) return differs("name");
    if ((flags & flag_encrypted) != 0) return differs("encryption");
    if (field(*local, 8, 2) != (record.is_deflated ? method_deflated : method_stored)) return differs("method");
    if ((flags & flag_descriptor) != 0) return Done{};
    std::uint64_t packed = field(*local, 18, 4), bytes = field(*local, 22, 4);
    std::uint64_t* const numbers[] = {&bytes, &packed};
    if (!widen(std::span(*names).subspan(static_cast<std::size_t>(name_bytes)), numbers)) return differs("size");
    if (packed != record.packed_bytes || bytes != record.bytes) return differs("size");
    if (field(*local, 14, 4) != record.crc) return differs("CRC");
    return Done{};
  }

  // No two entries share a byte.
  Result<Done> want_apart(const std::vector<DirectoryRecord>& records) const {
    std::vector<const DirectoryRecord*> order;
    for (const DirectoryRecord& record : records) order.push_back(&record);
    std::ranges::sort(order, {}, &DirectoryRecord::local_header);
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (order[i - 1]->data_begin + order[i - 1]->packed_bytes > order[i]->local_header)
        return fault("zip entries that do not overlap", quoted(order[i - 1]->name) + " and " + quoted(order[i]->name));
    }
    return Done{};
  }

  const File& file_;
};

}  // namespace

Result<std::vector<DirectoryRecord>> read_zip_directory(const File& file) {
  return Reading(file).records();
}

}  // namespace lowp
