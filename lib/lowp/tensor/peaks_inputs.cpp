// SPDX-License-Identifier: Apache-2.0
// A file of largest magnitudes as inputs: each step holds evidence of the level `peak`.
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>

#include "lowp/core/convert.h"
#include "lowp/summary/summary.h"
#include "lowp/tensor/file.h"
#include "lowp/tensor/peaks_file.h"
#include "lowp/tensor/reader_rows.h"

namespace lowp {
namespace {

constexpr std::size_t step_cap = 100'000;  // an input takes a kilobyte

// Magnitudes are kept as what they were read to.
const Dtype& f64 = *find_dtype("f64");

// In place of elements: whoever wants them is told that there are none.
class NoElements final : public ByteSource {
 public:
  explicit NoElements(std::string path) : path_(std::move(path)) {}
  std::uint64_t size() const override { return 0; }
  bool random_access() const override { return true; }
  Result<std::unique_ptr<ByteStream>> stream(std::uint64_t) const override {
    return Error{path_, std::nullopt, "elements", "largest magnitudes alone: this question needs a dump"};
  }

 private:
  std::string path_;
};

void see(Peak& peak, double magnitude) {
  peak.has_nan |= std::isnan(magnitude);
  peak.has_inf |= std::isinf(magnitude);
  if (!std::isfinite(magnitude)) return;
  const Exact exact = lowest_terms(decode(f64.format, std::bit_cast<std::uint64_t>(magnitude)));
  if (magnitude_less(peak.max_abs, exact)) peak.max_abs = exact;
}

std::string tensor_name(const PeaksFile& file, const PeakRow& row) {
  const std::string& name = file.names[row.name];
  if (!file.kinds_known) return name.empty() ? "gradients" : name;
  const std::string kind(magnitude_kind_names[static_cast<std::size_t>(row.kind)]);
  if (name.starts_with(kind + "/")) return name;
  return kind + "/" + (name.empty() ? "*" : name);
}

using RowSpan = std::span<const PeakRow>;

std::map<std::string, Peak> peaks_of(const PeaksFile& file, RowSpan rows) {
  std::map<std::string, Peak> peaks;
  for (const PeakRow& row : rows) see(peaks[tensor_name(file, row)], row.largest);
  return peaks;
}

StepSummary summary_of(const PeaksFile& file, RowSpan rows) {
  StepSummary step;
  step.path = file.stamp.path;
  step.dump = std::filesystem::path(file.stamp.path).filename().string();
  step.reader = "peaks";
  step.step = rows.front().step;
  for (auto& [name, peak] : peaks_of(file, rows)) step.tensors.push_back({name, &f64, {0}, Evidence{peak}});
  return step;
}

Input input_of(const std::shared_ptr<const PeaksFile>& file, RowSpan rows,
               const std::shared_ptr<const ByteSource>& no_elements) {
  Input input;
  input.path = file->stamp.path;
  input.step = rows.front().step;
  input.counts_elements = false;
  input.dump_scale_log2 = 0;  // magnitudes are unscaled
  for (const auto& [name, peak] : peaks_of(*file, rows)) {
    TensorView view;
    view.name = name;
    view.dtype = &f64;
    view.shape = {0};
    view.source = no_elements;
    input.tensors.push_back(std::move(view));
  }
  input.summary = [file, rows]() -> Result<StepSummary> { return summary_of(*file, rows); };
  return input;
}

}  // namespace

Result<std::vector<Input>> open_peaks(const std::string& path, const OpenOptions&) {
  auto read = read_peaks(path);
  if (!read) return read.error();
  const auto file = std::make_shared<const PeaksFile>(*std::move(read));
  const auto no_elements = std::make_shared<const NoElements>(path);
  const RowSpan all(file->rows);
  std::vector<Input> inputs;
  for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    while (end < all.size() && all[end].step == all[begin].step) ++end;
    if (inputs.size() == step_cap)
      return Error{path, std::nullopt, fmt::format("at most {} steps (a replay takes any number)", step_cap), "more"};
    inputs.push_back(input_of(file, all.subspan(begin, end - begin), no_elements));
  }
  inputs.front().bytes = file->stamp.bytes;
  inputs.front().files = {file->stamp};
  return inputs;
}

}  // namespace lowp
