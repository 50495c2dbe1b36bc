// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/logged_series.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "lowp/tensor/histogram_csv.h"
#include "lowp/tensor/histogram_json.h"
#include "lowp/tensor/peaks_file.h"
#include "lowp/tensor/readers.h"
#include "lowp/tensor/record_file.h"
#include "lowp/tensor/sniff.h"
#include "lowp/tensor/tensorboard.h"
#include "lowp/tensor/wandb_log.h"

namespace lowp {
namespace {

namespace fs = std::filesystem;
using FilePtr = std::shared_ptr<const File>;

constexpr int max_folders = 4;
constexpr std::size_t max_files = 100'000;

template <std::size_t n>
std::span<const std::byte> head_of(const File& file, std::array<std::byte, n>& buffer) {
  const auto head = std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(n, file.size())));
  return file.read(0, head) ? std::span<const std::byte>(head) : std::span<const std::byte>{};
}

bool starts_like(const FilePtr& file, bool (*sniff)(std::span<const std::byte>)) {
  std::array<std::byte, 16> buffer;
  return sniff(head_of(*file, buffer));
}

// Largest magnitudes are a dump's neighbours, with extensions that histograms have too.
bool holds_peaks(const FilePtr& file) {
  std::array<std::byte, 4096> buffer;
  return sniff_peaks(file->path(), head_of(*file, buffer));
}

constexpr std::array reader_table{
    LoggedReader{"tensorboard", "events.out.tfevents.*", "TensorBoard event file",
                 [](const FilePtr& file) { return starts_like(file, is_tfrecord); },
                 [](const FilePtr& file) { return read_tensorboard(*file); }},
    LoggedReader{"wandb", ".wandb", "offline run of Weights & Biases",
                 [](const FilePtr& file) { return starts_like(file, is_wandb); },
                 [](const FilePtr& file) { return read_wandb(*file); }},
    LoggedReader{"histogram_npz", ".npz", "edges and counts of np.histogram", is_histogram_npz, read_histogram_npz},
    LoggedReader{"histogram_json", ".json .jsonl", "histograms as JSON, or an exported W&B history",
                 [](const FilePtr& file) {
                   return has_extension(file->path(), ".json .jsonl") &&
                          !has_extension(file->path(), ".index.json") && !holds_peaks(file);
                 },
                 [](const FilePtr& file) { return read_histogram_json(*file); }},
    LoggedReader{"histogram_csv", ".csv", "one row per bin: left, right, count",
                 [](const FilePtr& file) { return has_extension(file->path(), ".csv") && !holds_peaks(file); },
                 [](const FilePtr& file) { return read_histogram_csv(*file); }},
};

const LoggedReader* reader_of(const std::string& path) {
  const auto file = File::open(path);
  if (!file) return nullptr;
  const auto row =
      std::ranges::find_if(reader_table, [&](const LoggedReader& reader) { return reader.recognises(*file); });
  return row == reader_table.end() ? nullptr : &*row;
}

bool is_run_name(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.find("tfevents") != std::string::npos || name.ends_with(".wandb");
}

bool is_dump(const std::string& path) {
  const auto file = File::open(path);
  if (!file) return false;
  std::array<std::byte, 4096> buffer;
  const auto head = head_of(**file, buffer);
  return std::ranges::any_of(readers(), [&](const Reader& reader) { return reader.sniff(path, head); });
}

// Event files and .wandb files below a directory, by path.
std::vector<std::string> run_files(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  fs::recursive_directory_iterator at(directory, fs::directory_options::skip_permission_denied, error), end;
  for (; !error && at != end && files.size() < max_files; at.increment(error)) {
    if (at.depth() >= max_folders) at.disable_recursion_pending();
    std::error_code ignored;
    if (at->is_regular_file(ignored) && is_run_name(at->path())) files.push_back(at->path().string());
  }
  std::ranges::sort(files);
  return files;
}

bool holds_dumps(const std::string& directory) {
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored) && !is_run_name(at->path()) && is_dump(at->path().string())) return true;
  }
  return false;
}

// "train/" of "run/train/events..." below "run"; empty for files directly in it.
std::string prefix_of(const std::string& file, const std::string& directory) {
  const std::string folder = fs::path(file).parent_path().lexically_relative(directory).generic_string();
  return folder.empty() || folder == "." ? "" : folder + "/";
}

Result<LoggedInput> open_one(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  const LoggedReader* reader = reader_of(path);
  if (reader == nullptr) return Error{path, 0, "a log of a known kind", "another file"};
  auto run = reader->read(*file);
  if (!run) return run.error();
  return LoggedInput{path, reader->name, (*file)->size(), std::move(*run)};
}

}  // namespace

std::span<const LoggedReader> logged_readers() {
  return reader_table;
}

bool is_logged_run(const std::string& path) {
  std::error_code error;
  // To look into a pipe would take from it.
  if (!fs::is_directory(path, error)) return fs::is_regular_file(path, error) && reader_of(path) != nullptr;
  return !run_files(path).empty() && !holds_dumps(path);
}

bool is_record_file(const std::string& path) {
  const auto file = File::open(path);
  return file && (starts_like(*file, is_tfrecord) || starts_like(*file, is_wandb));
}

Result<std::vector<LoggedInput>> open_logged(std::span<const std::string> paths, std::span<const std::string> select) {
  std::vector<LoggedInput> inputs;
  const auto add = [&](const std::string& path, const std::string& prefix) -> Result<Done> {
    auto input = open_one(path);
    if (!input) return input.error();
    for (LoggedHistogram& histogram : input->run.histograms) histogram.name = prefix + histogram.name;
    std::erase_if(input->run.histograms, [&](const LoggedHistogram& histogram) {
      return !select.empty() &&
             std::ranges::none_of(select, [&](const std::string& glob) { return glob_match(glob, histogram.name); });
    });
    inputs.push_back(std::move(*input));
    return Done{};
  };
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      if (auto done = add(path, ""); !done) return done.error();
      continue;
    }
    const auto files = run_files(path);
    const bool many = std::ranges::any_of(
        files, [&](const std::string& file) { return prefix_of(file, path) != prefix_of(files[0], path); });
    for (const std::string& file : files) {
      // An event file without a complete record is what a run that has just begun leaves.
      const auto stamp = stamp_of(file);
      if (stamp && stamp->bytes == 0) continue;
      if (auto done = add(file, many ? prefix_of(file, path) : ""); !done) return done.error();
    }
  }
  return inputs;
}

}  // namespace lowp
