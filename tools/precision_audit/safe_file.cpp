// SPDX-License-Identifier: Apache-2.0
#include "safe_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace lowp::tool {
namespace {

namespace fs = std::filesystem;

Error system_fault(const std::string& path) {
  return {path, std::nullopt, "", std::strerror(errno)};
}

// A file that does not exist yet, removed again unless it is kept.
class NewFile {
 public:
  explicit NewFile(std::string path)
      : path_(std::move(path)), fd_(open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)) {}
  ~NewFile() {
    if (fd_ >= 0) close(fd_);
    if (fd_ >= 0 && !kept_) unlink(path_.c_str());
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  bool is_open() const { return fd_ >= 0; }
  bool write_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t written = write(fd_, text.data(), text.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(written));
    }
    return fsync(fd_) == 0;
  }
  bool move_to(const std::string& path) {
    kept_ = rename(path_.c_str(), path.c_str()) == 0;
    return kept_;
  }

 private:
  std::string path_;
  int fd_;
  bool kept_ = false;
};

bool begins_with(const std::string& path, std::string_view mark) {
  std::ifstream file(path, std::ios::binary);
  std::string head(mark.size(), '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  return file && head == mark;
}

}  // namespace

std::optional<Error> why_not_over(const std::string& path, std::string_view mark,
                                  std::span<const std::string> inputs) {
  struct stat there {};
  if (stat(path.c_str(), &there) != 0) return {};
  const auto refused = [&path](std::string_view what) {
    return Error{"", std::nullopt, "a new file, or one that this program made", fmt::format("{}: {}", what, path)};
  };
  for (const std::string& input : inputs) {
    struct stat read {};
    if (stat(input.c_str(), &read) == 0 && read.st_dev == there.st_dev && read.st_ino == there.st_ino)
      return refused("an input");
  }
  if (S_ISDIR(there.st_mode)) return refused("a directory");
  if (!S_ISREG(there.st_mode)) return refused("no regular file");
  if (mark.empty() || !begins_with(path, mark)) return refused("another file");
  return {};
}

Result<Done> replace_file(const std::string& path, std::string_view text) {
  // What a link leads to is replaced, not the link.
  std::error_code none;
  const fs::path real = fs::weakly_canonical(path, none);
  const std::string target = none ? path : real.string();
  NewFile beside(fmt::format("{}.{}.part", target, getpid()));
  if (!beside.is_open()) return system_fault(path);
  if (!beside.write_all(text) || !beside.move_to(target)) return system_fault(path);
  return Done{};
}

std::string absolute_path(const std::string& path) {
  std::error_code none;
  const fs::path whole = fs::absolute(path, none);
  return none ? path : whole.lexically_normal().string();
}

}  // namespace lowp::tool
