// SPDX-License-Identifier: Apache-2.0
// Any bytes, through every reader of the table: an Error or an input that keeps its contract, and all of it can be
// read.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>

#include "lowp/summary/sweep.h"
#include "lowp/tensor/binades.h"
#include "lowp/tensor/readers.h"

namespace {

using namespace lowp;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "contract broken: %s\n", what);
  std::abort();
}

// At most this much of each tensor: deflated zeros would take all the time there is.
constexpr std::uint64_t max_read = std::uint64_t{1} << 22;

void read(const ByteSource& source) {
  const auto stream = source.stream(0);
  if (!stream) return;
  static std::byte block[1 << 16];
  const std::uint64_t end = std::min(max_read, source.size());
  for (std::uint64_t at = 0; at < end;) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(sizeof block, end - at));
    if (!(*stream)->read(std::span(block, count))) return;
    at += count;
  }
}

// Evidence that was read can be swept, added to itself and written again.
void check_summary(const Input& input) {
  auto step = input.summary();
  if (!step) return require(step.error().message() == printable(step.error().message()), "printable messages");
  const Question question{{{"fp16", find_format("fp16").format}, {"fp32", find_format("fp32").format}}, {}, {}, {-2, 2}};
  for (const TensorSummary& tensor : step->tensors) {
    if (const auto sweep = Sweep::of(tensor.evidence, question)) (void)sweep->all();
  }
  (void)binades_bytes(*step);
}

void check(const Input& input) {
  std::set<std::string> names;
  for (const TensorView& tensor : input.tensors) {
    require(tensor.dtype != nullptr && tensor.source != nullptr, "a view has a dtype and a source");
    const auto item = static_cast<std::uint64_t>(tensor.dtype->bytes);
    require(names.insert(tensor.name).second, "names are unique");
    require(tensor.source->size() % item == 0, "whole elements");
    require(tensor.elements <= max_elements, "element limit");
    require(tensor.elements == tensor.source->size() / item * tensor.multiplicity + tensor.implicit_zeros, "elements");
    require(input.summary || !tensor.source->random_access() || tensor.source->size() <= input.bytes,
            "bytes inside the file");
    read(*tensor.source);
    if (!tensor.row_major) continue;
    require(tensor.row_major->size() == tensor.elements * item, "every element in row-major order");
    read(*tensor.row_major);
  }
  if (input.summary) check_summary(input);
  for (const std::string& note : input.notes) require(note == printable(note), "printable notes");
  for (const std::string& note : notes_after_reading(input)) require(note == printable(note), "printable doubts");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  require(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "memory for the file");
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  OpenOptions options;
  options.raw_dtype = find_dtype("f16");
  options.assume_dtype = find_dtype("bf16");
  for (const Reader& reader : readers()) {
    const auto inputs = open_steps(reader, path, options);
    if (!inputs) require(inputs.error().message() == printable(inputs.error().message()), "printable messages");
    if (!inputs) continue;
    for (const Input& input : *inputs) check(input);
  }
  if (const auto series = open_series(std::span(&path, 1), options); series) check(series->inputs.at(0));
  ::close(fd);
  return 0;
}
