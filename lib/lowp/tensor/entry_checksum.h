// SPDX-License-Identifier: Apache-2.0
// The CRC-32 of a zip entry that is read in pieces, in any order, by several threads.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "lowp/tensor/view.h"

namespace lowp {

// Once all bytes of the entry were given, each in one run of some reader, their CRC is known. Bytes that are read again
// (tied weights) do not count again; where runs overlap in part, or nobody reads a part, it stays unknown.
class EntryChecksum {
 public:
  // `where` names the entry. A wrong CRC is an Error of the read that completes it if `enforced`, else a doubt.
  EntryChecksum(std::string where, std::uint64_t bytes, std::uint32_t expected, bool enforced)
      : where_(std::move(where)), bytes_(bytes), expected_(expected), enforced_(enforced) {}

  // What one reader reads from `begin` on.
  struct Run {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::uint32_t crc = 0;
    bool counts = true;
  };
  // Takes the next bytes of `run`; an Error if with them the CRC is known, wrong and enforced.
  Result<Done> add(Run& run, std::span<const std::byte> data);
  std::optional<std::string> doubt() const;

 private:
  struct Piece {
    std::uint64_t end;
    std::uint32_t crc;
  };

  // Whether the bytes were the last ones missing, and the whole is wrong.
  bool completes_wrong(Run& run, std::span<const std::byte> data);

  const std::string where_;
  const std::uint64_t bytes_;
  const std::uint32_t expected_;
  const bool enforced_;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, Piece> pieces_;  // by where they begin; none overlap
  std::uint64_t covered_ = 0;
  bool wrong_ = false;
};

// `bytes`, which begin at byte `begin` of the entry, with every read told to `checksum`.
std::shared_ptr<const ByteSource> checked_range(std::shared_ptr<EntryChecksum> checksum, std::uint64_t begin,
                                                std::shared_ptr<const ByteSource> bytes);

}  // namespace lowp
