// SPDX-License-Identifier: Apache-2.0
// Files that are a row of checked records, some still being written: TFRecord and the LevelDB log.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "lowp/tensor/file.h"

namespace lowp {

// How the walk through a file ended. A tail that is cut off is what a live file looks like.
struct RecordEnd {
  std::uint64_t records = 0;  // given to the caller
  std::uint64_t damaged = 0;  // passed over: the checksum of their contents is wrong
  bool cut = false;           // the last record is not complete
  bool lost = false;          // a damaged length: what follows cannot be found
};

inline constexpr std::uint64_t max_record_bytes = std::uint64_t{1} << 30;

using RecordTaker = std::function<void(std::string_view payload)>;

// u64 length, masked CRC-32C of it, payload, masked CRC-32C of that (TensorFlow's TFRecord). Errors are failures to
// read.
Result<RecordEnd> each_tfrecord(const File& file, const RecordTaker& take);

// W&B's datastore: a header of 7 bytes, then blocks of 32 KiB of chunks (CRC-32 of type and data, u16 length, type
// whole, first, middle, last), as LevelDB writes its log. A damaged chunk costs its record.
Result<RecordEnd> each_wandb_record(const File& file, const RecordTaker& take);

// Whether a file begins like one of these.
bool is_tfrecord(std::span<const std::byte> head);
bool is_wandb(std::span<const std::byte> head);

// One printable line about what was not read, empty if all was.
std::string note_of(const RecordEnd& end);

}  // namespace lowp
