// SPDX-License-Identifier: Apache-2.0
// Largest magnitudes that a training loop wrote down, one or more per step: evidence of the lowest level.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/step_series.h"

namespace lowp {

// What a magnitude is of. The gradients among them are multiplied by the loss scale; activations are not.
enum class MagnitudeKind : std::uint8_t { grad, act_grad, op_grad, loss_grad, act };
inline constexpr std::array<std::string_view, 5> magnitude_kind_names{"grad", "act_grad", "op_grad", "loss_grad",
                                                                      "act"};
std::optional<MagnitudeKind> find_magnitude_kind(std::string_view name);

struct PeakRow {
  std::int64_t step = 0;
  std::uint32_t name = 0;  // in PeaksFile::names
  MagnitudeKind kind = MagnitudeKind::grad;
  double largest = 0;  // unscaled; from 0 on, inf or NaN
};

struct PeaksFile {
  FileStamp stamp;
  std::vector<std::string> names;  // each once; "" where a row has none
  std::vector<PeakRow> rows;       // by step, of one step as in the file; never empty
  bool kinds_known = false;        // false: nobody says what the magnitudes are of
};

// CSV of `step,largest` or `step,name,kind,largest` (a first line of names may give another order), or one JSON object
// with those keys per line; at most 2 GiB. Inf and NaN are allowed, negative numbers are not. An Error names the byte
// and the line.
Result<PeaksFile> read_peaks(const std::string& path);

// Whether a file with this name and these first bytes is such a file: .csv or .jsonl, and a first line that is one of
// the headers, or one of the rows.
bool sniff_peaks(std::string_view path, std::span<const std::byte> head);

// One input per step. Its tensors are called "kind/name", or "kind/*" of rows without a name, or "gradients" of rows
// without either; a name that begins with its kind stays as it is.
Result<std::vector<Input>> open_peaks(const std::string& path, const OpenOptions& options);

}  // namespace lowp
