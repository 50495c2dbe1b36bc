// SPDX-License-Identifier: Apache-2.0
// A dump is a sequence of steps of tensors.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lowp/tensor/view.h"

namespace lowp {

struct StepSummary;  // lowp/summary/summary.h

// How to read what the file does not say, and what to leave out.
struct OpenOptions {
  std::string reader;                      // a reader's name; empty: recognise each file
  const Dtype* raw_dtype = nullptr;        // of raw files, which say nothing themselves
  std::uint64_t raw_offset = 0;            // bytes before the first element
  std::optional<std::uint64_t> raw_count;  // elements; default: all that follow
  bool raw_big_endian = false;
  const Dtype* assume_dtype = nullptr;  // of npy descriptors that lost their name (V1, V2)
  std::vector<std::string> select;      // globs over tensor names, '*' crosses '/'; empty: all
  bool pipes = false;                   // "-" (standard input) and named pipes are allowed: what is read once suffices
  bool strict = false;                  // torch CRC mismatches and unreadable files of a directory are errors
};

// A file as it was when it was opened.
struct FileStamp {
  std::string path;
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;  // since 1970
  std::uint64_t inode = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// One file, or the files that are one dump (an index and its shards, NAME-00001-of-00003 and its like), of one step.
// The step is what the file's metadata says, else what its name says (step_name.h).
struct Input {
  std::string path;                  // as the user gave it or found in the directory he gave; shards: with a '*'
  std::string format;                // name of the reader
  std::optional<std::int64_t> step;  // from metadata, else from the file name
  std::uint64_t bytes = 0;           // of the file or files
  std::vector<TensorView> tensors;   // in file order, after `select`; names unique
  std::vector<CodeTensor> codes;     // integers, which no pass counts
  std::map<std::string, std::string> metadata;  // what the file says of itself beside tensors
  std::vector<std::string> notes;               // what was skipped and why; printable lines
  std::vector<FileStamp> files;                 // the file, or the index and its shards
  std::optional<int> dump_scale_log2;     // of the loss scale in the file's metadata, where there is a power of two
  std::optional<std::string> loss_dtype;  // of the loss, where the metadata says so; printable
  // Of a file that holds evidence in place of elements: reads it. The sources of its tensors refuse to be read.
  std::function<Result<StepSummary>()> summary;
  std::string dump;  // of such a file: the name of what was dumped
  bool counts_elements = true;  // false: only the largest magnitudes of its tensors are known
};

// Inputs ordered by step where every one has a step, else in the order given. Several may be of one step (ranks).
struct StepSeries {
  std::vector<Input> inputs;
};

// Opens files, pipes where they are allowed, and directories (a directory gives the dumps directly inside it, sorted by
// name, numbers by value; an index claims its shards). Files of a directory that no reader recognises, or that cannot
// be read while others can, are noted in its first input; with `strict` the latter are errors. Every offset, size,
// shape and name has been checked when this returns: a later read can only fail for I/O, corrupt compressed data, or a
// file that changed.
Result<StepSeries> open_series(std::span<const std::string> paths, const OpenOptions& options);

// What only reading can show; to be asked after the last read. An Error if a file is not what it was when it was
// opened: what was read may be a mixture. Checksums of torch records that do not match are doubts, as printable lines.
std::optional<Error> changed_while_read(const StepSeries& series);
std::vector<std::string> doubts_of(const Input& input);
// The notes of an input and its doubts, for a report made after the last read.
std::vector<std::string> notes_after_reading(const Input& input);

// Whether `name` matches `glob`: '*' any run of characters, '?' one, everything else itself.
bool glob_match(std::string_view glob, std::string_view name);

}  // namespace lowp
