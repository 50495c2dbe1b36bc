// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/wandb_log.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <protozero/pbf_reader.hpp>
#include <sstream>
#include <utility>

#include "lowp/tensor/histogram_json.h"
#include "lowp/tensor/record_file.h"

namespace lowp {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

std::string text_of(protozero::data_view view) {
  return {view.data(), view.size()};
}
constexpr std::uint32_t varint(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::varint);
}
constexpr std::uint32_t fixed64(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::fixed64);
}
constexpr std::uint32_t bytes(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::length_delimited);
}

// One value of a step: keys from the outermost, and JSON.
struct Item {
  std::vector<std::string> keys;
  std::string json;
};

Item read_item(pbf_reader message) {
  Item item;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes(1): item.keys.assign(1, text_of(message.get_view())); break;
      case bytes(2): item.keys.push_back(text_of(message.get_view())); break;
      case varint(5): item.json = fmt::format("{}", message.get_sint64()); break;
      case fixed64(6): item.json = fmt::format("{}", message.get_double()); break;
      case bytes(8): item.json = text_of(message.get_view()); break;
      case bytes(16): item.json = text_of(message.get_view()); break;
      default: message.skip();
    }
  }
  return item;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

struct History {
  std::vector<Item> items;
  std::optional<std::int64_t> step;
};

History read_history(pbf_reader message) {
  History history;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes(1): history.items.push_back(read_item(message.get_message())); break;
      case bytes(2): {
        pbf_reader step = message.get_message();
        while (step.next()) {
          if (step.tag_and_type() == varint(1)) {
            history.step = step.get_int64();
          } else {
            step.skip();
          }
        }
        break;
      }
      default: message.skip();
    }
  }
  return history;
}

std::optional<double> as_number(std::string_view json) {
  double value = 0;
  const auto [end, error] = std::from_chars(json.data(), json.data() + json.size(), value);
  if (error != std::errc{} || end != json.data() + json.size()) return {};
  return value;
}

// What is under an outer key: a value, or members of an object that is still open.
struct Members {
  std::string json;
  bool open = false;
};

// The items of one step, put together as the JSON that an export would have; false if a value is no JSON.
bool add_history(History history, LoggedRun& run) {
  std::map<std::string, Members> objects;
  for (const Item& item : history.items) {
    if (item.keys.size() == 1 && item.keys[0] == "_step") {
      if (const auto step = as_number(item.json); step && std::fabs(*step) < 9e15)
        history.step = static_cast<std::int64_t>(*step);
    }
  }
  for (const Item& item : history.items) {
    if (item.keys.empty() || item.json.empty()) continue;
    if (const auto number = as_number(item.json); number && item.keys.size() == 1) {
      run.scalars.push_back({item.keys[0], history.step.value_or(0), *number});
      continue;
    }
    if (item.json.find_first_of("[{") == std::string::npos && item.json != "\"histogram\"") continue;
    std::string outer;
    for (std::size_t i = 0; i + 1 < item.keys.size(); ++i) outer += (i > 0 ? "/" : "") + item.keys[i];
    if (item.keys.size() == 1) {
      objects[item.keys[0]] = {item.json, false};
      continue;
    }
    Members& members = objects[outer];
    if (!members.open) members = {"", true};
    members.json += (members.json.empty() ? "{" : ",") + quoted(item.keys.back()) + ":" + item.json;
  }
  std::string document = "{";
  for (const auto& [name, members] : objects) {
    document += (document.size() > 1 ? "," : "") + quoted(name) + ":" + members.json + (members.open ? "}" : "");
  }
  if (history.step) document += fmt::format("{}\"_step\":{}", document.size() > 1 ? "," : "", *history.step);
  std::istringstream in(document + "}");
  auto found = parse_histogram_json(in, "history");
  if (!found) return false;
  std::move(found->histograms.begin(), found->histograms.end(), std::back_inserter(run.histograms));
  for (std::string& note : found->notes) {
    if (run.notes.size() < 32) run.notes.push_back(std::move(note));
  }
  return true;
}

}  // namespace

bool take_wandb_record(std::string_view contents, LoggedRun& run) {
  bool good = true;
  try {
    pbf_reader record(contents.data(), contents.size());
    while (record.next()) {
      if (record.tag_and_type() == bytes(2)) {
        good &= add_history(read_history(record.get_message()), run);
      } else {
        record.skip();
      }
    }
  } catch (const protozero::exception&) {
    return false;
  }
  return good;
}

Result<LoggedRun> read_wandb(const File& file) {
  LoggedRun run;
  std::uint64_t malformed = 0;
  const auto end =
      each_wandb_record(file, [&](std::string_view record) { malformed += take_wandb_record(record, run) ? 0 : 1; });
  if (!end) return end.error();
  if (const std::string note = note_of(*end); !note.empty()) run.notes.push_back(note);
  if (malformed > 0) run.notes.push_back(fmt::format("{} records cannot be read", malformed));
  return run;
}

}  // namespace lowp
