// SPDX-License-Identifier: Apache-2.0
// The pass on the GPU against the read bandwidth of the same device, in turns in one process: medians over wall time
// that begins and ends with an idle device, so launches, samples and plans are in it. Exit 77 where there is no GPU.
#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <functional>

#include "gpu_pass_samples.h"
#include "lowp/gpu_pass/binade_pass.h"
#include "read_bandwidth.h"

using namespace lowp;
using namespace lowp::proof;

namespace {

constexpr std::uint64_t total_bytes = std::uint64_t{1} << 30;
constexpr int turns = 15;

double seconds_of(const std::function<void()>& work) {
  cudaDeviceSynchronize();
  const auto begin = std::chrono::steady_clock::now();
  work();
  cudaDeviceSynchronize();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// All of it, or the program ends: a figure of something that failed would be a lie.
template <class Value>
void demand(const Result<Value>& result) {
  if (result) return;
  std::printf("%s\n", result.error().message().c_str());
  std::exit(1);
}
void demand(cudaError_t error) {
  if (error == cudaSuccess) return;
  std::printf("%s\n", cudaGetErrorString(error));
  std::exit(1);
}

// A sample repeated until it fills the measured memory.
void fill(std::byte* memory, const PassSample& sample) {
  for (std::uint64_t at = 0; at < total_bytes; at += sample.bytes.size()) {
    const std::uint64_t size = std::min<std::uint64_t>(sample.bytes.size(), total_bytes - at);
    demand(cudaMemcpy(memory + at, sample.bytes.data(), size, cudaMemcpyHostToDevice));
  }
}

struct Times {
  std::vector<double> read, read_cub, counts, moments, whole;
};

Times measure(gpu::BinadePass& pass, ReadBandwidth& read, const std::byte* memory, const Dtype& dtype) {
  const gpu::DeviceElements elements{&dtype, memory, total_bytes / static_cast<std::uint64_t>(dtype.bytes)};
  using Depth = gpu::BinadePass::Depth;
  Times times;
  for (int turn = -2; turn < turns; ++turn) {  // two to warm up
    const double read_time = seconds_of([&] { demand(read.sum(memory)); });
    const double cub_time = seconds_of([&] { demand(read.sum_cub(memory)); });
    demand(pass.begin(Depth::counts));
    const double counts_time = seconds_of([&] { demand(pass.add(elements)); });
    demand(pass.begin(Depth::moments));
    const double moments_time = seconds_of([&] { demand(pass.add(elements)); });
    BinadeCounter counter;
    const double whole_time = seconds_of([&] { demand(pass.count(elements, counter)); });
    if (turn < 0) continue;
    times.read.push_back(read_time);
    times.read_cub.push_back(cub_time);
    times.counts.push_back(counts_time);
    times.moments.push_back(moments_time);
    times.whole.push_back(whole_time);
  }
  return times;
}

void print_row(const Dtype& dtype, const char* data, const Times& times) {
  const double best = std::min(median(times.read), median(times.read_cub));
  const auto bandwidth = [](double seconds) { return static_cast<double>(total_bytes) / seconds / 1e9; };
  const auto cell = [&](const std::vector<double>& seconds) {
    const double time = median(seconds), elements = static_cast<double>(total_bytes) / dtype.bytes;
    std::printf(" %.0f (%.0f %%, %.0f Gelem/s) |", bandwidth(time), 100 * best / time, elements / time / 1e9);
  };
  std::printf("| %s | %s | %.0f | %.0f |", std::string(dtype.name).c_str(), data, bandwidth(median(times.read)),
              bandwidth(median(times.read_cub)));
  cell(times.counts);
  cell(times.moments);
  cell(times.whole);
  std::printf("\n");
  std::fflush(stdout);
}

PassSample constant_sample(const char* dtype) {
  PassSample sample = gradient_sample(dtype, 1 << 20, -12, 3, 5);
  const auto step = static_cast<std::size_t>(sample.dtype->bytes);
  for (std::size_t at = 0; at < sample.bytes.size(); at += step) {
    std::memset(sample.bytes.data() + at, 0x3d, step);
  }
  return sample;
}

// FP32 that held BF16: no element has a tail.
PassSample narrow_sample() {
  PassSample sample = gradient_sample("f32", 1 << 22, -12, 3, 6);
  for (std::size_t at = 0; at < sample.bytes.size(); at += 4) std::memset(sample.bytes.data() + at, 0, 2);
  return sample;
}

}  // namespace

int main() {
  auto pass = gpu::BinadePass::open();
  if (!pass) {
    std::printf("skipped: %s\n", pass.error().message().c_str());
    return 77;
  }
  void* memory = nullptr;
  demand(cudaMalloc(&memory, total_bytes));
  ReadBandwidth read(total_bytes);
  auto* bytes = static_cast<std::byte*>(memory);
  std::printf("%s, 1 GiB, medians of %d, GB/s (of the better read; elements)\n\n", (*pass)->device().c_str(), turns);
  std::printf("| dtype | data | read | read, CUB | counts | moments | moments, table on the host |\n");
  std::printf("|---|---|---|---|---|---|---|\n");
  const auto row = [&](const PassSample& sample, const char* data) {
    fill(bytes, sample);
    print_row(*sample.dtype, data, measure(**pass, read, bytes, *sample.dtype));
  };
  for (const char* dtype : {"f32", "bf16", "f16"}) {
    row(gradient_sample(dtype, 1 << 22, -12, 2, 1), "gradients of one tensor, deviation 2 binades");
    row(gradient_sample(dtype, 1 << 22, -12, 5, 2), "of a model, deviation 5");
    row(constant_sample(dtype), "one value");
  }
  row(narrow_sample(), "from bf16, deviation 3");
  cudaFree(memory);
  return 0;
}
