// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/part_of_series.h"

#include <map>
#include <set>
#include <string_view>

#include "lowp/tensor/file.h"

namespace lowp {
namespace {

class Stretch final : public ByteSource {
 public:
  Stretch(std::shared_ptr<const ByteSource> whole, std::uint64_t begin, std::uint64_t size)
      : whole_(std::move(whole)), begin_(begin), size_(size) {}
  std::uint64_t size() const override { return size_; }
  bool random_access() const override { return true; }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t begin) const override {
    return whole_->stream(begin_ + begin);
  }
  void expect(std::uint64_t begin, std::uint64_t size) const override { whole_->expect(begin_ + begin, size); }
  std::optional<std::string> doubt() const override { return whole_->doubt(); }

 private:
  std::shared_ptr<const ByteSource> whole_;
  std::uint64_t begin_, size_;
};

}  // namespace

Result<StepSeries> part_of_series(StepSeries series, std::uint32_t index, std::uint32_t count) {
  for (Input& input : series.inputs) {
    if (input.summary) return Error{input.path, std::nullopt, "a dump to read a part of", "a summary"};
    std::uint32_t turn = 0;
    for (TensorView& view : input.tensors) {
      if (!view.source || view.source->size() == unknown_size)
        return Error{input.path, std::nullopt, "files to read a part of", "a pipe"};
      if (index != 1) view.implicit_zeros = 0;
      if (!view.source->random_access()) {
        if (turn++ % count != index - 1) view.source = empty_source();
        continue;
      }
      const auto size = static_cast<std::uint64_t>(view.dtype->bytes);
      const std::uint64_t elements = view.source->size() / size;  // at most 2^40, and count is at most 2^24
      const std::uint64_t begin = elements * (index - 1) / count, end = elements * index / count;
      view.source = std::make_shared<Stretch>(view.source, begin * size, (end - begin) * size);
    }
  }
  return series;
}

std::vector<Part> ranks_of(const StepSeries& series) {
  std::vector<Part> parts(series.inputs.size());
  std::map<std::int64_t, std::vector<std::size_t>> same_step;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (series.inputs[i].step) same_step[*series.inputs[i].step].push_back(i);
  }
  for (const auto& [step, inputs] : same_step) {
    std::set<std::string_view> names;
    std::size_t tensors = 0;
    for (const std::size_t i : inputs) {
      for (const TensorView& view : series.inputs[i].tensors) names.insert(view.name);
      tensors += series.inputs[i].tensors.size();
    }
    if (names.size() == tensors) continue;  // shards: each tensor is in one of them
    for (std::uint32_t rank = 0; rank < inputs.size(); ++rank)
      parts[inputs[rank]] = {Part::Kind::rank, rank, static_cast<std::uint32_t>(inputs.size())};
  }
  return parts;
}

}  // namespace lowp
