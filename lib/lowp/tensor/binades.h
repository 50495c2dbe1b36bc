// SPDX-License-Identifier: Apache-2.0
// A .binades file: one step's evidence as a safetensors file of unsigned integer columns.
#pragma once

#include <memory>
#include <string>

#include "lowp/summary/summary.h"
#include "lowp/tensor/step_series.h"

namespace lowp {

// The bytes of a file. Equal canonical steps give equal bytes.
std::string binades_bytes(const StepSummary& step);

// A whole file, every column checked against its CRC-32C; parts of one tensor stay apart. An Error for any bytes that
// write_binades() would not have written.
Result<StepSummary> read_binades(const std::string& path);

// A step in memory as if its file had been opened: `path`, `reader` and `bytes` are what it says. Its entries are in
// order, as canonical() leaves them.
Input input_of(std::shared_ptr<const StepSummary> step);

// Writes beside the place and renames, so that no reader ever meets half a file. An Error where something other than a
// .binades file is there already.
Result<Done> write_binades(const std::string& path, const StepSummary& step);

// Name of a step's file in a directory: "step0000000600.binades", or the dump's name where it has no step; with its
// part where all entries are one: "step0000000600.part2of8.binades".
std::string binades_name(const StepSummary& step);

// Sums the parts of each tensor that are there; a note where some are missing.
StepSummary joined_parts(StepSummary step);

}  // namespace lowp
