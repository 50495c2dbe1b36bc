// SPDX-License-Identifier: Apache-2.0
// libzip over our own pread source for deflated entries, which it only ever reads forwards; stored ones are read from
// the file itself. Empty entries are never opened: seeking in an empty stored entry crashes libzip 1.7.3.
#include "lowp/tensor/zip.h"

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <set>
#include <unordered_map>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/entry_checksum.h"
#include "lowp/tensor/entry_offsets.h"
#include "lowp/tensor/zip_handle.h"

namespace lowp {
namespace {

using zip_handle::Handle;
using zip_handle::open_handle;
using zip_handle::text_of;

constexpr std::size_t max_idle_handles = 4;
constexpr zip_uint16_t method_stored = ZIP_CM_STORE;
constexpr zip_uint16_t method_deflated = ZIP_CM_DEFLATE;

class Archive;

// A handle borrowed from its archive for as long as this lives.
class Lease {
 public:
  Lease(std::shared_ptr<const Archive> archive, std::unique_ptr<Handle> handle)
      : archive_(std::move(archive)), handle_(std::move(handle)) {}
  Lease(Lease&&) = default;
  ~Lease();
  Handle& handle() const { return *handle_; }
  const Archive& archive() const { return *archive_; }

 private:
  std::shared_ptr<const Archive> archive_;
  std::unique_ptr<Handle> handle_;
};

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
    auto handle = open_handle(file_, ZIP_CHECKCONS);
    if (!handle) return handle.error();
    const zip_int64_t count = zip_get_num_entries((*handle)->archive, 0);
    std::uint64_t packed = 0;
    std::vector<bool> stored;
    for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(std::max<zip_int64_t>(count, 0)); ++i) {
      zip_stat_t stat;
      if (zip_stat_index((*handle)->archive, i, ZIP_FL_ENC_RAW, &stat) != 0) {
        return fault(fmt::format("readable entry {}", i), text_of(*zip_get_error((*handle)->archive)));
      }
      if (auto error = entry_fault(i, stat)) return *std::move(error);
      packed = checked_sum(packed, stat.comp_size).value_or(~std::uint64_t{0});
      entries_.push_back({stat.name, i, stat.size, stat.crc, std::nullopt});
      stored.push_back(stat.comp_method == method_stored && (stat.valid & ZIP_STAT_CRC) != 0);
    }
    if (packed > file_->size()) return fault("zip entries that do not overlap", "more packed bytes than the file has");
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (!by_name_.emplace(entries_[i].name, i).second) {
        return fault("zip entries of different names", "'" + entries_[i].name + "' twice");
      }
    }
    locate(stored);
    give_back(*std::move(handle));
    return Done{};
  }

  Result<Lease> lease() const {
    const std::shared_ptr<const Archive> self = shared_from_this();
    auto descriptor = file_->descriptor();
    if (!descriptor) return descriptor.error();
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Handle> handle = std::move(idle_.back());
        idle_.pop_back();
        handle->descriptor = *descriptor;
        return Lease(self, std::move(handle));
      }
    }
    auto handle = open_handle(file_, 0);
    if (!handle) return handle.error();
    return Lease(self, *std::move(handle));
  }
  void give_back(std::unique_ptr<Handle> handle) const {
    handle->descriptor.reset();
    handle->read_error.reset();
    const std::lock_guard lock(mutex_);
    if (idle_.size() < max_idle_handles) idle_.push_back(std::move(handle));
  }

  Checksums checksums() const { return checksums_; }
  void doubt(std::uint64_t index) const {
    const std::lock_guard lock(mutex_);
    doubted_.insert(index);
  }
  bool is_doubted(std::uint64_t index) const {
    const std::lock_guard lock(mutex_);
    return doubted_.contains(index);
  }

 private:
  // Stored entries whose place is certain: our reading of the directory says what libzip's does.
  void locate(const std::vector<bool>& stored) {
    checksum_of_.resize(entries_.size());
    const auto records = read_directory(*file_);
    if (!records || records->size() != entries_.size()) return;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      ZipEntry& entry = entries_[i];
      const DirectoryRecord& record = (*records)[i];
      if (!stored[i] || record.name != entry.name || record.bytes != entry.bytes || record.packed_bytes != entry.bytes)
        continue;
      entry.data_begin = data_offset(*file_, record);
      if (!entry.data_begin) continue;
      checksum_of_[i] =
          std::make_shared<EntryChecksum>(where(entry), entry.bytes, entry.crc, checksums_ == Checksums::enforced);
    }
  }

  Error fault(std::string wanted, std::string found) const {
    return {file_->path(), std::nullopt, std::move(wanted), std::move(found)};
  }
  std::optional<Error> entry_fault(zip_uint64_t index, const zip_stat_t& stat) const {
    constexpr zip_uint64_t needed =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if ((stat.valid & needed) != needed) return fault(fmt::format("a full description of entry {}", index), "less");
    if (stat.encryption_method != ZIP_EM_NONE) {
      return fault("zip entries without encryption", fmt::format("'{}' encrypted", stat.name));
    }
    if (stat.comp_method != method_stored && stat.comp_method != method_deflated) {
      return fault("zip entries stored or deflated", fmt::format("'{}' by method {}", stat.name, stat.comp_method));
    }
    if (stat.comp_method == method_stored && stat.comp_size != stat.size) {
      return fault(fmt::format("{} bytes in stored entry '{}'", stat.size, stat.name),
                   fmt::format("{}", stat.comp_size));
    }
    return std::nullopt;
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  std::shared_ptr<const File> file_;
  Checksums checksums_;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> by_name_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Handle>> idle_;
  mutable std::set<std::uint64_t> doubted_;
  std::vector<std::shared_ptr<EntryChecksum>> checksum_of_;  // of the entries with a data_begin
};

Lease::~Lease() {
  if (handle_) archive_->give_back(std::move(handle_));
}

class EntryStream final : public ByteStream {
 public:
  EntryStream(Lease lease, zip_file_t* file, const ZipEntry& entry, std::uint64_t begin, std::uint64_t end)
      : lease_(std::move(lease)), file_(file), entry_(entry), begin_(begin), end_(end) {}
  ~EntryStream() override { zip_fclose(file_); }

  Result<Done> read(std::span<std::byte> out) override {
    if (out.size() > end_ - std::max(at_, begin_)) return fault(fmt::format("{} bytes", out.size()), "fewer");
    std::array<std::byte, 65536> skipped;
    while (at_ < begin_) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(skipped.size(), begin_ - at_));
      if (auto done = fill(std::span(skipped).first(count)); !done) return done;
    }
    if (auto done = fill(out); !done) return done;
    if (at_ == entry_.bytes && !finished_) return finish();
    return Done{};
  }

 private:
  Error fault(std::string wanted, std::string found) const {
    return {lease_.archive().where(entry_), at_, std::move(wanted), std::move(found)};
  }
  Error libzip_fault(std::string wanted) const {
    if (lease_.handle().read_error) return *lease_.handle().read_error;
    return fault(std::move(wanted), text_of(*zip_file_get_error(file_)));
  }
  Result<Done> fill(std::span<std::byte> out) {
    while (!out.empty()) {
      const zip_int64_t got = zip_fread(file_, out.data(), out.size());
      if (got < 0) return libzip_fault("readable data");
      if (got == 0) return fault(fmt::format("{} more bytes", out.size()), "the end of the entry");
      at_ += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return Done{};
  }
  // One more read makes libzip see the end, and with it compare the CRC.
  Result<Done> finish() {
    finished_ = true;
    std::byte beyond{};
    const zip_int64_t got = zip_fread(file_, &beyond, 1);
    if (got == 0) return Done{};
    if (got > 0) return fault("the end of the entry", "more data");
    const bool checksum = zip_error_code_zip(zip_file_get_error(file_)) == ZIP_ER_CRC;
    if (!checksum || lease_.archive().checksums() == Checksums::enforced)
      return libzip_fault("data that match their CRC");
    lease_.archive().doubt(entry_.index);
    return Done{};
  }

  Lease lease_;
  zip_file_t* file_;
  const ZipEntry& entry_;  // lives in the archive, which the lease keeps
  std::uint64_t begin_;
  std::uint64_t end_;
  std::uint64_t at_ = 0;
  bool finished_ = false;
};

class EntryRange final : public ByteSource {
 public:
  EntryRange(std::shared_ptr<const Archive> archive, const ZipEntry& entry, std::uint64_t begin, std::uint64_t size)
      : archive_(std::move(archive)), entry_(entry), begin_(begin), size_(size) {}

  std::uint64_t size() const override { return size_; }
  bool random_access() const override { return false; }
  std::optional<std::string> doubt() const override {
    if (!archive_->is_doubted(entry_.index)) return std::nullopt;
    return archive_->where(entry_) + ": the CRC does not match";
  }
  Result<std::unique_ptr<ByteStream>> stream([[maybe_unused]] std::uint64_t begin) const override {
    assert(begin == 0);
    auto lease = archive_->lease();
    if (!lease) return lease.error();
    zip_t* archive = lease->handle().archive;
    zip_file_t* file = zip_fopen_index(archive, entry_.index, 0);
    if (file == nullptr) {
      return Error{archive_->where(entry_), std::nullopt, "a readable entry", text_of(*zip_get_error(archive))};
    }
    return std::unique_ptr<ByteStream>(
        std::make_unique<EntryStream>(*std::move(lease), file, entry_, begin_, begin_ + size_));
  }

 private:
  std::shared_ptr<const Archive> archive_;
  const ZipEntry& entry_;
  std::uint64_t begin_;
  std::uint64_t size_;
};

std::shared_ptr<const ByteSource> Archive::range(const ZipEntry& entry, std::uint64_t begin, std::uint64_t size) const {
  assert(begin <= entry.bytes && size <= entry.bytes - begin);
  if (size == 0) return empty_source();
  if (entry.data_begin) {
    return checked_range(checksum_of_[entry.index], begin, file_range(file_, *entry.data_begin + begin, size));
  }
  return std::make_shared<const EntryRange>(shared_from_this(), entry, begin, size);
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
