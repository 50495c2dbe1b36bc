// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/step_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "lowp/tensor/directory.h"
#include "lowp/tensor/file.h"
#include "lowp/tensor/pipe.h"
#include "lowp/tensor/readers.h"
#include "lowp/tensor/recognise.h"
#include "lowp/tensor/shards.h"

namespace lowp {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t names_to_offer = 5;
constexpr std::size_t doubts_to_tell = 5;

bool is_reader(std::string_view name) {
  return std::ranges::find(readers(), name, &Reader::name) != readers().end();
}

bool is_selected(const OpenOptions& options, std::string_view name) {
  return options.select.empty() ||
         std::ranges::any_of(options.select, [&](const std::string& glob) { return glob_match(glob, name); });
}

Result<std::vector<Input>> open_file(const std::string& path, const OpenOptions& options) {
  const auto reader = recognise(path, options, true);
  if (!reader) return reader.error();
  if (*reader == nullptr) {
    return Error{path, std::nullopt, fmt::format("a dump that can be recognised ({})", reader_names()),
                 "none of them (raw data need a dtype)"};
  }
  return open_with(path, **reader, options);
}

// Leaves the selected tensors; that none is left at all is an Error naming some that exist.
Result<Done> select_tensors(std::vector<Input>& inputs, const OpenOptions& options) {
  if (options.select.empty()) return Done{};
  std::vector<std::string> names;
  bool any = false;
  for (Input& input : inputs) {
    for (const TensorView& tensor : input.tensors) {
      if (names.size() < names_to_offer && std::ranges::find(names, tensor.name) == names.end()) {
        names.push_back(tensor.name);
      }
    }
    std::erase_if(input.tensors, [&](const TensorView& tensor) { return !is_selected(options, tensor.name); });
    any = any || !input.tensors.empty();
  }
  if (any) return Done{};
  std::string globs;
  for (const std::string& glob : options.select) globs += fmt::format("{}'{}'", globs.empty() ? "" : " or ", glob);
  std::string found;
  for (const std::string& name : names) found += fmt::format("{}'{}'", found.empty() ? "" : ", ", name);
  return Error{inputs.front().path, std::nullopt, "a tensor matching " + globs,
               found.empty() ? "no tensors" : "none; there are " + found};
}

void sort_by_step(std::vector<Input>& inputs) {
  if (!std::ranges::all_of(inputs, [](const Input& input) { return input.step.has_value(); })) return;
  std::ranges::stable_sort(inputs, {}, [](const Input& input) { return *input.step; });
}

// Says it where several inputs are of one step: ranks, or one step dumped twice.
void note_same_steps(std::vector<Input>& inputs) {
  std::map<std::int64_t, std::vector<Input*>> of_step;
  for (Input& input : inputs) {
    if (input.step && input.counts_elements) of_step[*input.step].push_back(&input);
  }
  for (const auto& [step, same] : of_step) {
    if (same.size() < 2) continue;
    std::string names;
    for (std::size_t i = 0; i < std::min(same.size(), names_to_offer); ++i)
      names += fmt::format("{}{}", i == 0 ? "" : ", ", same[i]->path);
    same.back()->notes.push_back(
        printable(fmt::format("{} inputs are of step {} ({}{}): their values are counted together, the step once",
                              same.size(), step, names, same.size() > names_to_offer ? ", ..." : "")));
  }
}

}  // namespace

Result<StepSeries> open_series(std::span<const std::string> paths, const OpenOptions& options) {
  if (paths.empty()) return Error{"", std::nullopt, "a file or directory", "none"};
  if (!options.reader.empty() && !is_reader(options.reader)) {
    return Error{paths.front(), std::nullopt, fmt::format("a reader ({})", reader_names()), "'" + options.reader + "'"};
  }
  StepSeries series;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      if (const auto done = open_directory(path, options, series.inputs); !done) return done.error();
      continue;
    }
    if (options.pipes && is_pipe(path)) {
      auto input = open_pipe(path, options);
      if (!input) return input.error();
      series.inputs.push_back(*std::move(input));
      continue;
    }
    auto steps = open_file(path, options);
    if (!steps) return steps.error();
    std::ranges::move(*steps, std::back_inserter(series.inputs));
  }
  join_shards(series.inputs);
  if (const auto done = select_tensors(series.inputs, options); !done) return done.error();
  sort_by_step(series.inputs);
  note_same_steps(series.inputs);
  return series;
}

std::optional<Error> changed_while_read(const StepSeries& series) {
  for (const Input& input : series.inputs) {
    for (const FileStamp& then : input.files) {
      const auto now = stamp_of(then.path);
      if (!now || *now != then) return changed_error(then.path);
    }
  }
  return std::nullopt;
}

std::vector<std::string> doubts_of(const Input& input) {
  std::vector<std::string> doubts;
  for (const TensorView& tensor : input.tensors) {
    const auto doubt = tensor.source->doubt();
    if (!doubt || std::ranges::find(doubts, printable(*doubt)) != doubts.end()) continue;
    if (doubts.size() == doubts_to_tell) {
      doubts.push_back("and more of the kind");
      break;
    }
    doubts.push_back(printable(*doubt));
  }
  return doubts;
}

std::vector<std::string> notes_after_reading(const Input& input) {
  std::vector<std::string> notes = input.notes;
  for (std::string& doubt : doubts_of(input)) notes.push_back(std::move(doubt));
  return notes;
}

// Greedy with one way back: after a mismatch only the last '*' needs to take one character more, since any match of
// what stood before it is as good as another. Time is at most the product of the lengths.
bool glob_match(std::string_view glob, std::string_view name) {
  std::size_t g = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t resume = 0;
  while (n < name.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = n;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == name[n])) {
      ++g;
      ++n;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  return glob.find_first_not_of('*', g) == std::string_view::npos;
}

}  // namespace lowp
