// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/strided.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "lowp/tensor/checked.h"

namespace lowp {
namespace {

constexpr std::size_t buffer_bytes = std::size_t{1} << 18;

// Walks the axes like an odometer. Offsets only grow, so the extent is read forwards, a buffer at a time.
class StridedStream final : public ByteStream {
 public:
  StridedStream(std::unique_ptr<ByteStream> extent, std::uint64_t extent_bytes, std::span<const Axis> axes,
                std::uint64_t element_bytes)
      : extent_(std::move(extent)), extent_bytes_(extent_bytes), run_bytes_(element_bytes) {
    if (!axes.empty() && axes.back().stride == 1) {  // a whole row in one piece
      run_bytes_ *= axes.back().size;
      axes = axes.first(axes.size() - 1);
    }
    for (const Axis axis : axes) axes_.push_back({axis.size, axis.stride * element_bytes});
    index_.resize(axes_.size());
  }

  Result<Done> read(std::span<std::byte> out) override {
    while (!out.empty()) {
      if (run_at_ == run_bytes_) next_run();
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), run_bytes_ - run_at_));
      auto copied = copy(run_begin_ + run_at_, out.first(count));
      if (!copied) return copied.error();
      run_at_ += *copied;
      out = out.subspan(*copied);
    }
    return Done{};
  }

 private:
  void next_run() {
    run_at_ = 0;
    for (std::size_t axis = axes_.size(); axis-- > 0;) {
      if (++index_[axis] < axes_[axis].size) {
        run_begin_ += axes_[axis].stride;
        return;
      }
      run_begin_ -= (axes_[axis].size - 1) * axes_[axis].stride;
      index_[axis] = 0;
    }
    assert(false && "read past the end of a strided view");
  }
  // Copies what the buffer holds from byte `at` of the extent, after filling it up to there; at least one byte.
  Result<std::size_t> copy(std::uint64_t at, std::span<std::byte> out) {
    while (at >= buffer_end_) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(buffer_bytes, extent_bytes_ - buffer_end_));
      buffer_.resize(count);
      if (const auto done = extent_->read(buffer_); !done) return done.error();
      buffer_end_ += count;
    }
    const auto from = static_cast<std::size_t>(at - (buffer_end_ - buffer_.size()));
    const std::size_t count = std::min(out.size(), buffer_.size() - from);
    std::memcpy(out.data(), buffer_.data() + from, count);
    return count;
  }

  std::unique_ptr<ByteStream> extent_;
  std::uint64_t extent_bytes_;
  std::vector<Axis> axes_;  // strides in bytes
  std::vector<std::uint64_t> index_;
  std::uint64_t run_bytes_;
  std::uint64_t run_begin_ = 0;
  std::uint64_t run_at_ = 0;
  std::vector<std::byte> buffer_;
  std::uint64_t buffer_end_ = 0;
};

class StridedSource final : public ByteSource {
 public:
  StridedSource(std::shared_ptr<const ByteSource> extent, std::vector<Axis> axes, std::uint64_t element_bytes)
      : extent_(std::move(extent)), axes_(std::move(axes)), element_bytes_(element_bytes), size_(element_bytes) {
    for (const Axis axis : axes_) size_ *= axis.size;
  }

  std::uint64_t size() const override { return size_; }
  bool random_access() const override { return false; }
  std::optional<std::string> doubt() const override { return extent_->doubt(); }
  Result<std::unique_ptr<ByteStream>> stream([[maybe_unused]] std::uint64_t begin) const override {
    assert(begin == 0);
    auto extent = extent_->stream(0);
    if (!extent) return extent.error();
    return std::unique_ptr<ByteStream>(
        std::make_unique<StridedStream>(*std::move(extent), extent_->size(), axes_, element_bytes_));
  }

 private:
  std::shared_ptr<const ByteSource> extent_;
  std::vector<Axis> axes_;
  std::uint64_t element_bytes_;
  std::uint64_t size_;
};

bool is_contiguous(std::span<const Axis> axes) {
  return axes.empty() || (axes.size() == 1 && axes.front().stride == 1);
}

}  // namespace

std::optional<std::uint64_t> view_extent(std::span<const std::uint64_t> shape, std::span<const std::uint64_t> strides) {
  assert(shape.size() == strides.size());
  std::optional<std::uint64_t> extent = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) return 0;
    const auto reach = checked_product(shape[i] - 1, strides[i]);
    extent = extent && reach ? checked_sum(*extent, *reach) : std::nullopt;
  }
  return extent;
}

// Sorted by falling stride, an axis that steps over everything the axes inside it reach cannot meet them again.
std::optional<StoredView> canonical_view(std::span<const std::uint64_t> shape, std::span<const std::uint64_t> strides) {
  StoredView view;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    if (strides[i] == 0)
      view.multiplicity *= shape[i];
    else
      view.axes.push_back({shape[i], strides[i]});
  }
  std::ranges::sort(view.axes, std::ranges::greater{}, &Axis::stride);
  std::vector<Axis> joined;  // innermost first
  std::uint64_t reach = 1;
  for (auto axis = view.axes.rbegin(); axis != view.axes.rend(); ++axis) {
    if (axis->stride < reach) return std::nullopt;
    reach += (axis->size - 1) * axis->stride;
    if (!joined.empty() && axis->stride == joined.back().stride * joined.back().size) {
      joined.back().size *= axis->size;
    } else {
      joined.push_back(*axis);
    }
  }
  view.axes.assign(joined.rbegin(), joined.rend());
  return view;
}

std::shared_ptr<const ByteSource> strided_source(std::shared_ptr<const ByteSource> extent, std::vector<Axis> axes,
                                                 int element_bytes) {
  if (is_contiguous(axes)) return extent;
  return std::make_shared<const StridedSource>(std::move(extent), std::move(axes),
                                               static_cast<std::uint64_t>(element_bytes));
}

}  // namespace lowp
