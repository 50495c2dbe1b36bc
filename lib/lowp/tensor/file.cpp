// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>

namespace lowp {
namespace {

FileStamp make_stamp(const std::string& path, const struct stat& status) {
  return {path, static_cast<std::uint64_t>(status.st_size),
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
          static_cast<std::uint64_t>(status.st_ino)};
}

// O_NONBLOCK: opening a named pipe must not wait for its writer before fstat has refused it.
Result<std::shared_ptr<const Descriptor>> open_descriptor(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return system_error(path, errno);
  return std::make_shared<const Descriptor>(fd);
}

class FileStream final : public ByteStream {
 public:
  FileStream(std::shared_ptr<const File> file, std::shared_ptr<const Descriptor> descriptor, std::uint64_t begin,
             std::uint64_t end)
      : file_(std::move(file)), descriptor_(std::move(descriptor)), at_(begin), end_(end) {}

  Result<Done> read(std::span<std::byte> out) override {
    if (out.size() > end_ - at_) {
      return Error{file_->path(), at_, fmt::format("{} bytes", out.size()), fmt::format("{}", end_ - at_)};
    }
    auto done = read_at(*descriptor_, file_->path(), at_, out);
    if (done) at_ += out.size();
    return done;
  }

 private:
  std::shared_ptr<const File> file_;
  std::shared_ptr<const Descriptor> descriptor_;
  std::uint64_t at_;
  std::uint64_t end_;
};

class FileRange final : public ByteSource {
 public:
  FileRange(std::shared_ptr<const File> file, std::uint64_t begin, std::uint64_t size)
      : file_(std::move(file)), begin_(begin), size_(size) {}

  std::uint64_t size() const override { return size_; }
  bool random_access() const override { return true; }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t begin) const override {
    assert(begin <= size_);
    auto descriptor = file_->descriptor();
    if (!descriptor) return descriptor.error();
    return std::unique_ptr<ByteStream>(std::make_unique<FileStream>(file_, *descriptor, file_->begin() + begin_ + begin,
                                                                    file_->begin() + begin_ + size_));
  }
  void expect(std::uint64_t begin, std::uint64_t size) const override {
    const auto descriptor = file_->descriptor();
    if (!descriptor || begin >= size_) return;
    ::posix_fadvise((*descriptor)->fd(), static_cast<off_t>(file_->begin() + begin_ + begin),
                    static_cast<off_t>(std::min(size, size_ - begin)), POSIX_FADV_WILLNEED);
  }

 private:
  std::shared_ptr<const File> file_;
  std::uint64_t begin_;
  std::uint64_t size_;
};

using ElementMap = void (*)(std::span<std::byte> element);

void reverse_bytes(std::span<std::byte> element) {
  std::ranges::reverse(element);
}
void flip_sign(std::span<std::byte> element) {
  element.back() ^= std::byte{0x80};
}

class MappedStream final : public ByteStream {
 public:
  MappedStream(std::unique_ptr<ByteStream> inner, std::size_t element_bytes, ElementMap map)
      : inner_(std::move(inner)), element_bytes_(element_bytes), map_(map) {}

  Result<Done> read(std::span<std::byte> out) override {
    assert(out.size() % element_bytes_ == 0);
    auto done = inner_->read(out);
    if (done) apply(out);
    return done;
  }
  Result<std::size_t> read_up_to(std::span<std::byte> out) override {
    auto got = inner_->read_up_to(out);
    if (got) apply(out.first(*got));
    return got;
  }

 private:
  void apply(std::span<std::byte> elements) const {
    for (std::size_t i = 0; i + element_bytes_ <= elements.size(); i += element_bytes_) {
      map_(elements.subspan(i, element_bytes_));
    }
  }

  std::unique_ptr<ByteStream> inner_;
  std::size_t element_bytes_;
  ElementMap map_;
};

class MappedSource final : public ByteSource {
 public:
  MappedSource(std::shared_ptr<const ByteSource> inner, int element_bytes, ElementMap map)
      : inner_(std::move(inner)), element_bytes_(static_cast<std::size_t>(element_bytes)), map_(map) {}

  std::uint64_t size() const override { return inner_->size(); }
  bool random_access() const override { return inner_->random_access(); }
  std::optional<std::string> doubt() const override { return inner_->doubt(); }
  void expect(std::uint64_t begin, std::uint64_t size) const override { inner_->expect(begin, size); }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t begin) const override {
    auto inner = inner_->stream(begin);
    if (!inner) return inner.error();
    return std::unique_ptr<ByteStream>(std::make_unique<MappedStream>(*std::move(inner), element_bytes_, map_));
  }

 private:
  std::shared_ptr<const ByteSource> inner_;
  std::size_t element_bytes_;
  ElementMap map_;
};

class EmptyStream final : public ByteStream {
 public:
  Result<Done> read(std::span<std::byte> out) override {
    if (out.empty()) return Done{};
    return Error{"", std::nullopt, fmt::format("{} bytes", out.size()), "a tensor without elements"};
  }
};

class EmptySource final : public ByteSource {
 public:
  std::uint64_t size() const override { return 0; }
  bool random_access() const override { return true; }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t) const override {
    return std::unique_ptr<ByteStream>(std::make_unique<EmptyStream>());
  }
};

}  // namespace

Error system_error(const std::string& path, int code) {
  return {path, std::nullopt, "", std::generic_category().message(code)};
}

Error changed_error(const std::string& path) {
  return {path, std::nullopt, "", "changed while it was read"};
}

Descriptor::~Descriptor() {
  ::close(fd_);
}

Result<std::shared_ptr<const File>> File::open(const std::string& path) {
  auto descriptor = open_descriptor(path);
  if (!descriptor) return descriptor.error();
  struct stat status{};
  if (::fstat((*descriptor)->fd(), &status) != 0) return system_error(path, errno);
  if (!S_ISREG(status.st_mode)) return Error{path, std::nullopt, "", "is not a regular file"};
  if (status.st_size == 0) return Error{path, std::nullopt, "", "is empty"};
  auto file = std::make_shared<File>();
  file->stamp_ = make_stamp(path, status);
  file->size_ = file->stamp_.bytes;
  file->shared_ = *descriptor;
  return std::shared_ptr<const File>(std::move(file));
}

std::shared_ptr<const File> File::part(std::shared_ptr<const File> whole, std::uint64_t begin, std::uint64_t size) {
  assert(begin <= whole->size() && size <= whole->size() - begin);
  auto file = std::make_shared<File>();
  file->stamp_ = whole->stamp();
  file->begin_ = whole->begin() + begin;
  file->size_ = size;
  file->whole_ = std::move(whole);
  return file;
}

Result<std::shared_ptr<const Descriptor>> File::descriptor() const {
  if (whole_) return whole_->descriptor();
  const std::lock_guard lock(mutex_);
  if (auto open = shared_.lock()) return open;
  auto reopened = open_descriptor(path());
  if (!reopened) return reopened;
  struct stat status{};
  if (::fstat((*reopened)->fd(), &status) != 0) return system_error(path(), errno);
  if (make_stamp(path(), status) != stamp_) return changed_error(path());
  shared_ = *reopened;
  return reopened;
}

Result<Done> File::read(std::uint64_t offset, std::span<std::byte> out) const {
  const auto open = descriptor();
  if (!open) return open.error();
  return read_at(**open, path(), begin_ + offset, out);
}

Result<Done> read_at(const Descriptor& descriptor, const std::string& path, std::uint64_t offset,
                     std::span<std::byte> out) {
  std::size_t filled = 0;
  while (filled < out.size()) {
    const ssize_t got =
        ::pread(descriptor.fd(), out.data() + filled, out.size() - filled, static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      Error error = system_error(path, errno);
      error.offset = offset + filled;
      return error;
    }
    if (got == 0) {
      return Error{path, offset + filled, fmt::format("{} more bytes", out.size() - filled), "end of file"};
    }
    filled += static_cast<std::size_t>(got);
  }
  return Done{};
}

std::shared_ptr<const ByteSource> file_range(std::shared_ptr<const File> file, std::uint64_t begin,
                                             std::uint64_t size) {
  assert(begin <= file->size() && size <= file->size() - begin);
  return std::make_shared<const FileRange>(std::move(file), begin, size);
}

std::shared_ptr<const ByteSource> byte_swapped(std::shared_ptr<const ByteSource> source, int element_bytes) {
  if (element_bytes == 1) return source;
  return std::make_shared<const MappedSource>(std::move(source), element_bytes, reverse_bytes);
}

std::shared_ptr<const ByteSource> sign_flipped(std::shared_ptr<const ByteSource> source, int element_bytes) {
  return std::make_shared<const MappedSource>(std::move(source), element_bytes, flip_sign);
}

std::shared_ptr<const ByteSource> empty_source() {
  return std::make_shared<const EmptySource>();
}

Result<FileStamp> stamp_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return system_error(path, errno);
  return make_stamp(path, status);
}

}  // namespace lowp
