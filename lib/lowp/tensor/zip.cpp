// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/zip.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <mutex>
#include <set>
#include <unordered_map>

#include "lowp/tensor/entry_checksum.h"
#include "lowp/tensor/inflated.h"
#include "lowp/tensor/zip_directory.h"

namespace lowp {
namespace {

class Archive final : public ZipArchive, public std::enable_shared_from_this<Archive> {
 public:
  Archive(std::shared_ptr<const File> file, Checksums checksums) : file_(std::move(file)), checksums_(checksums) {}

  const File& file() const override { return *file_; }
  const std::vector<ZipEntry>& entries() const override { return entries_; }
  const ZipEntry* find(std::string_view name) const override {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : &entries_[found->second];
  }
  std::shared_ptr<const ByteSource> range(const ZipEntry& entry, std::uint64_t begin,
                                          std::uint64_t size) const override;

  // Reads and checks the directory; to be called once, first.
  Result<Done> load() {
    auto records = read_zip_directory(*file_);
    if (!records) return records.error();
    records_ = *std::move(records);
    for (std::size_t i = 0; i < records_.size(); ++i) {
      const DirectoryRecord& record = records_[i];
      entries_.push_back({record.name, i, record.bytes, record.crc,
                          record.is_deflated ? std::nullopt : std::optional(record.data_begin)});
      if (!by_name_.emplace(record.name, i).second)
        return Error{file_->path(), std::nullopt, "zip entries of different names", "'" + record.name + "' twice"};
      checksum_of_.push_back(record.is_deflated ? nullptr
                                                : std::make_shared<EntryChecksum>(where(entries_.back()), record.bytes, record.crc,
                                                                                  checksums_ == Checksums::enforced));
    }
    return Done{};
  }

  Result<std::unique_ptr<ByteStream>> unpacked(const ZipEntry& entry, std::uint64_t begin, std::uint64_t size) const {
    const DirectoryRecord& record = records_[entry.index];
    Deflated deflated{record.data_begin, record.packed_bytes, record.bytes, record.crc, where(entry), {}};
    if (checksums_ == Checksums::noted) {
      deflated.wrong_crc = [self = shared_from_this(), index = entry.index] { self->doubt(index); };
    }
    return inflated_stream(file_, std::move(deflated), begin, size);
  }
  bool is_doubted(std::uint64_t index) const {
    const std::lock_guard lock(mutex_);
    return doubted_.contains(index);
  }

 private:
  void doubt(std::uint64_t index) const {
    const std::lock_guard lock(mutex_);
    doubted_.insert(index);
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  std::shared_ptr<const File> file_;
  Checksums checksums_;
  std::vector<DirectoryRecord> records_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> by_name_;
  std::vector<std::shared_ptr<EntryChecksum>> checksum_of_;  // of stored entries
  mutable std::mutex mutex_;
  mutable std::set<std::uint64_t> doubted_;
};

// Unpacked bytes of a deflated entry.
class UnpackedRange final : public ByteSource {
 public:
  UnpackedRange(std::shared_ptr<const Archive> archive, const ZipEntry& entry, std::uint64_t begin, std::uint64_t size)
      : archive_(std::move(archive)), entry_(entry), begin_(begin), size_(size) {}

  std::uint64_t size() const override { return size_; }
  bool random_access() const override { return false; }
  std::optional<std::string> doubt() const override {
    if (!archive_->is_doubted(entry_.index)) return std::nullopt;
    return archive_->where(entry_) + ": the CRC does not match";
  }
  Result<std::unique_ptr<ByteStream>> stream([[maybe_unused]] std::uint64_t begin) const override {
    assert(begin == 0);
    return archive_->unpacked(entry_, begin_, size_);
  }

 private:
  std::shared_ptr<const Archive> archive_;
  const ZipEntry& entry_;  // lives in the archive
  std::uint64_t begin_;
  std::uint64_t size_;
};

std::shared_ptr<const ByteSource> Archive::range(const ZipEntry& entry, std::uint64_t begin, std::uint64_t size) const {
  assert(begin <= entry.bytes && size <= entry.bytes - begin);
  if (size == 0) return empty_source();
  if (entry.data_begin) {
    return checked_range(checksum_of_[entry.index], begin, file_range(file_, *entry.data_begin + begin, size));
  }
  return std::make_shared<const UnpackedRange>(shared_from_this(), entry, begin, size);
}

}  // namespace

Result<std::shared_ptr<const ZipArchive>> ZipArchive::open(std::shared_ptr<const File> file, Checksums checksums) {
  auto archive = std::make_shared<Archive>(std::move(file), checksums);
  if (const auto done = archive->load(); !done) return done.error();
  return std::shared_ptr<const ZipArchive>(std::move(archive));
}

Result<std::string> ZipArchive::read_all(const ZipEntry& entry, std::uint64_t limit) const {
  if (entry.bytes > limit) {
    return Error{where(entry), std::nullopt, fmt::format("at most {} bytes", limit), fmt::format("{}", entry.bytes)};
  }
  // Grows with what is really there: a deflated entry may claim more than it holds.
  constexpr std::uint64_t block = std::uint64_t{1} << 20;
  std::string text;
  const auto stream = range(entry, 0, entry.bytes)->stream(0);
  if (!stream) return stream.error();
  while (text.size() < entry.bytes) {
    const auto at = text.size();
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(block, entry.bytes - at));
    text.resize(at + count);
    const auto out = std::as_writable_bytes(std::span(text)).subspan(at, count);
    if (const auto done = (*stream)->read(out); !done) return done.error();
  }
  return text;
}

std::string ZipArchive::where(const ZipEntry& entry) const {
  return file().path() + ": " + entry.name;
}

}  // namespace lowp
