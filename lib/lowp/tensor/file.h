// SPDX-License-Identifier: Apache-2.0
// Files as ranges of bytes, read with pread: any number of threads, no mapping, an I/O fault is an Error.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "lowp/tensor/step_series.h"

namespace lowp {

// An open descriptor, closed with its last owner.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// A regular file, as large as it was when opened. Its descriptor is shared by all who read at the same time and closed
// when nobody does, so that a series may have more files than a process may have descriptors.
class File {
 public:
  // Missing, unreadable, not regular or empty: an Error.
  static Result<std::shared_ptr<const File>> open(const std::string& path);

  // A part of a file as a file of its own: offsets count from `begin`. The caller has checked that it is inside.
  static std::shared_ptr<const File> part(std::shared_ptr<const File> whole, std::uint64_t begin, std::uint64_t size);

  const std::string& path() const { return stamp_.path; }
  std::uint64_t size() const { return size_; }
  std::uint64_t begin() const { return begin_; }  // of a part, in what the descriptor reads
  const FileStamp& stamp() const { return stamp_; }

  // The shared descriptor, opened again if need be; an Error if the file is gone or is not what it was.
  Result<std::shared_ptr<const Descriptor>> descriptor() const;
  // Fills `out` from byte `offset` on, or says where the file ended or failed.
  Result<Done> read(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  FileStamp stamp_;
  std::shared_ptr<const File> whole_;  // of a part
  std::uint64_t begin_ = 0;
  std::uint64_t size_ = 0;
  mutable std::mutex mutex_;
  mutable std::weak_ptr<const Descriptor> shared_;
};

// Fills `out` from byte `offset` of `descriptor`; `path` names it in Errors.
Result<Done> read_at(const Descriptor& descriptor, const std::string& path, std::uint64_t offset,
                     std::span<std::byte> out);

// `size` bytes of a file from `begin` on; random access. The caller has checked them against the file's size.
std::shared_ptr<const ByteSource> file_range(std::shared_ptr<const File> file, std::uint64_t begin, std::uint64_t size);

// The same elements with the bytes of each in reverse order.
std::shared_ptr<const ByteSource> byte_swapped(std::shared_ptr<const ByteSource> source, int element_bytes);

// The same elements with the sign bit of each flipped: the top bit of the last of `element_bytes` bytes.
std::shared_ptr<const ByteSource> sign_flipped(std::shared_ptr<const ByteSource> source, int element_bytes);

// No bytes at all.
std::shared_ptr<const ByteSource> empty_source();

// That a file is not what it was when it was opened.
Error changed_error(const std::string& path);

// The state of `path` now; an Error if there is none.
Result<FileStamp> stamp_of(const std::string& path);

// What the operating system says about `code` (errno).
Error system_error(const std::string& path, int code);

}  // namespace lowp
