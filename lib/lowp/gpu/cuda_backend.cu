// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fstream>

#include "lowp/gpu/code_digest.h"
#include "lowp/gpu/cuda_backend.h"
#include "lowp/gpu/cuda_device.cuh"

namespace lowp::gpu {
namespace {

constexpr std::uint32_t chunk = 1u << 26;  // inputs at a time: five arrays of 256 MiB
constexpr std::size_t most_noted = 4096;

unsigned blocks_for(std::uint64_t threads) {
  return static_cast<unsigned>((threads + threads_per_block - 1) / threads_per_block);
}
__device__ std::uint32_t thread_number() {
  return blockIdx.x * blockDim.x + threadIdx.x;
}

__global__ void tell_target(Target* target) {
  *target = {pass_architecture, pass_specific};
}

__global__ void make_inputs(Rule rule, Selection selection, std::uint64_t first, std::uint32_t count, std::uint32_t* a,
                            std::uint32_t* b, std::uint32_t* c) {
  const std::uint32_t i = thread_number();
  if (i >= count) return;
  const Inputs in = inputs_at(rule, input_number(selection, first + i));
  a[i] = in.a;
  b[i] = in.b;
  c[i] = in.c;
}

// What went wrong so far: how often, and the smallest numbers of inputs among the first to be noted.
struct Notes {
  unsigned long long mismatches;
  ScalarMismatch noted[most_noted];
};

// core on the device: what each input must give. The returned codes get core's NaN, so that digests can be compared.
__global__ void judge(Rule rule, Selection selection, std::uint64_t first, ScalarBatch batch, std::uint32_t* expected,
                      Notes* notes) {
  const std::uint32_t i = thread_number();
  if (i >= batch.count) return;
  const Inputs in{batch.a[i], batch.b[i], batch.c[i]};
  const std::uint32_t right = expected_code(rule, in), returned = batch.returned[i];
  expected[i] = right;
  batch.returned[i] = one_nan(rule.target, returned);
  if (is_right(rule, in, right, returned)) return;
  const unsigned long long number = atomicAdd(&notes->mismatches, 1ull);
  if (number < most_noted) notes->noted[number] = {input_number(selection, first + i), in, returned, right};
}

__global__ void expect(Rule rule, std::uint64_t first, std::uint32_t count, std::uint32_t* expected) {
  const std::uint32_t i = thread_number();
  if (i < count) expected[i] = expected_code(rule, inputs_at(rule, first + i));
}

__global__ void digest_lanes_of(const std::uint32_t* codes, std::uint32_t lanes, std::uint64_t* digests) {
  const std::uint32_t i = thread_number();
  if (i >= lanes) return;
  const std::uint64_t block = i / digest_lanes;
  digests[i] = lane_digest(codes + block * digest_block, i % digest_lanes);
}

// Takes codes on the device chunk by chunk.
class DeviceDigest {
 public:
  explicit DeviceDigest(std::uint32_t longest) : lanes_(longest / digest_block * digest_lanes) {}
  void add(const std::uint32_t* codes, std::uint32_t count) {
    const std::uint32_t lanes = count / digest_block * digest_lanes;
    digest_lanes_of<<<blocks_for(lanes), threads_per_block>>>(codes, lanes, lanes_.data());
    finish("digest");
    digest_ = mix_blocks(digest_, lanes_.read(lanes));
  }
  std::uint64_t value() const { return digest_; }

 private:
  DeviceArray<std::uint64_t> lanes_;
  std::uint64_t digest_ = 0;
};

SweepOutcome sweep(const Rule& rule, Selection selection, void (*run)(std::size_t, const ScalarBatch&),
                   std::size_t row) {
  const std::uint64_t inputs = selection.count;
  const auto longest = static_cast<std::uint32_t>(std::min<std::uint64_t>(inputs, chunk));
  DeviceArray<std::uint32_t> a(longest), b(longest), c(longest), returned(longest), expected(longest);
  DeviceArray<Notes> notes(1);
  notes.clear();
  const bool digested = inputs % digest_block == 0;
  DeviceDigest returned_digest(longest), core_digest(longest);
  for (std::uint64_t first = 0; first < inputs; first += longest) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(longest, inputs - first));
    const ScalarBatch batch{a.data(), b.data(), c.data(), returned.data(), count};
    make_inputs<<<blocks_for(count), threads_per_block>>>(rule, selection, first, count, a.data(), b.data(), c.data());
    run(row, batch);
    judge<<<blocks_for(count), threads_per_block>>>(rule, selection, first, batch, expected.data(), notes.data());
    finish("sweep");
    if (!digested) continue;
    returned_digest.add(returned.data(), count);
    core_digest.add(expected.data(), count);
  }
  const std::vector<Notes> found = notes.read(1);
  SweepOutcome outcome{inputs, found[0].mismatches, {}, {}, {}};
  outcome.first.assign(found[0].noted, found[0].noted + std::min<std::uint64_t>(outcome.mismatches, most_noted));
  std::sort(outcome.first.begin(), outcome.first.end(),
            [](const ScalarMismatch& x, const ScalarMismatch& y) { return x.index < y.index; });
  outcome.first.resize(std::min<std::size_t>(outcome.first.size(), 3));
  if (digested) {
    outcome.returned_digest = returned_digest.value();
    outcome.core_digest = core_digest.value();
  }
  return outcome;
}

std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

// The kernel module's own version where the system tells it, and the newest CUDA that it runs.
std::string driver_text(int version) {
  const std::string cuda = "CUDA " + version_text(version);
  std::ifstream in("/proc/driver/nvidia/version");
  for (std::string word; in >> word;) {
    const bool number = word.find_first_not_of("0123456789.") == word.npos && word.find('.') != word.npos;
    if (number) return word + " (" + cuda + ")";
  }
  return cuda;
}

class CudaBackend : public Backend {
 public:
  explicit CudaBackend(const cudaDeviceProp& properties) : properties_(properties) {
    DeviceArray<Target> target(1);
    tell_target<<<1, 1>>>(target.data());
    finish("first kernel");
    target_ = target.read(1)[0];
  }

  Chip chip() override {
    int driver = 0, runtime = 0;
    check(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
    check(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
    return {properties_.name,
            "sm_" + std::to_string(properties_.major * 10 + properties_.minor),
            target_,
            driver_text(driver),
            version_text(runtime),
            "nvcc " + std::to_string(__CUDACC_VER_MAJOR__) + "." + std::to_string(__CUDACC_VER_MINOR__) + "." +
                std::to_string(__CUDACC_VER_BUILD__)};
  }

  SweepOutcome sweep_conversion(std::size_t row, Selection inputs) override {
    return sweep(conversion_rows()[row].rule, inputs, run_conversion, row);
  }
  SweepOutcome sweep_arithmetic(std::size_t row, Selection inputs) override {
    return sweep(arithmetic_rows()[row].rule, inputs, run_arithmetic, row);
  }

  std::uint64_t core_digest(const Rule& rule) override {
    const std::uint64_t inputs = all_inputs(rule);
    const auto longest = static_cast<std::uint32_t>(std::min<std::uint64_t>(inputs, chunk));
    DeviceArray<std::uint32_t> expected(longest);
    DeviceDigest digest(longest);
    for (std::uint64_t first = 0; first < inputs; first += longest) {
      expect<<<blocks_for(longest), threads_per_block>>>(rule, first, longest, expected.data());
      finish("core");
      digest.add(expected.data(), longest);
    }
    return digest.value();
  }

  std::vector<std::uint32_t> multiply(std::size_t row, Feed feed, const TileBatch& batch) override {
    const MmaRow& what = mma_rows()[row];
    const DeviceArray<std::uint32_t> a(batch.a), b(batch.b), c(batch.c);
    const auto outputs = static_cast<std::size_t>(batch.tiles) * what.m * what.n;
    DeviceArray<std::uint32_t> d(outputs);
    const TileArrays arrays{batch.tiles, batch.steps, a.data(), b.data(), c.data(), d.data()};
    is_wgmma(what) ? run_wgmma(row, feed, arrays) : run_mma(row, arrays);
    return d.read(outputs);
  }

  std::string kernel_name([[maybe_unused]] std::size_t row) override {
#if CUDART_VERSION >= 12030
    const char* name = nullptr;
    const void* kernel = is_wgmma(mma_rows()[row]) ? wgmma_kernel(row) : mma_kernel(row);
    return cudaFuncGetName(&name, kernel) == cudaSuccess && name != nullptr ? name : "";
#else
    return {};
#endif
  }

 private:
  cudaDeviceProp properties_;
  Target target_;
};

}  // namespace

std::unique_ptr<Backend> open_cuda_backend(std::string& reason) {
  int devices = 0;
  const cudaError_t status = cudaGetDeviceCount(&devices);
  if (status != cudaSuccess || devices == 0) {
    reason = status != cudaSuccess ? cudaGetErrorString(status) : "no device";
    return nullptr;
  }
  try {
    cudaDeviceProp properties{};
    check(cudaGetDeviceProperties(&properties, 0), "cudaGetDeviceProperties");
    check(cudaSetDevice(0), "cudaSetDevice");
    return std::make_unique<CudaBackend>(properties);
  } catch (const DeviceError& error) {
    reason = error.what();
    return nullptr;
  }
}

}  // namespace lowp::gpu
