// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "lowp/tensor/step_name.h"

namespace lowp {
namespace {

constexpr std::size_t numbers_to_tell = 5;

// "2, 3" of the `count` numbers from 1, or from 0 if that is there, that are not in `here`.
std::string missing_text(const std::set<std::uint64_t>& here, std::uint64_t count) {
  std::string text;
  std::size_t told = 0;
  const std::uint64_t first = here.contains(0) ? 0 : 1;
  for (std::uint64_t number = first; number < first + count; ++number) {
    if (here.contains(number)) continue;
    if (told++ == numbers_to_tell) return text + ", ...";
    text += fmt::format("{}{}", text.empty() ? "" : ", ", number);
  }
  return text;
}

}  // namespace

bool is_base_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

void take_part(Input& whole, Input part) {
  std::unordered_set<std::string> names;
  for (const TensorView& view : whole.tensors) names.insert(view.name);
  for (TensorView& view : part.tensors) {
    const std::string plain = view.name;
    for (std::uint64_t use = 2; !names.insert(view.name).second; ++use) view.name = fmt::format("{}#{}", plain, use);
    whole.tensors.push_back(std::move(view));
  }
  whole.bytes += part.bytes;
  std::ranges::move(part.files, std::back_inserter(whole.files));
  std::ranges::move(part.codes, std::back_inserter(whole.codes));
  std::ranges::move(part.notes, std::back_inserter(whole.notes));
}

void join_shards(std::vector<Input>& inputs) {
  std::map<std::string, std::size_t> place_of;  // of each family among `joined`
  std::map<std::string, std::set<std::uint64_t>> numbers_of;
  std::vector<Input> joined;
  for (Input& input : inputs) {
    const auto shard = shard_of_name(input.path);
    if (!shard || shard->count < 2 || input.files.size() != 1) {
      joined.push_back(std::move(input));
      continue;
    }
    const std::string family = fmt::format("{} {}", input.format, shard->family);
    const bool again = !numbers_of[family].insert(shard->number).second;
    const auto [place, first] = place_of.emplace(family, joined.size());
    if (first || again) {
      joined.push_back(std::move(input));
      continue;
    }
    Input& whole = joined[place->second];
    whole.path = shard->family;
    take_part(whole, std::move(input));
  }
  for (const auto& [family, place] : place_of) {
    const std::set<std::uint64_t>& here = numbers_of[family];
    const std::uint64_t count = shard_of_name(joined[place].files.front().path)->count;
    if (here.size() >= count) continue;
    joined[place].notes.push_back(
        fmt::format("{} of {} shards: without {}", here.size(), count, missing_text(here, count)));
  }
  inputs = std::move(joined);
}

}  // namespace lowp
