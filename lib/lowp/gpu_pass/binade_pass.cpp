// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu_pass/binade_pass.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>
#include <vector>

#include "lowp/gpu_pass/binade_kernels.h"
#include "lowp/gpu_pass/cuda_memory.h"
#include "lowp/gpu_pass/pass_results.h"

namespace lowp::gpu {
namespace {

constexpr std::size_t sample_rows = 128, sample_row_words = 128, sample_words = sample_rows * sample_row_words;

ElementKind kind_of(const Dtype& dtype) {
  return dtype.name == "f32" ? ElementKind::f32 : dtype.name == "f16" ? ElementKind::f16 : ElementKind::bf16;
}

// Rows of neighbouring words from all over `words`.
std::vector<std::uint32_t> sample_of(std::span<const std::uint32_t> words) {
  if (words.size() <= sample_words) return {words.begin(), words.end()};
  std::vector<std::uint32_t> sample;
  const std::size_t step = words.size() / sample_rows;
  for (std::size_t row = 0; row < sample_rows; ++row) {
    const auto from = words.subspan(row * step, sample_row_words);
    sample.insert(sample.end(), from.begin(), from.end());
  }
  return sample;
}

// Calls step() and gives a fault of CUDA as a value.
template <class Step>
auto guarded(Step step) -> decltype(step()) {
  try {
    return step();
  } catch (const CudaFault& fault) {
    return fault.error;
  }
}

// What keeps the pass from counting elements into a table, if anything.
std::optional<Error> refusal(const Dtype& dtype, const BinadeCounter* into) {
  if (!is_counted(dtype)) return Error{"cuda", std::nullopt, "f32, f16 or bf16 elements", std::string(dtype.name)};
  if (dtype.bytes == 4 && into != nullptr && !into->options().wide.empty())
    return Error{"cuda", std::nullopt, "formats with at most ten fraction bits", "a table for more"};
  return {};
}

// One of the two buffers between a source and the device.
struct Lane {
  explicit Lane(std::size_t bytes) : pinned(pinned_memory<std::byte>(bytes)), device(on_device<std::byte>(bytes)) {}
  Pinned<std::byte> pinned;
  OnDevice<std::byte> device;
  Stream stream;
};

}  // namespace

struct BinadePass::State {
  std::size_t piece_bytes = usual_piece_bytes;
  std::string name;
  PassChip chip;
  Stream stream;
  OnDevice<BinSums> bins = on_device<BinSums>(1);
  OnDevice<CodeSums> codes = on_device<CodeSums>(1);
  OnDevice<Page> pages = on_device<Page>(page_count);
  OnDevice<PassFacts> facts = on_device<PassFacts>(1);
  Pinned<BinSums> fetched_bins = pinned_memory<BinSums>(1);
  Pinned<CodeSums> fetched_codes = pinned_memory<CodeSums>(1);
  Pinned<Page> fetched_pages = pinned_memory<Page>(page_count);
  Pinned<PassFacts> fetched_facts = pinned_memory<PassFacts>(1);
  Pinned<std::uint32_t> sample = pinned_memory<std::uint32_t>(sample_words);
  std::array<std::optional<Lane>, 2> lanes;  // once a source was read
  Depth depth = Depth::moments;
  const Dtype* dtype = nullptr;  // of what was counted since begin()

  void clear(Depth new_depth);
  std::vector<std::uint32_t> device_sample(const std::uint32_t* words, std::uint64_t count);
  void launch(const Dtype& of, const ElementRun& run, std::span<const std::uint32_t> sampled, cudaStream_t on);
  void add(const DeviceElements& elements);
  Result<Done> read(const TensorView& view, const std::function<void(std::uint64_t)>& progress);
  void fetch_pages();
  Result<Done> fetch(BinadeCounter& into, std::uint64_t weight);
};

void BinadePass::State::clear(Depth new_depth) {
  const char* what = "cleared memory";
  depth = new_depth;
  dtype = nullptr;
  if (depth == Depth::counts) {
    demand(cudaMemsetAsync(bins.get(), 0, sizeof(BinSums), stream), what);
    demand(cudaMemsetAsync(&bins.get()->least_less_one, 0xff, sizeof(std::uint32_t), stream), what);
  } else {
    demand(cudaMemsetAsync(codes.get(), 0, sizeof(CodeSums), stream), what);
    demand(cudaMemsetAsync(pages.get(), 0, page_count * sizeof(Page), stream), what);
    demand(cudaMemsetAsync(facts.get(), 0, sizeof(PassFacts), stream), what);
    demand(cudaMemsetAsync(&facts.get()->least_less_one, 0xff, sizeof(std::uint32_t), stream), what);
  }
  stream.wait();  // other streams count, too
}

std::vector<std::uint32_t> BinadePass::State::device_sample(const std::uint32_t* words, std::uint64_t count) {
  const bool all = count <= sample_words;
  const std::size_t step = static_cast<std::size_t>(count / sample_rows) * sizeof *words;
  demand(all ? cudaMemcpyAsync(sample.get(), words, count * sizeof *words, cudaMemcpyDeviceToHost, stream)
             : cudaMemcpy2DAsync(sample.get(), sample_row_words * sizeof *words, words, step,
                                 sample_row_words * sizeof *words, sample_rows, cudaMemcpyDeviceToHost, stream),
         "a sample of the elements");
  stream.wait();
  return {sample.get(), sample.get() + (all ? count : sample_words)};
}

void BinadePass::State::launch(const Dtype& of, const ElementRun& run, std::span<const std::uint32_t> sampled,
                               cudaStream_t on) {
  const char* what = "a kernel that starts";
  if (depth == Depth::counts) {
    demand(launch_bins(kind_of(of), run, bins.get(), chip, on), what);
  } else if (of.bytes == 2) {
    demand(launch_codes(run, codes.get(), chip, on), what);
  } else {
    demand(launch_leaves(run, plan_pages(sampled, tiles_of_block(chip)), pages.get(), facts.get(), chip, on), what);
  }
}

void BinadePass::State::add(const DeviceElements& elements) {
  assert(dtype == nullptr || dtype == elements.dtype);
  dtype = elements.dtype;
  const auto* bytes = static_cast<const std::byte*>(elements.at);
  const std::uint64_t size = elements.count * static_cast<std::uint64_t>(dtype->bytes);
  const bool plans = dtype->bytes == 4 && depth == Depth::moments;
  for (std::uint64_t at = 0; at < size; at += most_launch_bytes) {
    const std::uint64_t part = std::min(most_launch_bytes, size - at);
    std::vector<std::uint32_t> sampled;
    if (plans) sampled = device_sample(reinterpret_cast<const std::uint32_t*>(bytes + at), part / 4);
    launch(*dtype, run_of(bytes + at, part), sampled, stream);
  }
}

// Two lanes take turns: while one is copied and counted, the other is filled from the file. A lane is filled only after
// what it held was counted.
Result<Done> BinadePass::State::read(const TensorView& view, const std::function<void(std::uint64_t)>& progress) {
  dtype = view.dtype;
  const std::uint64_t size = view.source ? view.source->size() : 0;
  if (size == 0) return Done{};
  auto source = view.source->stream(0);
  if (!source) return source.error();
  for (std::uint64_t at = 0, turn = 0; at < size; at += piece_bytes, ++turn) {
    std::optional<Lane>& lane = lanes[turn % lanes.size()];
    if (!lane) lane.emplace(piece_bytes);
    lane->stream.wait();
    const std::span piece(lane->pinned.get(),
                          static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, size - at)));
    if (auto read = (*source)->read(piece); !read) {
      for (const auto& used : lanes) {
        if (used) used->stream.wait();
      }
      return read.error();
    }
    demand(cudaMemcpyAsync(lane->device.get(), piece.data(), piece.size(), cudaMemcpyHostToDevice, lane->stream),
           "a copy to the device");
    const auto words = reinterpret_cast<const std::uint32_t*>(piece.data());
    launch(*dtype, run_of(lane->device.get(), piece.size()), sample_of({words, piece.size() / 4}), lane->stream);
    if (progress) progress(piece.size());
  }
  for (const auto& lane : lanes) {
    if (lane) lane->stream.wait();
  }
  return Done{};
}

// Touched pages only, neighbours in one copy. They lie one after another in `fetched_pages`.
void BinadePass::State::fetch_pages() {
  demand(cudaMemcpyAsync(fetched_facts.get(), facts.get(), sizeof(PassFacts), cudaMemcpyDeviceToHost, stream),
         "a copy from the device");
  stream.wait();
  const auto& touched = fetched_facts.get()->pages_touched;
  std::size_t held = 0;
  for (std::uint32_t page = 0; page < page_count;) {
    std::uint32_t end = page;
    while (end < page_count && touched[end] != 0) ++end;
    if (end != page) {
      demand(cudaMemcpyAsync(fetched_pages.get() + held, pages.get() + page, (end - page) * sizeof(Page),
                             cudaMemcpyDeviceToHost, stream),
             "a copy from the device");
    }
    held += end - page;
    page = end + 1;
  }
  stream.wait();
}

Result<Done> BinadePass::State::fetch(BinadeCounter& into, std::uint64_t weight) {
  if (dtype->bytes == 4) {
    fetch_pages();
    const auto& touched = fetched_facts.get()->pages_touched;
    const auto held = static_cast<std::size_t>(page_count - std::ranges::count(touched, 0u));
    return add_pages({fetched_pages.get(), held}, *fetched_facts, weight, into);
  }
  demand(cudaMemcpyAsync(fetched_codes.get(), codes.get(), sizeof(CodeSums), cudaMemcpyDeviceToHost, stream),
         "a copy from the device");
  stream.wait();
  return add_codes(*fetched_codes, *dtype, weight, into);
}

BinadePass::BinadePass(std::unique_ptr<State> state) : state_(std::move(state)) {}
BinadePass::~BinadePass() = default;

bool BinadePass::is_built() {
  return true;
}

Result<std::unique_ptr<BinadePass>> BinadePass::open(std::size_t piece_bytes) {
  return guarded([&]() -> Result<std::unique_ptr<BinadePass>> {
    demand(cudaSetDevice(0), "a CUDA device");
    auto state = std::make_unique<State>();
    state->piece_bytes = piece_bytes;
    cudaDeviceProp properties{};
    demand(cudaGetDeviceProperties(&properties, 0), "the properties of the device");
    state->name = properties.name;
    demand(chip_of(0, state->chip), "the properties of the device");
    return std::unique_ptr<BinadePass>(new BinadePass(std::move(state)));
  });
}

std::string BinadePass::device() const {
  return state_->name;
}

Result<Done> BinadePass::count(const TensorView& view, BinadeCounter& into,
                               const std::function<void(std::uint64_t)>& progress) {
  if (auto error = refusal(*view.dtype, &into)) return *error;
  return guarded([&]() -> Result<Done> {
    state_->clear(Depth::moments);
    if (auto read = state_->read(view, progress); !read) return read.error();
    return state_->fetch(into, view.multiplicity);
  });
}

Result<Done> BinadePass::count(const DeviceElements& elements, BinadeCounter& into, std::uint64_t weight) {
  if (auto begun = begin(Depth::moments); !begun) return begun.error();
  if (auto added = add(elements); !added) return added.error();
  return finish(into, weight);
}

Result<TensorCounts> BinadePass::counts(const DeviceElements& elements, std::uint64_t weight) {
  if (auto begun = begin(Depth::counts); !begun) return begun.error();
  if (auto added = add(elements); !added) return added.error();
  return finish_counts(weight);
}

Result<Done> BinadePass::begin(Depth depth) {
  return guarded([&]() -> Result<Done> {
    state_->clear(depth);
    return Done{};
  });
}

Result<Done> BinadePass::add(const DeviceElements& elements) {
  if (auto error = refusal(*elements.dtype, nullptr)) return *error;
  return guarded([&]() -> Result<Done> {
    state_->add(elements);
    return Done{};
  });
}

Result<Done> BinadePass::wait() {
  return guarded([&]() -> Result<Done> {
    state_->stream.wait();
    return Done{};
  });
}

Result<Done> BinadePass::finish(BinadeCounter& into, std::uint64_t weight) {
  if (state_->dtype == nullptr) return Done{};
  if (auto error = refusal(*state_->dtype, &into)) return *error;
  return guarded([&]() -> Result<Done> {
    return state_->fetch(into, weight);
  });
}

Result<TensorCounts> BinadePass::finish_counts(std::uint64_t weight) {
  return guarded([&]() -> Result<TensorCounts> {
    if (state_->dtype == nullptr) return TensorCounts{};
    demand(cudaMemcpyAsync(state_->fetched_bins.get(), state_->bins.get(), sizeof(BinSums), cudaMemcpyDeviceToHost,
                           state_->stream),
           "a copy from the device");
    state_->stream.wait();
    return counts_of(*state_->fetched_bins, *state_->dtype, weight);
  });
}

}  // namespace lowp::gpu
