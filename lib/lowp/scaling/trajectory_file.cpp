// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/trajectory_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "lowp/tensor/file.h"

namespace lowp::scaling {
namespace {

using nlohmann::json;

constexpr std::uint64_t file_cap = std::uint64_t{256} << 20;
constexpr std::size_t input_cap = std::size_t{1} << 25;

// Thrown inside this file only: reading deep inside a document stops at once.
struct Broken {
  Error error;
};

// A place in a document, for messages: "cases[3].scale".
struct At {
  const std::string& file;
  std::string where;

  [[noreturn]] void refuse(std::string wanted, const json& found) const {
    // Not dump() of lists and objects: it recurses, and a hostile file nests deeply.
    std::string text =
        found.is_structured() ? found.type_name() : found.dump(-1, ' ', true, json::error_handler_t::replace);
    if (text.size() > 40) text = text.substr(0, 37) + "...";
    throw Broken{{file, std::nullopt, fmt::format("{} at {}", wanted, where), text}};
  }
  At of(std::string_view key) const {
    return {file, where.empty() ? std::string(key) : fmt::format("{}.{}", where, key)};
  }
  At of(std::size_t index) const { return {file, fmt::format("{}[{}]", where, index)}; }
};

const json& member(const json& object, std::string_view key, const At& at) {
  if (!object.is_object()) at.refuse("an object", object);
  const auto found = object.find(std::string(key));
  if (found == object.end()) throw Broken{{at.file, std::nullopt, fmt::format("'{}' in {}", key, at.where), "nothing"}};
  return *found;
}

std::string text_of(const json& value, const At& at) {
  if (!value.is_string()) at.refuse("a string", value);
  return value.get<std::string>();
}

std::int64_t whole_of(const json& value, const At& at) {
  if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX))
    at.refuse("a whole number", value);
  return value.get<std::int64_t>();
}

std::int64_t count_of(const json& value, const At& at) {
  const std::int64_t count = whole_of(value, at);
  if (count < 0) at.refuse("a number from 0 on", value);
  return count;
}

// A number, or a hexadecimal one as C99 writes it.
double real_of(const json& value, const At& at) {
  if (value.is_number()) return value.get<double>();
  if (!value.is_string()) at.refuse("a number or a hexadecimal one in a string", value);
  const auto& text = value.get_ref<const std::string&>();
  char* end = nullptr;
  const double x = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || static_cast<std::size_t>(end - text.c_str()) != text.size())
    at.refuse("a number or a hexadecimal one in a string", value);
  return x;
}

ConfigValue config_value(const json& value, const At& at) {
  if (value.is_null()) return std::monostate{};
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_number()) return value.get<double>();
  const std::string text = text_of(value, at);
  char* end = nullptr;
  const double x = std::strtod(text.c_str(), &end);
  if (!text.empty() && static_cast<std::size_t>(end - text.c_str()) == text.size()) return x;
  return text;
}

std::map<std::string, ConfigValue> config_of(const json& object, const At& at) {
  if (!object.is_object()) at.refuse("an object", object);
  std::map<std::string, ConfigValue> config;
  for (const auto& [key, value] : object.items()) config[key] = config_value(value, at.of(key));
  return config;
}

const json& list_of(const json& value, const At& at) {
  if (!value.is_array()) at.refuse("a list", value);
  return value;
}

// [[first, value], ...] or [[first, value, delta], ...], steps ascending.
std::vector<Run> runs_of(const json& list, const At& at) {
  std::vector<Run> runs;
  for (std::size_t i = 0; i < list_of(list, at).size(); ++i) {
    const json& entry = list[i];
    if (!entry.is_array() || entry.size() < 2 || entry.size() > 3)
      at.of(i).refuse("[step, value] or [step, value, delta]", entry);
    Run run{count_of(entry[0], at.of(i)), real_of(entry[1], at.of(i)), 0};
    if (entry.size() == 3) run.delta = real_of(entry[2], at.of(i));
    if (!runs.empty() && run.first <= runs.back().first) at.of(i).refuse("a later step", entry);
    runs.push_back(run);
  }
  return runs;
}

std::vector<std::pair<std::int64_t, std::int64_t>> spans_of(const json& list, const At& at) {
  std::vector<std::pair<std::int64_t, std::int64_t>> spans;
  for (std::size_t i = 0; i < list_of(list, at).size(); ++i) {
    const json& entry = list[i];
    if (!entry.is_array() || entry.size() != 2) at.of(i).refuse("[first, count]", entry);
    spans.emplace_back(count_of(entry[0], at.of(i)), count_of(entry[1], at.of(i)));
  }
  return spans;
}

RecordedRaise raise_of(const json& object, const At& at) {
  return {count_of(member(object, "step", at), at.of("step")), text_of(member(object, "type", at), at.of("type")),
          text_of(member(object, "message", at), at.of("message")),
          real_of(member(object, "scale_used", at), at.of("scale_used")),
          real_of(member(object, "scale_after", at), at.of("scale_after"))};
}

RecordedCase case_of(const json& object, const At& at) {
  RecordedCase c;
  c.id = text_of(member(object, "id", at), at.of("id"));
  c.config = config_of(member(object, "config", at), at.of("config"));
  c.input = text_of(member(object, "input", at), at.of("input"));
  c.steps = count_of(member(object, "steps", at), at.of("steps"));
  c.scale = runs_of(member(object, "scale", at), at.of("scale"));
  if (c.steps > 0 && (c.scale.empty() || c.scale.front().first != 0))
    at.of("scale").refuse("a scale of step 0", object["scale"]);
  c.skipped = spans_of(member(object, "skipped", at), at.of("skipped"));
  c.n_skipped = count_of(member(object, "n_skipped", at), at.of("n_skipped"));
  c.final_scale = real_of(member(object, "final_scale", at), at.of("final_scale"));
  if (const auto state = object.find("state"); state != object.end()) {
    if (!state->is_object()) at.of("state").refuse("an object", *state);
    for (const auto& [name, runs] : state->items()) c.state[name] = runs_of(runs, at.of("state").of(name));
  }
  if (const auto dict = object.find("state_dict"); dict != object.end() && !dict->is_null())
    c.state_dict = config_of(*dict, at.of("state_dict"));
  if (const auto raises = object.find("raises"); raises != object.end() && !raises->is_null())
    c.raises = raise_of(*raises, at.of("raises"));
  return c;
}

std::string provenance_of(const json& document) {
  const auto found = document.find("provenance");
  if (found == document.end() || !found->is_object()) return {};
  std::string text;
  for (const char* key : {"package", "repo", "version", "commit", "run"}) {
    const auto value = found->find(key);
    if (value == found->end() || !value->is_string()) continue;
    text += (text.empty() ? "" : std::string_view(key) == "run" ? ", " : " ") + value->get<std::string>();
  }
  return text;
}

TrajectoryFile trajectories_of(const json& document, const std::string& path) {
  const At root{path, ""};
  TrajectoryFile file{path, text_of(member(document, "scaler", root), root.of("scaler")), provenance_of(document), {}};
  const json& cases = list_of(member(document, "cases", root), root.of("cases"));
  for (std::size_t i = 0; i < cases.size(); ++i) file.cases.push_back(case_of(cases[i], root.of("cases").of(i)));
  return file;
}

// "HEX" or "HEX*count"; 4 digits are the upper half of an FP32 pattern, 8 all of it.
void append_token(std::string_view token, std::vector<float>& steps, std::size_t& total, const At& at) {
  std::string_view hex = token.substr(0, token.find('*')),
                   count = hex.size() < token.size() ? token.substr(hex.size() + 1) : "1";
  std::uint32_t bits = 0;
  std::size_t times = 0;
  const auto whole = [](std::string_view word, auto& value, int base) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
    return error == std::errc{} && end == word.data() + word.size();
  };
  if ((hex.size() != 4 && hex.size() != 8) || !whole(hex, bits, 16) || !whole(count, times, 10))
    at.refuse("HEX or HEX*count, of 4 or 8 digits", std::string(token));
  if (times > input_cap - total) at.refuse("at most 2^25 steps in all", std::string(token));
  total += times;
  steps.insert(steps.end(), times, std::bit_cast<float>(hex.size() == 4 ? bits << 16 : bits));
}

void add_inputs(const json& series, Inputs& inputs, std::size_t& total, const At& at) {
  if (!series.is_object()) at.refuse("an object", series);
  for (const auto& [name, entry] : series.items()) {
    const At here = at.of(name);
    const std::string tokens = text_of(member(entry, "m", here), here.of("m"));
    std::vector<float>& steps = inputs[name];
    steps.clear();
    for (std::size_t begin = 0; begin < tokens.size();) {
      const std::size_t end = std::min(tokens.find(' ', begin), tokens.size());
      if (end > begin) append_token(std::string_view(tokens).substr(begin, end - begin), steps, total, here.of("m"));
      begin = end + 1;
    }
  }
}

Result<std::string> bytes_of(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  if ((*file)->size() > file_cap)
    return Error{path, std::nullopt, "at most 256 MiB", fmt::format("{} bytes", (*file)->size())};
  std::string bytes((*file)->size(), '\0');
  const auto done = (*file)->read(0, std::as_writable_bytes(std::span(bytes)));
  if (!done) return done.error();
  return bytes;
}

Result<std::vector<std::string>> json_files(const std::string& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<std::string> paths;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() == ".json") paths.push_back(at->path().string());
  }
  if (error) return Error{folder, std::nullopt, "a readable folder", error.message()};
  std::ranges::sort(paths);
  return paths;
}

void add_file(const std::string& path, TrajectoryFolder& folder, std::size_t& total) {
  const auto bytes = bytes_of(path);
  if (!bytes) throw Broken{bytes.error()};
  const json document = json::parse(*bytes, nullptr, false);
  if (document.is_discarded()) throw Broken{{path, std::nullopt, "JSON", "something else"}};
  const auto format = document.is_object() ? document.find("format") : document.end();
  if (document.is_object() && format != document.end() && *format == "scaler-trajectories/1") {
    folder.files.push_back(trajectories_of(document, path));
  } else if (document.is_object() && document.contains("series")) {
    add_inputs(document["series"], folder.inputs, total, At{path, "series"});
  } else {
    folder.others.push_back(path);
  }
}

void check_inputs(const TrajectoryFolder& folder) {
  for (const TrajectoryFile& file : folder.files) {
    for (const RecordedCase& c : file.cases) {
      const auto input = folder.inputs.find(c.input);
      const auto needed = static_cast<std::size_t>(c.raises ? c.steps + 1 : c.steps);
      if (input == folder.inputs.end())
        throw Broken{
            {file.path, std::nullopt, fmt::format("input '{}' of case '{}' in inputs.json", c.input, c.id), "nothing"}};
      if (input->second.size() < needed)
        throw Broken{{file.path, std::nullopt,
                      fmt::format("{} steps of input '{}' for case '{}'", needed, c.input, c.id),
                      fmt::format("{}", input->second.size())}};
    }
  }
}

}  // namespace

double value_at(const std::vector<Run>& runs, std::size_t& cursor, std::int64_t step) {
  while (cursor + 1 < runs.size() && runs[cursor + 1].first <= step) ++cursor;
  if (runs.empty() || runs[cursor].first > step) return std::numeric_limits<double>::quiet_NaN();
  const Run& run = runs[cursor];
  return run.delta == 0 ? run.value : run.value + run.delta * static_cast<double>(step - run.first);
}

Result<TrajectoryFolder> read_trajectories(const std::string& folder) {
  const auto paths = json_files(folder);
  if (!paths) return paths.error();
  TrajectoryFolder read;
  std::size_t total = 0;
  try {
    for (const std::string& path : *paths) add_file(path, read, total);
    check_inputs(read);
  } catch (const Broken& broken) {
    return broken.error;
  }
  if (read.files.empty()) {
    return Error{folder, std::nullopt, "*.json of the format scaler-trajectories/1",
                 paths->empty() ? "no *.json" : fmt::format("{} *.json, none of it", paths->size())};
  }
  return read;
}

}  // namespace lowp::scaling
