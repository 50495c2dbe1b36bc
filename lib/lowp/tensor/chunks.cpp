// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/chunks.h"

#include <algorithm>
#include <cassert>
#include <span>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/file.h"

namespace lowp {
namespace {

constexpr std::size_t max_chunks = 2048;

using Chunks = std::vector<Chunk>;

// Sources one after another.
class ChainStream final : public ByteStream {
 public:
  ChainStream(std::shared_ptr<const Chunks> chunks, std::size_t at, std::unique_ptr<ByteStream> stream,
              std::uint64_t left)
      : chunks_(std::move(chunks)), at_(at), stream_(std::move(stream)), left_(left) {}

  Result<Done> read(std::span<std::byte> out) override {
    while (!out.empty()) {
      while (left_ == 0) {
        assert(at_ + 1 < chunks_->size() && "read past the end of the chunks");
        const ByteSource& source = *(*chunks_)[++at_].view.source;
        auto next = source.stream(0);
        if (!next) return next.error();
        stream_ = *std::move(next);
        left_ = source.size();
      }
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_));
      if (auto done = stream_->read(out.first(count)); !done) return done;
      left_ -= count;
      out = out.subspan(count);
    }
    return Done{};
  }

 private:
  std::shared_ptr<const Chunks> chunks_;
  std::size_t at_;
  std::unique_ptr<ByteStream> stream_;
  std::uint64_t left_;
};

class ChainSource final : public ByteSource {
 public:
  explicit ChainSource(std::shared_ptr<const Chunks> chunks) : chunks_(std::move(chunks)) {
    for (const Chunk& chunk : *chunks_) {
      size_ += chunk.view.source->size();
      random_access_ = random_access_ && chunk.view.source->random_access();
    }
  }

  std::uint64_t size() const override { return size_; }
  bool random_access() const override { return random_access_; }
  std::optional<std::string> doubt() const override {
    for (const Chunk& chunk : *chunks_) {
      if (auto doubt = chunk.view.source->doubt()) return doubt;
    }
    return std::nullopt;
  }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t begin) const override {
    std::size_t at = 0;
    while (at + 1 < chunks_->size() && begin >= (*chunks_)[at].view.source->size()) {
      begin -= (*chunks_)[at++].view.source->size();
    }
    const ByteSource& source = *(*chunks_)[at].view.source;
    auto stream = source.stream(begin);
    if (!stream) return stream.error();
    return std::unique_ptr<ByteStream>(
        std::make_unique<ChainStream>(chunks_, at, *std::move(stream), source.size() - begin));
  }

 private:
  std::shared_ptr<const Chunks> chunks_;
  std::uint64_t size_ = 0;
  bool random_access_ = true;
};

bool contains(const Chunk& chunk, std::span<const std::uint64_t> index) {
  for (std::size_t a = 0; a < index.size(); ++a) {
    if (index[a] < chunk.offset[a] || index[a] - chunk.offset[a] >= chunk.view.shape[a]) return false;
  }
  return true;
}

// Row-major order of the whole passes through each chunk in that chunk's own row-major order, so one stream per chunk
// is read forwards, a run at a time.
class MosaicStream final : public ByteStream {
 public:
  MosaicStream(std::shared_ptr<const Chunks> chunks, std::vector<std::uint64_t> shape, std::uint64_t element_bytes,
               std::vector<std::unique_ptr<ByteStream>> streams)
      : chunks_(std::move(chunks)),
        shape_(std::move(shape)),
        element_bytes_(element_bytes),
        streams_(std::move(streams)),
        index_(shape_.size()) {}

  Result<Done> read(std::span<std::byte> out) override {
    while (!out.empty()) {
      if (left_ == 0) next_run();
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), left_));
      if (auto done = streams_[at_]->read(out.first(count)); !done) return done;
      left_ -= count;
      out = out.subspan(count);
    }
    return Done{};
  }

 private:
  // The longest run from here that one chunk holds: along the last axis that it does not cover from end to end.
  void next_run() {
    if (!contains((*chunks_)[at_], index_)) {
      at_ = static_cast<std::size_t>(
          std::ranges::find_if(*chunks_, [&](const Chunk& chunk) { return contains(chunk, index_); }) -
          chunks_->begin());
    }
    assert(at_ < chunks_->size() && "chunks fill the tensor");
    const Chunk& chunk = (*chunks_)[at_];
    std::uint64_t elements = 1;
    std::size_t axis = shape_.size();
    while (axis > 1 && chunk.view.shape[axis - 1] == shape_[axis - 1]) elements *= shape_[--axis];
    if (axis > 0) {
      const std::uint64_t steps = chunk.view.shape[axis - 1];
      elements *= steps;
      index_[axis - 1] += steps;
      for (std::size_t a = axis; a-- > 1 && index_[a] == shape_[a];) {
        index_[a] = 0;
        ++index_[a - 1];
      }
    }
    left_ = elements * element_bytes_;
  }

  std::shared_ptr<const Chunks> chunks_;
  std::vector<std::uint64_t> shape_;
  std::uint64_t element_bytes_;
  std::vector<std::unique_ptr<ByteStream>> streams_;
  std::vector<std::uint64_t> index_;  // of the next run
  std::size_t at_ = 0;                // chunk of this run
  std::uint64_t left_ = 0;            // bytes of it
};

class MosaicSource final : public ByteSource {
 public:
  MosaicSource(std::shared_ptr<const Chunks> chunks, std::vector<std::uint64_t> shape, std::uint64_t element_bytes)
      : chunks_(std::move(chunks)), shape_(std::move(shape)), element_bytes_(element_bytes) {}

  std::uint64_t size() const override { return *element_count(shape_) * element_bytes_; }
  bool random_access() const override { return false; }
  Result<std::unique_ptr<ByteStream>> stream([[maybe_unused]] std::uint64_t begin) const override {
    assert(begin == 0);
    std::vector<std::unique_ptr<ByteStream>> streams;
    for (const Chunk& chunk : *chunks_) {
      auto stream = chunk.view.in_row_major().stream(0);
      if (!stream) return stream.error();
      streams.push_back(*std::move(stream));
    }
    return std::unique_ptr<ByteStream>(
        std::make_unique<MosaicStream>(chunks_, shape_, element_bytes_, std::move(streams)));
  }

 private:
  std::shared_ptr<const Chunks> chunks_;
  std::vector<std::uint64_t> shape_;
  std::uint64_t element_bytes_;
};

bool is_inside(const Chunk& chunk, std::span<const std::uint64_t> shape) {
  if (chunk.offset.size() != shape.size() || chunk.view.shape.size() != shape.size()) return false;
  for (std::size_t a = 0; a < shape.size(); ++a) {
    const auto end = checked_sum(chunk.offset[a], chunk.view.shape[a]);
    if (!end || *end > shape[a]) return false;
  }
  return true;
}

bool overlap(const Chunk& a, const Chunk& b) {
  for (std::size_t axis = 0; axis < a.offset.size(); ++axis) {
    if (a.offset[axis] + a.view.shape[axis] <= b.offset[axis] || b.offset[axis] + b.view.shape[axis] <= a.offset[axis])
      return false;
  }
  return true;
}

bool fill(const Chunks& chunks, std::span<const std::uint64_t> shape) {
  std::uint64_t elements = 0;
  for (const Chunk& chunk : chunks) {
    const TensorView& view = chunk.view;
    if (!is_inside(chunk, shape) || view.multiplicity != 1 || view.implicit_zeros != 0) return false;
    if (view.dtype != chunks.front().view.dtype) return false;
    elements += view.elements;
  }
  if (elements != element_count(shape)) return false;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    for (std::size_t k = i + 1; k < chunks.size(); ++k) {
      if (overlap(chunks[i], chunks[k])) return false;
    }
  }
  return true;
}

// One after another in order of offset they are in row-major order: cut along the first axis only, each in its own
// order.
bool is_chain(const Chunks& chunks, std::span<const std::uint64_t> shape) {
  return std::ranges::all_of(chunks, [&](const Chunk& chunk) {
    return chunk.view.row_major == nullptr &&
           (shape.empty() || std::ranges::equal(std::span(chunk.view.shape).subspan(1), shape.subspan(1)));
  });
}

}  // namespace

std::optional<TensorView> join_chunks(const std::string& name, const std::vector<std::uint64_t>& shape,
                                      std::vector<Chunk> chunks) {
  if (chunks.empty() || chunks.size() > max_chunks || !fill(chunks, shape)) return std::nullopt;
  TensorView view;
  view.name = name;
  view.dtype = chunks.front().view.dtype;
  view.shape = shape;
  view.elements = *element_count(shape);
  view.source = empty_source();
  if (view.elements == 0) return view;
  std::erase_if(chunks, [](const Chunk& chunk) { return chunk.view.elements == 0; });
  if (chunks.size() == 1) {
    view.source = chunks.front().view.source;
    view.row_major = chunks.front().view.row_major;
    return view;
  }
  std::ranges::sort(chunks, {}, &Chunk::offset);
  const bool chain = is_chain(chunks, shape);
  auto shared = std::make_shared<const Chunks>(std::move(chunks));
  view.source = std::make_shared<const ChainSource>(shared);
  if (!chain)
    view.row_major = std::make_shared<const MosaicSource>(shared, shape, static_cast<std::uint64_t>(view.dtype->bytes));
  return view;
}

}  // namespace lowp
