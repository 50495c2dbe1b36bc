// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/inflated.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cassert>

namespace lowp {
namespace {

constexpr std::size_t packed_piece = 1 << 16;
constexpr std::size_t most_at_once = std::size_t{1} << 30;  // zlib counts in 32 bits

class InflatedStream final : public ByteStream {
 public:
  InflatedStream(std::shared_ptr<const File> file, std::shared_ptr<const Descriptor> descriptor, Deflated entry,
                 std::uint64_t begin, std::uint64_t end)
      : file_(std::move(file)), descriptor_(std::move(descriptor)), entry_(std::move(entry)), begin_(begin), end_(end) {
    is_ready_ = inflateInit2(&zlib_, -MAX_WBITS) == Z_OK;
  }
  ~InflatedStream() override { inflateEnd(&zlib_); }

  Result<Done> read(std::span<std::byte> out) override {
    if (!is_ready_) return fault("memory to unpack it", "none");
    if (out.size() > end_ - std::max(at_, begin_)) return fault(fmt::format("{} bytes", out.size()), "fewer");
    std::array<std::byte, packed_piece> skipped;
    while (at_ < begin_) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(skipped.size(), begin_ - at_));
      if (auto done = fill(std::span(skipped).first(count)); !done) return done;
    }
    if (auto done = fill(out); !done) return done;
    if (at_ == entry_.bytes && !is_finished_) return finish();
    return Done{};
  }

 private:
  Error fault(std::string wanted, std::string found) const {
    return {entry_.where, at_, std::move(wanted), std::move(found)};
  }

  // Unpacks until `out` is full or the deflated data end; how many bytes came.
  Result<std::size_t> unpack(std::span<std::byte> out) {
    std::size_t got = 0;
    while (got < out.size() && !has_ended_) {
      if (zlib_.avail_in == 0 && packed_at_ < entry_.packed_bytes) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(packed_.size(), entry_.packed_bytes - packed_at_));
        const auto piece = std::span(packed_).first(count);
        if (auto done = read_at(*descriptor_, file_->path(), file_->begin() + entry_.begin + packed_at_, piece); !done)
          return done.error();
        packed_at_ += count;
        zlib_.next_in = reinterpret_cast<Bytef*>(piece.data());
        zlib_.avail_in = static_cast<uInt>(count);
      }
      const auto room = std::min(out.size() - got, most_at_once);
      zlib_.next_out = reinterpret_cast<Bytef*>(out.data() + got);
      zlib_.avail_out = static_cast<uInt>(room);
      const int code = inflate(&zlib_, Z_NO_FLUSH);
      got += room - zlib_.avail_out;
      if (code == Z_STREAM_END) {
        has_ended_ = true;
      } else if (code == Z_BUF_ERROR && zlib_.avail_in == 0 && packed_at_ == entry_.packed_bytes) {
        return fault("deflated data with an end", "none");
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        return fault("readable deflated data", fmt::format("'{}'", zlib_.msg != nullptr ? zlib_.msg : zError(code)));
      }
    }
    return got;
  }
  Result<Done> fill(std::span<std::byte> out) {
    const auto got = unpack(out);
    if (!got) return got.error();
    for (std::size_t at = 0; at < *got; at += most_at_once) {
      const auto some = out.subspan(at, std::min(most_at_once, *got - at));
      crc_ = crc32(crc_, reinterpret_cast<const Bytef*>(some.data()), static_cast<uInt>(some.size()));
    }
    at_ += *got;
    if (*got < out.size()) return fault(fmt::format("{} more bytes", out.size() - *got), "the end of the entry");
    return Done{};
  }
  // All that was claimed is there; nothing may follow.
  Result<Done> finish() {
    is_finished_ = true;
    std::byte beyond{};
    const auto more = unpack(std::span(&beyond, 1));
    if (!more) return more.error();
    if (*more != 0) return fault("the end of the entry", "more data");
    if (static_cast<std::uint32_t>(crc_) == entry_.crc) return Done{};
    if (!entry_.wrong_crc) return fault("data that match their CRC", "others");
    entry_.wrong_crc();
    return Done{};
  }

  std::shared_ptr<const File> file_;
  std::shared_ptr<const Descriptor> descriptor_;
  Deflated entry_;
  std::uint64_t begin_, end_;
  std::uint64_t at_ = 0, packed_at_ = 0;
  z_stream zlib_{};
  uLong crc_ = crc32(0, nullptr, 0);
  bool is_ready_ = false, has_ended_ = false, is_finished_ = false;
  std::array<std::byte, packed_piece> packed_;
};

}  // namespace

Result<std::unique_ptr<ByteStream>> inflated_stream(std::shared_ptr<const File> file, Deflated entry, std::uint64_t begin,
                                                    std::uint64_t size) {
  assert(begin <= entry.bytes && size <= entry.bytes - begin);
  auto descriptor = file->descriptor();
  if (!descriptor) return descriptor.error();
  return std::unique_ptr<ByteStream>(
      std::make_unique<InflatedStream>(std::move(file), *std::move(descriptor), std::move(entry), begin, begin + size));
}

}  // namespace lowp
