// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/record_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <vector>

#include "lowp/tensor/checked.h"

namespace lowp {
namespace {

using Castagnoli = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

constexpr std::size_t frame_bytes = 12, chunk_header_bytes = 7, wandb_header_bytes = 7;
constexpr std::uint64_t block_bytes = 32768;

std::uint32_t masked(std::span<const std::byte> bytes) {
  Castagnoli crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const std::uint32_t value = crc.checksum();
  return ((value >> 15) | (value << 17)) + 0xA282EAD8U;
}

std::uint32_t number32(std::span<const std::byte> bytes) {
  return static_cast<std::uint32_t>(little_endian(bytes.first(4)));
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool has_good_length(std::span<const std::byte> frame) {
  return masked(frame.first(8)) == number32(frame.subspan(8));
}

}  // namespace

Result<RecordEnd> each_tfrecord(const File& file, const RecordTaker& take) {
  RecordEnd end;
  std::vector<std::byte> payload;
  for (std::uint64_t at = 0; at < file.size();) {
    if (file.size() - at < frame_bytes) {
      end.cut = true;
      break;
    }
    std::byte frame[frame_bytes];
    if (auto done = file.read(at, frame); !done) return done.error();
    const std::uint64_t length = little_endian(std::span(frame).first(8));
    if (!has_good_length(frame) || length > max_record_bytes) {
      end.lost = true;
      break;
    }
    at += frame_bytes;
    if (file.size() - at < length + 4) {
      end.cut = true;
      break;
    }
    payload.resize(length + 4);
    if (auto done = file.read(at, payload); !done) return done.error();
    at += length + 4;
    const auto contents = std::span(payload).first(length);
    if (masked(contents) != number32(std::span(payload).subspan(length))) {
      ++end.damaged;
      continue;
    }
    ++end.records;
    take(text_of(contents));
  }
  return end;
}

namespace {

// Puts the chunks of a record together.
class Chunks {
 public:
  explicit Chunks(const RecordTaker& take) : take_(take) {}

  // Types: 1 a whole record, 2 its first chunk, 3 a middle one, 4 the last.
  void add(unsigned type, std::string_view data) {
    if (type == 1 || type == 2) {
      if (open_) drop();  // its last chunk never came
      record_.clear();
    } else if (!open_) {
      return;  // of a record that is lost
    }
    if (record_.size() + data.size() > max_record_bytes) return drop();
    record_ += data;
    open_ = type == 2 || type == 3;
    if (open_) return;
    ++end.records;
    take_(record_);
  }
  // A damaged chunk: the record at hand is lost.
  void drop() {
    ++end.damaged;
    open_ = false;
  }
  bool open() const { return open_; }

  RecordEnd end;

 private:
  const RecordTaker& take_;
  std::string record_;
  bool open_ = false;  // its last chunk is to come
};

// The chunks of one block, from byte `at` of it on; true when the end of the file cuts one.
bool take_block(std::span<const std::byte> block, std::size_t at, Chunks& chunks) {
  while (block.size() - at >= chunk_header_bytes) {
    const auto header = block.subspan(at, chunk_header_bytes);
    const std::size_t length = static_cast<std::size_t>(little_endian(header.subspan(4, 2)));
    const unsigned type = std::to_integer<unsigned>(header[6]);
    if (type == 0 && length == 0) return false;  // padding
    if (block.size() - at - chunk_header_bytes < length) {
      if (block.size() < block_bytes) return true;
      chunks.drop();
      return false;
    }
    const auto checked = block.subspan(at + 6, length + 1);
    boost::crc_32_type crc;
    crc.process_bytes(checked.data(), checked.size());
    if (crc.checksum() == number32(header) && type >= 1 && type <= 4) {
      chunks.add(type, text_of(checked.subspan(1)));
    } else {
      chunks.drop();
    }
    at += chunk_header_bytes + length;
  }
  return block.size() < block_bytes && block.size() > at;
}

}  // namespace

Result<RecordEnd> each_wandb_record(const File& file, const RecordTaker& take) {
  Chunks chunks(take);
  std::vector<std::byte> block;
  for (std::uint64_t begin = 0; begin < file.size(); begin += block_bytes) {
    block.resize(std::min(block_bytes, file.size() - begin));
    if (auto done = file.read(begin, block); !done) return done.error();
    if (begin == 0 && !is_wandb(block)) return Error{file.path(), 0, "the header of a .wandb file", "other bytes"};
    chunks.end.cut = take_block(block, begin == 0 ? wandb_header_bytes : 0, chunks);
  }
  chunks.end.cut |= chunks.open();
  return chunks.end;
}

bool is_tfrecord(std::span<const std::byte> head) {
  return head.size() >= frame_bytes && has_good_length(head.first(frame_bytes));
}

bool is_wandb(std::span<const std::byte> head) {
  constexpr unsigned char magic[] = {':', 'W', '&', 'B', 0xE1, 0xBE, 0};
  return head.size() >= sizeof magic &&
         std::equal(std::begin(magic), std::end(magic), head.begin(),
                    [](unsigned char m, std::byte b) { return std::to_integer<unsigned char>(b) == m; });
}

std::string note_of(const RecordEnd& end) {
  std::string note;
  const auto add = [&](std::string text) { note += (note.empty() ? "" : "; ") + std::move(text); };
  if (end.damaged == 1) add("1 damaged record was passed over");
  if (end.damaged > 1) add(fmt::format("{} damaged records were passed over", end.damaged));
  if (end.lost) add(fmt::format("nothing could be read after {} records: a damaged length", end.records));
  if (end.cut) add("the last record is not complete: the file was cut or is still being written");
  return note;
}

}  // namespace lowp
