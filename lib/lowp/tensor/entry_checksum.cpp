// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/entry_checksum.h"

#include <zlib.h>

namespace lowp {
namespace {

constexpr std::size_t max_pieces = std::size_t{1} << 16;

class CheckedStream final : public ByteStream {
 public:
  CheckedStream(std::shared_ptr<EntryChecksum> checksum, std::uint64_t begin, std::unique_ptr<ByteStream> inner)
      : checksum_(std::move(checksum)), run_{.begin = begin, .end = begin}, inner_(std::move(inner)) {}

  Result<Done> read(std::span<std::byte> out) override {
    if (auto done = inner_->read(out); !done) return done;
    return checksum_->add(run_, out);
  }

 private:
  std::shared_ptr<EntryChecksum> checksum_;
  EntryChecksum::Run run_;
  std::unique_ptr<ByteStream> inner_;
};

class CheckedRange final : public ByteSource {
 public:
  CheckedRange(std::shared_ptr<EntryChecksum> checksum, std::uint64_t begin, std::shared_ptr<const ByteSource> inner)
      : checksum_(std::move(checksum)), begin_(begin), inner_(std::move(inner)) {}

  std::uint64_t size() const override { return inner_->size(); }
  bool random_access() const override { return inner_->random_access(); }
  void expect(std::uint64_t begin, std::uint64_t size) const override { inner_->expect(begin, size); }
  std::optional<std::string> doubt() const override { return checksum_->doubt(); }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t begin) const override {
    auto inner = inner_->stream(begin);
    if (!inner) return inner.error();
    return std::unique_ptr<ByteStream>(std::make_unique<CheckedStream>(checksum_, begin_ + begin, *std::move(inner)));
  }

 private:
  std::shared_ptr<EntryChecksum> checksum_;
  std::uint64_t begin_;
  std::shared_ptr<const ByteSource> inner_;
};

}  // namespace

Result<Done> EntryChecksum::add(Run& run, std::span<const std::byte> data) {
  if (!completes_wrong(run, data) || !enforced_) return Done{};
  return Error{where_, std::nullopt, "data that match their CRC", "others"};
}

bool EntryChecksum::completes_wrong(Run& run, std::span<const std::byte> data) {
  if (data.empty() || !run.counts) return false;
  const auto crc =
      static_cast<std::uint32_t>(crc32_z(run.crc, reinterpret_cast<const unsigned char*>(data.data()), data.size()));
  const std::uint64_t begin = run.end;
  const std::scoped_lock lock(mutex_);
  const auto next = pieces_.lower_bound(begin);
  const auto before = next == pieces_.begin() ? pieces_.end() : std::prev(next);
  const bool own = run.end != run.begin;  // the piece before is this run's, and ends at `begin`
  run.counts = covered_ != bytes_ && (next == pieces_.end() || begin + data.size() <= next->first) &&
               (own || before == pieces_.end() || before->second.end <= begin) && pieces_.size() < max_pieces;
  if (!run.counts) return false;
  run.end += data.size();
  run.crc = crc;
  pieces_.insert_or_assign(run.begin, Piece{run.end, crc});
  covered_ += data.size();
  if (covered_ != bytes_) return false;
  std::uint32_t all = 0;
  for (const auto& [from, piece] : pieces_) {
    all = static_cast<std::uint32_t>(crc32_combine(all, piece.crc, static_cast<z_off_t>(piece.end - from)));
  }
  pieces_.clear();
  wrong_ = all != expected_;
  return wrong_;
}

std::optional<std::string> EntryChecksum::doubt() const {
  const std::scoped_lock lock(mutex_);
  if (!wrong_) return std::nullopt;
  return where_ + ": the CRC does not match";
}

std::shared_ptr<const ByteSource> checked_range(std::shared_ptr<EntryChecksum> checksum, std::uint64_t begin,
                                                std::shared_ptr<const ByteSource> bytes) {
  return std::make_shared<const CheckedRange>(std::move(checksum), begin, std::move(bytes));
}

}  // namespace lowp
