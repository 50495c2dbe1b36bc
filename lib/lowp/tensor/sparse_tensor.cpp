// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/sparse_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <numeric>

#include "lowp/core/arithmetic.h"
#include "lowp/tensor/checked.h"
#include "lowp/tensor/row_major.h"

namespace lowp {
namespace {

constexpr std::uint64_t held_bytes = std::uint64_t{64} << 20;  // values up to here are read at once
constexpr std::uint64_t piece_elements = std::uint64_t{1} << 15;

// Reads `size` bytes at any place: out of memory where the source is small, else from the source.
class Blocks {
 public:
  static Result<Blocks> open(const SparseParts& parts) {
    Blocks blocks(parts.values);
    if (parts.values->size() > held_bytes && !parts.values->random_access())
      return Error{parts.where, std::nullopt,
                   fmt::format("at most {} bytes of sparse values that are not stored plainly", held_bytes),
                   fmt::format("{}", parts.values->size())};
    if (parts.values->size() > held_bytes || parts.values->size() == 0) return blocks;
    blocks.held_.resize(static_cast<std::size_t>(parts.values->size()));
    const auto stream = parts.values->stream(0);
    if (!stream) return stream.error();
    if (const auto done = (*stream)->read(blocks.held_); !done) return done.error();
    return blocks;
  }

  Result<Done> read(std::uint64_t at, std::span<std::byte> out) const {
    if (!held_.empty()) {
      std::memcpy(out.data(), held_.data() + at, out.size());
      return Done{};
    }
    const auto stream = source_->stream(at);
    if (!stream) return stream.error();
    return (*stream)->read(out);
  }

 private:
  explicit Blocks(std::shared_ptr<const ByteSource> source) : source_(std::move(source)) {}

  std::shared_ptr<const ByteSource> source_;
  std::vector<std::byte> held_;
};

void store_code(std::uint64_t code, std::span<std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(code >> (8 * i) & 0xFF);
}

void add_elements(const Dtype& dtype, std::span<std::byte> sums, std::span<const std::byte> terms) {
  const auto size = static_cast<std::size_t>(dtype.bytes);
  for (std::size_t i = 0; i < sums.size(); i += size) {
    const auto sum = sums.subspan(i, size);
    store_code(add(dtype.format, Conversion{}, little_endian(sum), little_endian(terms.subspan(i, size))), sum);
  }
}

// The blocks of the plan one after another, in pieces; with `zeros`, what lies between them too.
class SparseStream final : public ByteStream {
 public:
  SparseStream(std::shared_ptr<const SparseParts> parts, std::shared_ptr<const SparsePlan> plan, Blocks blocks,
               bool zeros)
      : parts_(std::move(parts)), plan_(std::move(plan)), blocks_(std::move(blocks)), zeros_(zeros) {}

  Result<Done> read(std::span<std::byte> out) override {
    while (!out.empty()) {
      if (const std::uint64_t gap = zeros_before_next(); gap != 0) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(gap, out.size()));
        std::ranges::fill(out.first(count), std::byte{0});
        at_ += count;
        out = out.subspan(count);
        continue;
      }
      if (taken_ == piece_.size()) {
        if (auto done = next_piece(); !done) return done;
      }
      const std::size_t count = std::min(out.size(), piece_.size() - taken_);
      std::memcpy(out.data(), piece_.data() + taken_, count);
      taken_ += count;
      at_ += count;
      out = out.subspan(count);
    }
    return Done{};
  }

 private:
  std::uint64_t item() const { return static_cast<std::uint64_t>(parts_->dtype->bytes); }
  // Bytes of zeros from here to the next block, or to the end, which nobody reads beyond.
  std::uint64_t zeros_before_next() const {
    if (!zeros_ || taken_ != piece_.size() || within_ != 0) return 0;
    if (next_ == plan_->place.size()) return ~std::uint64_t{0};
    return plan_->place[next_] * parts_->block * item() - at_;
  }
  Result<Done> next_piece() {
    assert(next_ < plan_->place.size() && "read past the end of a sparse tensor");
    const std::uint64_t count = std::min(piece_elements, parts_->block - within_);
    piece_.resize(static_cast<std::size_t>(count * item()));
    taken_ = 0;
    for (std::uint32_t i = plan_->first[next_]; i < plan_->first[next_ + 1]; ++i) {
      const std::uint64_t from = (plan_->entry[i] * parts_->block + within_) * item();
      const bool first = i == plan_->first[next_];
      term_.resize(piece_.size());
      if (auto done = blocks_.read(from, first ? piece_ : term_); !done) return done;
      if (!first) add_elements(*parts_->dtype, piece_, term_);
    }
    within_ += count;
    if (within_ != parts_->block) return Done{};
    within_ = 0;
    ++next_;
    return Done{};
  }

  std::shared_ptr<const SparseParts> parts_;
  std::shared_ptr<const SparsePlan> plan_;
  Blocks blocks_;
  bool zeros_;
  std::size_t next_ = 0;      // place to be read
  std::uint64_t within_ = 0;  // elements of its block that were read
  std::uint64_t at_ = 0;      // bytes given out
  std::vector<std::byte> piece_, term_;
  std::size_t taken_ = 0;  // of the piece
};

Result<std::unique_ptr<ByteStream>> sparse_stream(const std::shared_ptr<const SparseParts>& parts,
                                                  std::shared_ptr<const SparsePlan> plan, bool zeros) {
  auto blocks = Blocks::open(*parts);
  if (!blocks) return blocks.error();
  return std::unique_ptr<ByteStream>(std::make_unique<SparseStream>(parts, std::move(plan), *std::move(blocks), zeros));
}

class CoalescedSource final : public ByteSource {
 public:
  CoalescedSource(std::shared_ptr<const SparseParts> parts, std::shared_ptr<const SparsePlan> plan)
      : parts_(std::move(parts)), plan_(std::move(plan)) {}

  std::uint64_t size() const override {
    return plan_->place.size() * parts_->block * static_cast<std::uint64_t>(parts_->dtype->bytes);
  }
  bool random_access() const override { return false; }
  std::optional<std::string> doubt() const override { return parts_->values->doubt(); }
  Result<std::unique_ptr<ByteStream>> stream([[maybe_unused]] std::uint64_t begin) const override {
    assert(begin == 0);
    return sparse_stream(parts_, plan_, false);
  }

 private:
  std::shared_ptr<const SparseParts> parts_;
  std::shared_ptr<const SparsePlan> plan_;
};

class DenseSource final : public ByteSource {
 public:
  explicit DenseSource(std::shared_ptr<const SparseParts> parts)
      : parts_(std::move(parts)), elements_(*element_count(parts_->sizes) * parts_->block) {}

  std::uint64_t size() const override { return elements_ * static_cast<std::uint64_t>(parts_->dtype->bytes); }
  bool random_access() const override { return false; }
  std::optional<std::string> doubt() const override { return parts_->values->doubt(); }
  Result<std::unique_ptr<ByteStream>> stream([[maybe_unused]] std::uint64_t begin) const override {
    assert(begin == 0);
    if (elements_ > max_made_elements && elements_ > parts_->entries * parts_->block)
      return Error{parts_->where, std::nullopt,
                   fmt::format("at most {} elements in a sparse tensor", max_made_elements),
                   fmt::format("{}", elements_)};
    auto plan = plan_sparse(*parts_);
    if (!plan) return plan.error();
    return sparse_stream(parts_, std::make_shared<const SparsePlan>(*std::move(plan)), true);
  }

 private:
  std::shared_ptr<const SparseParts> parts_;
  std::uint64_t elements_;
};

// The place of each entry, axis by axis: place = place * size + index.
Result<std::vector<std::uint64_t>> read_places(const SparseParts& parts) {
  std::vector<std::uint64_t> places(static_cast<std::size_t>(parts.entries));
  if (places.empty() || parts.sizes.empty()) return places;
  const auto stream = parts.indices->stream(0);
  if (!stream) return stream.error();
  std::vector<std::byte> row(places.size() * 8);
  for (const std::uint64_t size : parts.sizes) {
    if (const auto done = (*stream)->read(row); !done) return done.error();
    for (std::size_t i = 0; i < places.size(); ++i) {
      const std::uint64_t index = little_endian(std::span<const std::byte>(row).subspan(8 * i, 8));
      if (index >= size)
        return Error{parts.where, std::nullopt, fmt::format("sparse indices from 0 to {}", size - 1),
                     fmt::format("{}", static_cast<std::int64_t>(index))};
      places[i] = places[i] * size + index;
    }
  }
  return places;
}

}  // namespace

Result<SparsePlan> plan_sparse(const SparseParts& parts) {
  if (parts.entries > max_sparse_entries)
    return Error{parts.where, std::nullopt, fmt::format("at most {} sparse entries", max_sparse_entries),
                 fmt::format("{}", parts.entries)};
  const auto places = read_places(parts);
  if (!places) return places.error();
  SparsePlan plan;
  plan.entry.resize(places->size());
  std::iota(plan.entry.begin(), plan.entry.end(), std::uint32_t{0});
  std::ranges::stable_sort(plan.entry, {}, [&](std::uint32_t entry) { return (*places)[entry]; });
  for (std::size_t i = 0; i < plan.entry.size(); ++i) {
    const std::uint64_t place = (*places)[plan.entry[i]];
    if (!plan.place.empty() && plan.place.back() == place) continue;
    plan.place.push_back(place);
    plan.first.push_back(static_cast<std::uint32_t>(i));
  }
  plan.first.push_back(static_cast<std::uint32_t>(plan.entry.size()));
  return plan;
}

std::shared_ptr<const ByteSource> coalesced_source(std::shared_ptr<const SparseParts> parts,
                                                   std::shared_ptr<const SparsePlan> plan) {
  return std::make_shared<const CoalescedSource>(std::move(parts), std::move(plan));
}

std::shared_ptr<const ByteSource> dense_source(std::shared_ptr<const SparseParts> parts) {
  return std::make_shared<const DenseSource>(std::move(parts));
}

}  // namespace lowp
