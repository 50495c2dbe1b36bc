// SPDX-License-Identifier: Apache-2.0
// A dump is a sequence of steps of tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lowp/tensor/view.h"

namespace lowp {

// How to read what the file does not say, and what to leave out.
struct OpenOptions {
  std::string reader;                        // a reader's name; empty: recognise each file
  const Dtype* raw_dtype = nullptr;          // of raw files, which say nothing themselves
  std::uint64_t raw_offset = 0;              // bytes before the first element
  std::optional<std::uint64_t> raw_count;    // elements; default: all that follow
  bool raw_big_endian = false;
  const Dtype* assume_dtype = nullptr;       // of npy descriptors that lost their name (V1, V2)
  std::vector<std::string> select;           // globs over tensor names, '*' crosses '/'; empty: all
  bool strict = false;                       // torch CRC mismatches are errors, not warnings
};

// One file (or one index with its shards) of one training step.
struct Input {
  std::string path;                    // as the user gave it or found in the directory he gave
  std::string format;                  // name of the reader
  std::optional<std::int64_t> step;    // from metadata, else from the file name
  std::uint64_t bytes = 0;             // of the file or files
  std::vector<TensorView> tensors;     // in file order, after `select`; names unique
  std::vector<std::string> notes;      // what was skipped and why; printable lines
};

// Inputs ordered by step where every one has a step and they differ, else in the order given.
struct StepSeries {
  std::vector<Input> inputs;
};

// Opens files and directories (a directory gives the dumps directly inside it, sorted by name; files that no reader
// recognises are noted, not errors). Every offset, size, shape and name has been checked when this returns: a later
// read can only fail for I/O, corrupt compressed data, or a file that changed.
Result<StepSeries> open_series(std::span<const std::string> paths, const OpenOptions& options);

// Whether `name` matches `glob`: '*' any run of characters, '?' one, everything else itself.
bool glob_match(std::string_view glob, std::string_view name);

}  // namespace lowp
