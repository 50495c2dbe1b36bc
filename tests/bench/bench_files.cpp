// SPDX-License-Identifier: Apache-2.0
// Whole audits of files in the page cache, against reading the same file with plain read calls in the same process.
// Names: file/tensors/errors, counts or open/threads. Wall time; takes turns with the plain reads.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "bench_data.h"
#include "lowp/audit/audit.h"
#include "lowp/core/formats.h"

namespace lowp::bench {
namespace {

namespace fs = std::filesystem;

// 2^26 elements (data set C over and over) as so many tensors of one safetensors file; removed at the end.
class Dump {
 public:
  explicit Dump(std::size_t tensors) : tensors_(tensors), path_(fs::temp_directory_path() / name_of(tensors)) {
    const std::size_t each = elements / tensors;
    std::string header = "{";
    for (std::size_t i = 0; i < tensors; ++i) {
      header += (i == 0 ? "\"grad/" : ",\"grad/") + std::to_string(i) + "\":{\"dtype\":\"F32\",\"shape\":[" +
                std::to_string(each) + "],\"data_offsets\":[" + std::to_string(4 * each * i) + "," +
                std::to_string(4 * each * (i + 1)) + "]}";
    }
    header += "}";
    std::ofstream file(path_, std::ios::binary);
    const std::uint64_t length = header.size();
    file.write(reinterpret_cast<const char*>(&length), sizeof length);
    file << header;
    const std::vector<float>& values = data_set("C");
    for (std::size_t left = each * tensors; left != 0;) {
      const std::size_t now = std::min(left, values.size());
      file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(now * sizeof(float)));
      left -= now;
    }
  }
  ~Dump() {
    std::error_code ignored;
    fs::remove(path_, ignored);
  }
  Dump(const Dump&) = delete;
  Dump& operator=(const Dump&) = delete;

  static constexpr std::size_t elements = std::size_t{1} << 26;
  std::size_t tensors() const { return tensors_; }
  std::string path() const { return path_.string(); }

 private:
  static std::string name_of(std::size_t tensors) {
    return "bench_files." + std::to_string(::getpid()) + "." + std::to_string(tensors) + ".safetensors";
  }
  std::size_t tensors_;
  fs::path path_;
};

double seconds(auto run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

void read_all(const std::string& path) {
  std::vector<char> buffer(128 << 10);
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  while (::read(fd, buffer.data(), buffer.size()) > 0) {
  }
  ::close(fd);
}

enum class Job { errors, counts, open, tensor_errors };

void run(benchmark::State& state, const Dump& dump, Job job, int threads) {
  AuditOptions options;
  for (const char* format : {"fp16", "bf16", "e4m3", "e5m2"}) {
    options.question.formats.push_back({format, find_format(format).format});
  }
  options.question.counts_only = job == Job::counts;
  options.effort.threads = threads;
  if (job == Job::tensor_errors) options.tensors = Level::errors;
  const std::vector<std::string> paths{dump.path()};
  const auto work = [&] {
    const auto series = open_series(paths, {});
    if (!series || (job != Job::open && !run_audit(*series, options))) std::abort();
  };
  work();
  std::vector<double> took, ratios;
  for (auto _ : state) {
    const double plain = seconds([&] { read_all(dump.path()); });
    took.push_back(seconds(work));
    ratios.push_back(plain / took.back());
    state.SetIterationTime(took.back());
  }
  state.counters["seconds"] = median(took);
  state.counters["Gelem_s"] = static_cast<double>(Dump::elements) / median(took) * 1e-9;
  state.counters["of_read"] = median(ratios);
}

}  // namespace
}  // namespace lowp::bench

int main(int argc, char** argv) {
  using namespace lowp::bench;
  std::vector<std::unique_ptr<Dump>> dumps;
  for (const std::size_t tensors : {std::size_t{1}, std::size_t{64}, std::size_t{20000}}) {
    dumps.push_back(std::make_unique<Dump>(tensors));
    const Dump& dump = *dumps.back();
    for (const auto& [job, name] : {std::pair{Job::errors, "errors"},
                                    {Job::counts, "counts"},
                                    {Job::open, "open"},
                                    {Job::tensor_errors, "tensor_errors"}}) {
      for (const int threads : {1, 2}) {
        if (job == Job::open && threads == 2) continue;
        if (job == Job::tensor_errors && tensors > 2000) continue;  // an audit judges no more
        const std::string title = "file/" + std::to_string(tensors) + "/" + name + "/" + std::to_string(threads);
        const auto body = [&dump, job = job, threads](benchmark::State& state) { run(state, dump, job, threads); };
        benchmark::RegisterBenchmark(title.c_str(), body)
            ->UseManualTime()
            ->Iterations(7)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
