// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <new>
#include <set>

#include "lowp/tensor/recognise.h"
#include "lowp/tensor/sniff.h"
#include "lowp/tensor/step_name.h"

namespace lowp {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t names_to_offer = 5;

struct Candidate {
  std::string path;
  const Reader* reader;
};

struct Listing {
  std::vector<Candidate> dumps;
  std::vector<std::string> others;
  std::vector<Error> unreadable;  // they call themselves dumps
};

// Hidden files are none of ours, but for those that are named so by whom they come from.
bool is_of_interest(const std::string& name) {
  return !name.starts_with('.') ||
         std::ranges::any_of(readers(), [&](const Reader& r) { return r.extensions == name; });
}

Result<Listing> list_directory(const std::string& directory, const OpenOptions& options) {
  std::error_code fault;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(directory, fault), end; !fault && entry != end; entry.increment(fault)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    if (is_of_interest(name) && entry->is_regular_file(ignored)) names.push_back(name);
  }
  if (fault) return Error{directory, std::nullopt, "", fault.message()};
  std::ranges::sort(names, natural_less);
  Listing listing;
  for (const std::string& name : names) {
    const std::string path = (fs::path(directory) / name).string();
    const auto reader = recognise(path, options, false);
    const bool named =
        std::ranges::any_of(readers(), [&](const Reader& r) { return has_extension(name, r.extensions); });
    if (reader && *reader != nullptr) {
      listing.dumps.push_back({path, *reader});
    } else if (!reader && named) {
      listing.unreadable.push_back(reader.error());
    } else {
      listing.others.push_back(name);
    }
  }
  if (!listing.dumps.empty()) return listing;
  if (!listing.unreadable.empty()) return listing.unreadable.front();
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

// Opens the dumps of one kind (indexes, or the rest) that no index has claimed; what cannot be opened is remembered.
void open_dumps(Listing& listing, bool indexes, const OpenOptions& options, std::vector<std::vector<Input>>& opened,
                std::set<std::string>& claimed) {
  for (std::size_t i = 0; i < opened.size(); ++i) {
    const Candidate& dump = listing.dumps[i];
    if (dump.reader->claims_files != indexes || claimed.contains(dump.path)) continue;
    auto steps = open_with(dump.path, *dump.reader, options);
    if (!steps) {
      listing.unreadable.push_back(steps.error());
      continue;
    }
    for (const Input& input : *steps) {
      for (const FileStamp& file : input.files) {
        if (indexes) claimed.insert(file.path);
      }
    }
    opened[i] = *std::move(steps);
  }
}

}  // namespace

Result<std::vector<Input>> open_with(const std::string& path, const Reader& reader, const OpenOptions& options) try {
  auto inputs = open_steps(reader, path, options);
  if (!inputs) return inputs;
  for (Input& input : *inputs) {
    if (input.format.empty()) input.format = reader.name;
    if (!input.step) input.step = step_of_name(path);
  }
  return inputs;
} catch (const std::bad_alloc&) {
  return Error{path, std::nullopt, "a header that fits into memory", "a larger one"};
}

// Indexes first, since they claim their shards; then what is left, all in the order of names.
Result<Done> open_directory(const std::string& directory, const OpenOptions& options, std::vector<Input>& inputs) {
  auto listing = list_directory(directory, options);
  if (!listing) return listing.error();
  const std::size_t first = inputs.size();
  std::vector<std::vector<Input>> opened(listing->dumps.size());
  std::set<std::string> claimed;
  for (const bool indexes : {true, false}) open_dumps(*listing, indexes, options, opened, claimed);
  for (std::vector<Input>& steps : opened) std::ranges::move(steps, std::back_inserter(inputs));
  const bool none = inputs.size() == first;
  std::erase_if(listing->unreadable, [&](const Error& error) { return claimed.contains(error.file); });
  if (!listing->unreadable.empty() && (none || options.strict)) return listing->unreadable.front();
  std::erase_if(listing->others,
                [&](const std::string& name) { return claimed.contains((fs::path(directory) / name).string()); });
  if (!listing->others.empty()) inputs[first].notes.push_back(note_of_others(listing->others));
  for (const Error& error : listing->unreadable) {
    inputs[first].notes.push_back("cannot be read, left out: " + error.message());
  }
  return Done{};
}

}  // namespace lowp
