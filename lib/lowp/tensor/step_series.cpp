// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/step_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <new>
#include <set>

#include "lowp/tensor/file.h"
#include "lowp/tensor/pipe.h"
#include "lowp/tensor/readers.h"
#include "lowp/tensor/sniff.h"
#include "lowp/tensor/step_name.h"

namespace lowp {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t head_bytes = 4096;
constexpr std::size_t names_to_offer = 5;

std::string reader_names() {
  std::string names;
  for (const Reader& reader : readers()) names += fmt::format("{}{}", names.empty() ? "" : ", ", reader.name);
  return names;
}

const Reader* find_reader(std::string_view name) {
  const auto row = std::ranges::find(readers(), name, &Reader::name);
  return row == readers().end() ? nullptr : &*row;
}

// The reader of one file, nullptr if none knows it. With a raw dtype given, unknown content is raw data.
Result<const Reader*> recognise(const std::string& path, const OpenOptions& options, bool named_by_user) {
  if (!options.reader.empty()) return find_reader(options.reader);
  const auto file = File::open(path);
  if (!file) return file.error();
  std::vector<std::byte> head(static_cast<std::size_t>(std::min<std::uint64_t>(head_bytes, (*file)->size())));
  if (const auto done = (*file)->read(0, head); !done) return done.error();
  for (const Reader& reader : readers()) {
    if (reader.sniff(path, head)) return &reader;
  }
  const Reader* raw = find_reader("raw");
  const bool as_raw = options.raw_dtype != nullptr && (named_by_user || has_extension(path, raw->extensions));
  return as_raw ? raw : nullptr;
}

bool is_selected(const OpenOptions& options, std::string_view name) {
  return options.select.empty() ||
         std::ranges::any_of(options.select, [&](const std::string& glob) { return glob_match(glob, name); });
}

Result<Input> open_one(const std::string& path, const Reader& reader, const OpenOptions& options) try {
  auto input = reader.open(path, options);
  if (!input) return input;
  input->format = reader.name;
  if (!input->step) input->step = step_of_name(path);
  return input;
} catch (const std::bad_alloc&) {
  return Error{path, std::nullopt, "a header that fits into memory", "a larger one"};
}

Result<Input> open_file(const std::string& path, const OpenOptions& options) {
  const auto reader = recognise(path, options, true);
  if (!reader) return reader.error();
  if (*reader == nullptr) {
    return Error{path, std::nullopt, fmt::format("a dump that can be recognised ({})", reader_names()),
                 "none of them (raw data need a dtype)"};
  }
  return open_one(path, **reader, options);
}

struct Candidate {
  std::string path;
  const Reader* reader;
};

struct Listing {
  std::vector<Candidate> dumps;
  std::vector<std::string> others;
};

Result<Listing> list_directory(const std::string& directory, const OpenOptions& options) {
  std::error_code fault;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(directory, fault), end; !fault && entry != end; entry.increment(fault)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') && entry->is_regular_file(ignored)) names.push_back(name);
  }
  if (fault) return Error{directory, std::nullopt, "", fault.message()};
  std::ranges::sort(names, natural_less);
  Listing listing;
  for (const std::string& name : names) {
    const std::string path = (fs::path(directory) / name).string();
    const auto reader = recognise(path, options, false);
    if (reader && *reader != nullptr) {
      listing.dumps.push_back({path, *reader});
    } else if (!reader &&
               std::ranges::any_of(readers(), [&](const Reader& r) { return has_extension(name, r.extensions); })) {
      return reader.error();  // it calls itself a dump, and it is empty or cannot be read
    } else {
      listing.others.push_back(name);
    }
  }
  if (!listing.dumps.empty()) return listing;
  return Error{directory, std::nullopt, fmt::format("dumps directly in this directory ({})", reader_names()),
               names.empty() ? "no files" : fmt::format("{} other files", names.size())};
}

std::string note_of_others(const std::vector<std::string>& names) {
  std::string listed;
  for (std::size_t i = 0; i < std::min(names.size(), names_to_offer); ++i) {
    listed += fmt::format("{}{}", i == 0 ? "" : ", ", names[i]);
  }
  return printable(fmt::format("not dumps, left out: {}{}", listed, names.size() > names_to_offer ? ", ..." : ""));
}

// Indexes first, since they claim their shards; then what is left, all in the order of names.
Result<Done> open_directory(const std::string& directory, const OpenOptions& options, std::vector<Input>& inputs) {
  const auto listing = list_directory(directory, options);
  if (!listing) return listing.error();
  const std::size_t first = inputs.size();
  std::vector<std::optional<Input>> opened(listing->dumps.size());
  std::set<std::string> claimed;
  for (const bool indexes : {true, false}) {
    for (std::size_t i = 0; i < opened.size(); ++i) {
      const Candidate& dump = listing->dumps[i];
      if ((dump.reader->name == "safetensors_index") != indexes || claimed.contains(dump.path)) continue;
      auto input = open_one(dump.path, *dump.reader, options);
      if (!input) return input.error();
      if (indexes) {
        for (const FileStamp& file : input->files) claimed.insert(file.path);
      }
      opened[i] = *std::move(input);
    }
  }
  for (std::optional<Input>& input : opened) {
    if (input) inputs.push_back(*std::move(input));
  }
  if (!listing->others.empty()) inputs[first].notes.push_back(note_of_others(listing->others));
  return Done{};
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
  std::set<std::int64_t> steps;
  for (const Input& input : inputs) {
    if (!input.step || !steps.insert(*input.step).second) return;
  }
  std::ranges::sort(inputs, {}, [](const Input& input) { return *input.step; });
}

}  // namespace

Result<StepSeries> open_series(std::span<const std::string> paths, const OpenOptions& options) {
  if (paths.empty()) return Error{"", std::nullopt, "a file or directory", "none"};
  if (!options.reader.empty() && find_reader(options.reader) == nullptr) {
    return Error{paths.front(), std::nullopt, fmt::format("a reader ({})", reader_names()), "'" + options.reader + "'"};
  }
  StepSeries series;
  for (const std::string& path : paths) {
    std::error_code ignored;
    if (fs::is_directory(path, ignored)) {
      if (const auto done = open_directory(path, options, series.inputs); !done) return done.error();
      continue;
    }
    auto input = options.pipes && is_pipe(path) ? open_pipe(path, options) : open_file(path, options);
    if (!input) return input.error();
    series.inputs.push_back(*std::move(input));
  }
  if (const auto done = select_tensors(series.inputs, options); !done) return done.error();
  sort_by_step(series.inputs);
  return series;
}

std::optional<std::string> changed_since_open(const Input& input) {
  for (const FileStamp& then : input.files) {
    const auto now = stamp_of(then.path);
    if (!now || *now != then) return printable(fmt::format("{} changed while it was read", then.path));
  }
  for (const TensorView& tensor : input.tensors) {
    if (const auto doubt = tensor.source->doubt()) return printable(*doubt);
  }
  return std::nullopt;
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
