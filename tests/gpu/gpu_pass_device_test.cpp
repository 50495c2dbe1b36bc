// SPDX-License-Identifier: Apache-2.0
// The pass on the GPU of this machine against the processor's, bit for bit; exit 77 (skipped) where there is none.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstdio>

#include "gpu_pass_samples.h"
#include "lowp/gpu_pass/binade_pass.h"

using namespace lowp;
using namespace lowp::proof;

namespace {

int failures = 0;

void expect(bool holds, const std::string& what) {
  if (holds) return;
  ++failures;
  std::printf("wrong: %s\n", what.c_str());
}

// A copy of a sample in the device's memory, `shift` elements beyond where memory begins.
class OnGpu {
 public:
  OnGpu(const PassSample& sample, std::size_t shift) : dtype_(sample.dtype) {
    const std::size_t offset = shift * static_cast<std::size_t>(dtype_->bytes);
    if (cudaMalloc(&memory_, sample.bytes.size() + offset + 16) != cudaSuccess) return;
    at_ = static_cast<std::byte*>(memory_) + offset;
    cudaMemcpy(at_, sample.bytes.data(), sample.bytes.size(), cudaMemcpyHostToDevice);
    count_ = sample.bytes.size() / static_cast<std::size_t>(dtype_->bytes);
  }
  ~OnGpu() { cudaFree(memory_); }
  OnGpu(const OnGpu&) = delete;
  OnGpu& operator=(const OnGpu&) = delete;
  gpu::DeviceElements elements() const { return {dtype_, at_, count_}; }

 private:
  const Dtype* dtype_;
  void* memory_ = nullptr;
  std::byte* at_ = nullptr;
  std::uint64_t count_ = 0;
};

// A sample as the source of a tensor.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(const std::vector<std::byte>& bytes) : bytes_(bytes) {}
  std::uint64_t size() const override { return bytes_.size(); }
  bool random_access() const override { return true; }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t begin) const override {
    return std::unique_ptr<ByteStream>(new Stream(std::span(bytes_).subspan(static_cast<std::size_t>(begin))));
  }

 private:
  class Stream final : public ByteStream {
   public:
    explicit Stream(std::span<const std::byte> left) : left_(left) {}
    Result<Done> read(std::span<std::byte> out) override {
      std::ranges::copy(left_.first(out.size()), out.begin());
      left_ = left_.subspan(out.size());
      return Done{};
    }

   private:
    std::span<const std::byte> left_;
  };
  const std::vector<std::byte>& bytes_;
};

BinadeTable on_processor(const PassSample& sample, std::uint64_t weight) {
  BinadeCounter counter;
  (void)counter.count(*sample.dtype, sample.bytes, weight);
  return counter.take();
}

void check_memory(gpu::BinadePass& pass, const PassSample& sample) {
  const std::string name = std::string(sample.dtype->name) + ", " + sample.name;
  for (const std::size_t shift : {0, 1, 3}) {
    const std::uint64_t weight = shift == 3 ? 7 : 1;
    const OnGpu held(sample, shift);
    const BinadeTable want = on_processor(sample, weight);
    BinadeCounter counter;
    const auto counted = pass.count(held.elements(), counter, weight);
    expect(counted && counter.take() == want, name + ": table" + (counted ? "" : ": " + counted.error().message()));
    const auto counts = pass.counts(held.elements(), weight);
    expect(counts && *counts == counts_of(want),
           name + ": counts" + (counts ? "" : ": " + counts.error().message()));
  }
}

void check_source(gpu::BinadePass& pass, const PassSample& sample) {
  TensorView view;
  view.dtype = sample.dtype;
  view.source = std::make_shared<MemorySource>(sample.bytes);
  BinadeCounter counter;
  std::uint64_t bytes = 0;
  const auto counted = pass.count(view, counter, [&](std::uint64_t read) { bytes += read; });
  expect(counted && counter.take() == on_processor(sample, 1) && bytes == sample.bytes.size(),
         std::string(sample.dtype->name) + " from a source: " + sample.name +
             (counted ? "" : ": " + counted.error().message()));
}

constexpr std::size_t piece_bytes = std::size_t{1} << 20;  // the larger samples are several

}  // namespace

int main() {
  auto pass = gpu::BinadePass::open(piece_bytes);
  if (!pass) {
    std::printf("skipped: %s\n", pass.error().message().c_str());
    return 77;
  }
  std::printf("%s\n", (*pass)->device().c_str());
  for (const char* dtype : {"f32", "f16", "bf16"}) {
    std::vector<PassSample> samples = pass_samples(dtype);
    samples.push_back(gradient_sample(dtype, 1500007, -12, 3, 31));
    for (const PassSample& sample : samples) {
      check_memory(**pass, sample);
      check_source(**pass, sample);
    }
  }
  std::printf("%d wrong\n", failures);
  return failures == 0 ? 0 : 1;
}
