// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <mutex>

#include "lowp/tensor/file.h"
#include "lowp/tensor/npy.h"
#include "lowp/tensor/recognise.h"

namespace lowp {
namespace {

constexpr int pipe_bytes = 1 << 20;  // what a writer may write ahead while this side counts

// Bytes as they come, after those that were read to recognise the kind.
class PipeStream final : public ByteStream {
 public:
  PipeStream(std::string name, std::shared_ptr<const Descriptor> descriptor)
      : name_(std::move(name)), descriptor_(std::move(descriptor)) {}

  Result<std::span<const std::byte>> peek(std::size_t bytes) {
    head_.resize(bytes);
    const auto got = fill(head_);
    if (!got) return got.error();
    head_.resize(*got);
    at_ = 0;
    return std::span<const std::byte>(head_);
  }
  // Nothing is read beyond so many bytes; if nothing may follow them, something that does is an Error.
  void limit(std::uint64_t bytes, bool nothing_follows) {
    left_ = bytes;
    nothing_follows_ = nothing_follows;
  }
  std::uint64_t at() const { return at_; }

  Result<std::size_t> read_up_to(std::span<std::byte> out) override {
    if (left_ != unknown_size) out = out.first(static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_)));
    const std::size_t from_head = std::min(out.size(), head_.size() - taken_);
    std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(taken_), from_head, out.begin());
    taken_ += from_head;
    const auto got = fill(out.subspan(from_head));
    if (!got) return got;
    const std::size_t all = from_head + *got;
    at_ += all;
    if (left_ == unknown_size) return all;
    if (all < out.size()) return Error{name_, at_, fmt::format("{} more bytes", out.size() - all), "end of data"};
    left_ -= all;
    if (left_ != 0 || !nothing_follows_) return all;
    std::byte next[1];
    const auto more = taken_ < head_.size() ? Result<std::size_t>(1) : fill(next);
    if (more && *more != 0) return Error{name_, at_, "the end of data", "more bytes"};
    return all;
  }
  Result<Done> read(std::span<std::byte> out) override {
    const std::size_t wanted = out.size();
    const auto got = read_up_to(out);
    if (!got) return got.error();
    if (*got == wanted) return Done{};
    return Error{name_, at_, fmt::format("{} more bytes", wanted - *got), "end of data"};
  }

 private:
  // Reads until `out` is full or the writer has closed its end.
  Result<std::size_t> fill(std::span<std::byte> out) {
    std::size_t filled = 0;
    while (filled < out.size()) {
      const ssize_t got = ::read(descriptor_->fd(), out.data() + filled, out.size() - filled);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error(name_, errno);
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

  std::string name_;
  std::shared_ptr<const Descriptor> descriptor_;
  std::vector<std::byte> head_;
  std::size_t taken_ = 0;  // of the head
  std::uint64_t at_ = 0;
  std::uint64_t left_ = unknown_size;
  bool nothing_follows_ = false;
};

class PipeSource final : public ByteSource {
 public:
  PipeSource(std::string name, std::unique_ptr<ByteStream> stream, std::uint64_t size)
      : name_(std::move(name)), stream_(std::move(stream)), size_(size) {}

  std::uint64_t size() const override { return size_; }
  bool random_access() const override { return false; }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t) const override {
    const std::lock_guard lock(mutex_);
    if (!stream_) return Error{name_, std::nullopt, "a file, to read it more than once", "a pipe"};
    return std::move(stream_);
  }

 private:
  std::string name_;
  mutable std::mutex mutex_;
  mutable std::unique_ptr<ByteStream> stream_;
  std::uint64_t size_;
};

Result<std::shared_ptr<const Descriptor>> open_end(const std::string& path) {
  const int fd = path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return system_error(path, errno);
  auto descriptor = std::make_shared<const Descriptor>(fd);
  struct stat status{};
  if (::fstat(fd, &status) != 0) return system_error(path, errno);
  if (S_ISDIR(status.st_mode) || ::isatty(fd) == 1)
    return Error{path, std::nullopt, "a dump on standard input",
                 S_ISDIR(status.st_mode) ? "a directory" : "a terminal"};
  ::fcntl(fd, F_SETPIPE_SZ, pipe_bytes);  // a wish: of a file, or beyond the user's limit, nothing changes
  return descriptor;
}

// The reader of what `head` begins; an Error for those that cannot read a pipe.
Result<const Reader*> reader_of(const std::string& path, std::span<const std::byte> head, const OpenOptions& options) {
  auto reader = recognise_head(path, head, options, true);
  if (!reader || (*reader != nullptr && (*reader)->start != nullptr)) return reader;
  return Error{path, std::nullopt, "npy, or raw data with a dtype, from a pipe",
               *reader == nullptr ? "neither" : std::string((*reader)->name)};
}

}  // namespace

bool is_pipe(const std::string& path) {
  struct stat status{};
  return path == "-" || (::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode));
}

Result<Input> open_pipe(const std::string& path, const OpenOptions& options) {
  auto descriptor = open_end(path);
  if (!descriptor) return descriptor.error();
  const std::string name = path == "-" ? "standard input" : path;
  auto stream = std::make_unique<PipeStream>(name, *std::move(descriptor));
  const auto head = stream->peek(head_bytes);
  if (!head) return head.error();
  if (head->empty()) return Error{name, std::nullopt, "", "is empty"};
  const auto reader = reader_of(name, *head, options);
  if (!reader) return reader.error();
  auto array = (*reader)->start(*stream, name, options);
  if (!array) return array.error();
  Input input;
  input.path = name;
  input.format = (*reader)->name;
  if (array->dtype == nullptr) {
    input.notes.push_back(printable("skipped the array: " + array->skip));
    return input;
  }
  TensorView view;
  view.name = path == "-" ? "stdin" : std::filesystem::path(path).stem().string();
  view.dtype = array->dtype;
  view.shape = array->shape;
  view.elements = array->elements;
  const auto element_bytes = static_cast<std::uint64_t>(array->dtype->bytes);
  const std::uint64_t bytes = view.elements == unknown_size ? unknown_size : view.elements * element_bytes;
  stream->limit(bytes, array->ends);
  input.bytes = bytes == unknown_size ? 0 : stream->at() + bytes;
  view.source = std::make_shared<const PipeSource>(name, std::move(stream), bytes);
  if (array->big_endian) view.source = byte_swapped(view.source, array->dtype->bytes);
  if (array->fortran_order) set_fortran_order(view, name);
  input.tensors.push_back(std::move(view));
  return input;
}

}  // namespace lowp
