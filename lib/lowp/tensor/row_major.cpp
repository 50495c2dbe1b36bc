// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/row_major.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "lowp/tensor/strided.h"

namespace lowp {
namespace {

constexpr std::uint64_t far_band_bytes = std::uint64_t{64} << 20;
constexpr std::uint64_t most_far_bands = 16;

// A piece of a source that moves to where it is wanted: forwards piece by piece, which grow, or by a jump.
class Window {
 public:
  Window(std::shared_ptr<const ByteSource> source, std::uint64_t element_bytes)
      : source_(std::move(source)), element_bytes_(element_bytes) {}

  // At least one element at byte `at`, more where they are at hand.
  Result<std::span<const std::byte>> from(std::uint64_t at) {
    while (at < begin_ || at >= end()) {
      const bool far = at < begin_ || (source_->random_access() && at >= end() + worth_a_jump);
      if (auto done = far ? jump(at) : advance(); !done) return done.error();
    }
    return std::span<const std::byte>(bytes_).subspan(static_cast<std::size_t>(at - begin_));
  }

 private:
  static constexpr std::uint64_t least = 1024, most = std::uint64_t{1} << 18, worth_a_jump = 1 << 14;

  std::uint64_t end() const { return begin_ + bytes_.size(); }
  Result<Done> jump(std::uint64_t at) {
    begin_ = source_->random_access() ? at : 0;
    bytes_.clear();
    next_ = least;
    auto stream = source_->stream(begin_);
    if (!stream) return stream.error();
    stream_ = *std::move(stream);
    return advance();
  }
  Result<Done> advance() {
    if (!stream_) return jump(0);
    begin_ = end();
    bytes_.resize(static_cast<std::size_t>(std::min(next_, source_->size() - begin_)));
    next_ = std::min(next_ * 2, most);
    assert(bytes_.size() >= element_bytes_ && bytes_.size() % element_bytes_ == 0);
    return stream_->read(bytes_);
  }

  std::shared_ptr<const ByteSource> source_;
  std::uint64_t element_bytes_;
  std::unique_ptr<ByteStream> stream_;
  std::uint64_t begin_ = 0, next_ = least;
  std::vector<std::byte> bytes_;
};

// One axis of a band: `size` elements, `from` bytes apart in the source and `to` bytes apart in the band.
struct Step {
  std::uint64_t size, from, to;
};

// The view in bands of whole trailing axes, or of a run along one axis with whole axes behind it. A band is filled in
// storage order, so that the source is read forwards, and given out in row-major order.
class RowMajorStream final : public ByteStream {
 public:
  RowMajorStream(std::shared_ptr<const ByteSource> extent, std::vector<Axis> axes, std::uint64_t element_bytes,
                 std::uint64_t band_bytes)
      : window_(std::move(extent), element_bytes), axes_(std::move(axes)), element_bytes_(element_bytes) {
    const std::uint64_t most = std::max<std::uint64_t>(band_bytes / element_bytes, 1);
    while (split_ != 0 && inner_ * axes_[split_ - 1].size <= most) inner_ *= axes_[--split_].size;
    run_ = split_ == 0 ? 1 : most / inner_;
    index_.resize(split_);
  }

  Result<Done> read(std::span<std::byte> out) override {
    while (!out.empty()) {
      if (taken_ == band_.size()) {
        if (auto done = fill(); !done) return done;
      }
      const std::size_t count = std::min(out.size(), band_.size() - taken_);
      std::memcpy(out.data(), band_.data() + taken_, count);
      taken_ += count;
      out = out.subspan(count);
    }
    return Done{};
  }

 private:
  Result<Done> fill() {
    std::uint64_t from = 0;
    for (std::size_t a = 0; a < split_; ++a) from += index_[a] * axes_[a].stride * element_bytes_;
    std::vector<Step> steps;
    std::uint64_t to = element_bytes_;
    for (std::size_t a = axes_.size(); a-- > split_;) {
      steps.push_back({axes_[a].size, axes_[a].stride * element_bytes_, to});
      to *= axes_[a].size;
    }
    if (split_ != 0) {
      const Axis axis = axes_[split_ - 1];
      const std::uint64_t count = std::min(run_, axis.size - index_[split_ - 1]);
      steps.push_back({count, axis.stride * element_bytes_, to});
      to *= count;
      advance(count);
    }
    band_.resize(static_cast<std::size_t>(to));
    taken_ = 0;
    std::ranges::sort(steps, std::ranges::greater{}, &Step::from);
    if (steps.empty()) steps.push_back({1, 0, 0});
    return gather(steps, from);
  }
  void advance(std::uint64_t count) {
    index_[split_ - 1] += count;
    for (std::size_t a = split_; a-- > 1 && index_[a] == axes_[a].size;) {
      index_[a] = 0;
      ++index_[a - 1];
    }
  }
  Result<Done> gather(std::span<const Step> steps, std::uint64_t from) {
    const Step inner = steps.back();
    std::vector<std::uint64_t> at(steps.size() - 1);
    for (std::uint64_t to = 0;;) {
      if (auto done = gather_run(inner, from, to); !done) return done;
      std::size_t a = at.size();
      for (; a-- > 0;) {
        from += steps[a].from;
        to += steps[a].to;
        if (++at[a] < steps[a].size) break;
        from -= steps[a].from * steps[a].size;
        to -= steps[a].to * steps[a].size;
        at[a] = 0;
      }
      if (a == ~std::size_t{0}) return Done{};
    }
  }
  Result<Done> gather_run(Step run, std::uint64_t from, std::uint64_t to) {
    std::span<const std::byte> piece;
    std::uint64_t piece_from = 0;
    for (std::uint64_t i = 0; i < run.size; ++i, from += run.from, to += run.to) {
      if (from < piece_from || from >= piece_from + piece.size()) {
        const auto bytes = window_.from(from);
        if (!bytes) return bytes.error();
        piece = *bytes;
        piece_from = from;
      }
      std::memcpy(band_.data() + to, piece.data() + (from - piece_from), element_bytes_);
    }
    return Done{};
  }

  Window window_;
  std::vector<Axis> axes_;
  std::uint64_t element_bytes_;
  std::size_t split_ = axes_.size();  // axes before it are walked, the last of them in runs; those behind it are whole
  std::uint64_t inner_ = 1;           // elements behind `split_`
  std::uint64_t run_ = 1;
  std::vector<std::uint64_t> index_;
  std::vector<std::byte> band_;
  std::size_t taken_ = 0;
};

class RowMajorSource final : public ByteSource {
 public:
  RowMajorSource(std::shared_ptr<const ByteSource> extent, std::vector<Axis> axes, std::uint64_t element_bytes,
                 std::string where, std::uint64_t band_bytes)
      : extent_(std::move(extent)),
        axes_(std::move(axes)),
        element_bytes_(element_bytes),
        where_(std::move(where)),
        band_bytes_(band_bytes) {
    for (const Axis axis : axes_) size_ *= axis.size;
    size_ *= element_bytes_;
  }

  std::uint64_t size() const override { return size_; }
  bool random_access() const override { return false; }
  std::optional<std::string> doubt() const override { return extent_->doubt(); }
  Result<std::unique_ptr<ByteStream>> stream([[maybe_unused]] std::uint64_t begin) const override {
    assert(begin == 0);
    const auto refusal = [&](std::string wanted, std::string found) {
      return Error{where_, std::nullopt, std::move(wanted), std::move(found)};
    };
    if (size_ > extent_->size() && size_ / element_bytes_ > max_made_elements)
      return refusal(fmt::format("at most {} elements in an expanded tensor", max_made_elements),
                     fmt::format("{}", size_ / element_bytes_));
    const std::uint64_t band = extent_->random_access() ? band_bytes_ : far_band_bytes;
    if (!extent_->random_access() && size_ > far_band_bytes * most_far_bands)
      return refusal("an array in row-major (C) order, or one that is not compressed",
                     fmt::format("{} compressed bytes in another order", size_));
    return std::unique_ptr<ByteStream>(std::make_unique<RowMajorStream>(extent_, axes_, element_bytes_, band));
  }

 private:
  std::shared_ptr<const ByteSource> extent_;
  std::vector<Axis> axes_;
  std::uint64_t element_bytes_;
  std::string where_;
  std::uint64_t band_bytes_;
  std::uint64_t size_ = 1;
};

}  // namespace

// Strides fall: each step along an axis passes over all that the axes behind it reach.
bool is_row_major(std::span<const std::uint64_t> shape, std::span<const std::uint64_t> strides) {
  std::uint64_t before = ~std::uint64_t{0};
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    if (strides[i] >= before || strides[i] == 0) return false;
    before = strides[i];
  }
  return true;
}

std::shared_ptr<const ByteSource> row_major_source(std::shared_ptr<const ByteSource> extent,
                                                   std::span<const std::uint64_t> shape,
                                                   std::span<const std::uint64_t> strides, int element_bytes,
                                                   std::string where, std::uint64_t band_bytes) {
  std::vector<Axis> axes;  // longer than 1, joined where one step of the outer is a whole inner axis
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    if (!axes.empty() && axes.back().stride == strides[i] * shape[i]) {
      axes.back() = {axes.back().size * shape[i], strides[i]};
    } else {
      axes.push_back({shape[i], strides[i]});
    }
  }
  return std::make_shared<const RowMajorSource>(
      std::move(extent), std::move(axes), static_cast<std::uint64_t>(element_bytes), std::move(where), band_bytes);
}

}  // namespace lowp
