// SPDX-License-Identifier: Apache-2.0
// Sharded dumps: {"metadata": {...}, "weight_map": {tensor name: file name}} beside its shards.
#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "lowp/tensor/json_scan.h"
#include "lowp/tensor/reader_rows.h"
#include "lowp/tensor/safetensors.h"
#include "lowp/tensor/shards.h"

namespace lowp {
namespace {

constexpr std::uint64_t max_index_bytes = 100'000'000;
constexpr int max_metadata_depth = 16;

class IndexScan final : public JsonScan {
 public:
  std::unordered_map<std::string, std::string> shard_of;

  bool start_object(std::size_t) override {
    if (ignored()) return enter();
    if (place_ == Place::document)
      place_ = Place::index;
    else if (place_ == Place::map_value)
      place_ = Place::map;
    else
      return refuse("an object");
    return true;
  }
  bool key(string_t& name) override {
    if (ignored()) return true;
    if (place_ == Place::index) {
      if (!keys_.insert(name).second) return refuse(fmt::format("'{}' again", name));
      place_ = name == "weight_map" ? Place::map_value : Place::other_value;
      return true;
    }
    tensor_ = name;
    if (shard_of.contains(name)) return refuse(fmt::format("'{}' again", name));
    place_ = Place::shard;
    return true;
  }
  bool end_object() override {
    if (ignored()) return leave();
    place_ = place_ == Place::map ? Place::index : Place::done;
    return true;
  }
  bool string(string_t& text) override {
    if (place_ != Place::shard) return ignore("a string");
    shard_of.emplace(tensor_, std::move(text));
    place_ = Place::map;
    return true;
  }
  bool start_array(std::size_t) override { return ignored() ? enter() : refuse("an array"); }
  bool end_array() override { return ignored() ? leave() : refuse("the end of an array"); }
  bool null() override { return ignore("null"); }
  bool boolean(bool) override { return ignore("a boolean"); }
  bool number_integer(number_integer_t) override { return ignore("a number"); }
  bool number_unsigned(number_unsigned_t) override { return ignore("a number"); }
  bool number_float(number_float_t, const string_t&) override { return ignore("a number"); }

 private:
  enum class Place { document, index, other_value, map_value, map, shard, done };

  std::string expected() const override {
    switch (place_) {
      case Place::document: return "a JSON object as index";
      case Place::map_value: return "an object as weight_map";
      case Place::shard: return fmt::format("one file name for tensor '{}'", tensor_);
      case Place::other_value: return fmt::format("metadata at most {} levels deep", max_metadata_depth);
      case Place::index:
      case Place::map:
      case Place::done: return "keys that differ";
    }
    return "";
  }

  // Everything beside weight_map is advice that nothing here needs.
  bool ignored() const { return place_ == Place::other_value; }
  bool enter() { return ++depth_ <= max_metadata_depth || refuse("more"); }
  bool leave() {
    if (--depth_ == 0) place_ = Place::index;
    return true;
  }
  bool ignore(std::string_view what) {
    if (!ignored()) return refuse(std::string(what));
    if (depth_ == 0) place_ = Place::index;
    return true;
  }

  Place place_ = Place::document;
  int depth_ = 0;
  std::string tensor_;
  std::set<std::string> keys_;
};

// What both kinds of shards are read into.
struct Reading {
  const IndexScan& index;
  const OpenOptions& options;
  Input input;
  SkipLog skips;
  std::unordered_set<std::string> seen;

  bool is_listed(const std::string& tensor, const std::string& shard) {
    const auto mapped = index.shard_of.find(tensor);
    if (mapped != index.shard_of.end() && mapped->second == shard) {
      seen.insert(tensor);
      return true;
    }
    skips.skip(tensor, fmt::format("{} does not list it in {}", input.path, shard));
    return false;
  }
};

Result<Done> add_safetensors(Reading& reading, const std::string& directory, const std::string& shard) {
  const auto file = File::open(directory + shard);
  if (!file) return file.error();
  const auto header = read_safetensors_header(**file);
  if (!header) return header.error();
  Input& input = reading.input;
  input.bytes += (*file)->size();
  input.files.push_back((*file)->stamp());
  take_metadata(*header, input);
  for (const SafetensorsEntry& entry : header->entries) {
    if (!reading.is_listed(entry.name, shard)) continue;
    if (auto view = safetensors_view(*file, *header, entry, reading.skips)) input.tensors.push_back(*std::move(view));
  }
  return Done{};
}

Result<Done> add_torch(Reading& reading, const std::string& directory, const std::string& shard) {
  auto part = open_torch(directory + shard, reading.options);
  if (!part) return part.error();
  std::erase_if(part->tensors, [&](const TensorView& view) { return !reading.is_listed(view.name, shard); });
  take_part(reading.input, *std::move(part));
  return Done{};
}

Result<std::string> read_text(const File& file) {
  if (file.size() > max_index_bytes) {
    return Error{file.path(), std::nullopt, fmt::format("an index of at most {} bytes", max_index_bytes),
                 fmt::format("{}", file.size())};
  }
  std::string text(static_cast<std::size_t>(file.size()), '\0');
  if (const auto done = file.read(0, std::as_writable_bytes(std::span(text))); !done) return done.error();
  return text;
}

using AddShard = Result<Done> (*)(Reading&, const std::string& directory, const std::string& shard);

// A tensor that the index lists is in its shard, if `complete`: what torch shards hold beside tensors of floating-point
// numbers is in their notes.
Result<Input> open_index(const std::string& path, const OpenOptions& options, AddShard add_shard, bool complete) {
  const auto file = File::open(path);
  if (!file) return file.error();
  const auto text = read_text(**file);
  if (!text) return text.error();
  IndexScan scan;
  if (!nlohmann::json::sax_parse(*text, &scan)) return scan.error(path, 0);
  if (scan.shard_of.empty()) return Error{path, std::nullopt, "a weight_map with tensors", "none"};

  std::set<std::string> shards;
  for (const auto& [tensor, shard] : scan.shard_of) {
    if (!is_base_name(shard)) {
      return Error{path, std::nullopt, fmt::format("a file name without directories for tensor '{}'", tensor),
                   "'" + shard + "'"};
    }
    shards.insert(shard);
  }
  Reading reading{scan, options, {}, {}, {}};
  Input& input = reading.input;
  input.path = path;
  input.bytes = (*file)->size();
  input.files = {(*file)->stamp()};
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  for (const std::string& shard : shards) {
    if (const auto done = add_shard(reading, directory, shard); !done) return done.error();
  }
  for (const auto& [tensor, shard] : scan.shard_of) {
    if (complete && !reading.seen.contains(tensor))
      return Error{path, std::nullopt, fmt::format("tensor '{}' in {}", tensor, shard), "none"};
  }
  std::ranges::move(reading.skips.notes(), std::back_inserter(input.notes));
  return std::move(input);
}

}  // namespace

Result<Input> open_safetensors_index(const std::string& path, const OpenOptions& options) {
  return open_index(path, options, add_safetensors, true);
}

Result<Input> open_torch_index(const std::string& path, const OpenOptions& options) {
  return open_index(path, options, add_torch, false);
}

}  // namespace lowp
