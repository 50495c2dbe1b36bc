// SPDX-License-Identifier: Apache-2.0
// fp4_sr.json, philox.json and delayed.json: rounding by random bytes, the bytes' source, and scales over steps.
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <optional>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "lowp/recipes/delayed.h"
#include "lowp/recipes/element_cast.h"
#include "lowp/recipes/philox_bytes.h"
#include "lowp/verify/recorded_recipe_files.h"

namespace lowp::recorded {
namespace {

constexpr Format fp32 = find_format("fp32").format, e2m1 = find_format("e2m1").format;

std::optional<std::uint32_t> hex_word(const Json& json) {
  if (!json.is_string()) return {};
  const std::string text = json.get<std::string>();
  std::uint32_t word = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), word, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return word;
}

Error not_of_layout(const std::string& path, std::string wanted, const Json& found) {
  return {path, std::nullopt, std::move(wanted), found.dump().substr(0, 60)};
}

std::uint32_t value_bits(std::uint8_t code) {
  return static_cast<std::uint32_t>(convert(e2m1, fp32, Conversion{}, code));
}

// One input over all 256 random bytes: how often each result came, and at which byte first.
Result<Done> check_input(const std::string& path, const Json& record, RecordedRecipes& result) {
  const std::optional<std::uint32_t> x = hex_word(record.value("x", Json()));
  const Json outputs = record.value("out_bits", Json()), counts = record.value("counts_of_256", Json());
  const Json first = record.value("first_rbits", Json());
  if (!x || !outputs.is_array() || !counts.is_array() || counts.size() != outputs.size() || !first.is_object()) {
    return not_of_layout(path, "x, out_bits, counts_of_256 and first_rbits", record);
  }
  std::map<std::uint32_t, std::pair<int, int>> seen;  // bits to how often and first byte
  for (int byte = 0; byte < 256; ++byte) {
    const std::uint8_t code = recipes::stochastic_e2m1(std::bit_cast<float>(*x), static_cast<std::uint8_t>(byte));
    auto& [count, first_byte] = seen.try_emplace(value_bits(code), 0, byte).first->second;
    ++count;
  }
  result.stochastic += 256;
  bool same = seen.size() == outputs.size();
  for (std::size_t i = 0; same && i < outputs.size(); ++i) {
    const std::optional<std::uint32_t> bits = hex_word(outputs[i]);
    const auto at = bits ? seen.find(*bits) : seen.end();
    same = at != seen.end() && counts[i] == at->second.first &&
           first.value(outputs[i].get<std::string>(), -1) == at->second.second;
  }
  if (!same) {
    ++result.stochastic_mismatches;
    result.problems.push_back(fmt::format("stochastic rounding of {:08x} differs", *x));
  }
  return Done{};
}

Result<Done> check_trajectory(const std::string& path, const Json& record, RecordedRecipes& result) {
  const Json steps = record.value("steps", Json());
  const Json length = record.value("history_len", Json()), margin = record.value("margin", Json(0));
  if (!steps.is_array() || !length.is_number_unsigned() || length.get<std::uint64_t>() == 0 ||
      length.get<std::uint64_t>() > 1u << 20 || !margin.is_number_integer()) {
    return not_of_layout(path, "steps, history_len and margin", record);
  }
  recipes::DelayedOptions options;
  options.window = length.get<std::uint32_t>();
  options.margin = margin.get<int>();
  options.algorithm = record.value("algo", "max") == "max" ? recipes::FromHistory::max
                                                           : recipes::FromHistory::most_recent;
  const FormatLookup format = find_format(record.value("format", ""));
  if (!format.found) return not_of_layout(path, "a known format", record.value("format", Json()));
  options.largest = std::bit_cast<float>(
      static_cast<std::uint32_t>(convert(format.format, fp32, Conversion{}, max_finite_code(format.format))));
  const std::string name = record.value("name", "");
  constexpr std::array by{recipes::DelayedBy::te_unfused, recipes::DelayedBy::te_fused};
  for (std::size_t i = 0; i < by.size(); ++i) {
    options.by = by[i];
    recipes::DelayedState state = recipes::initial_state(options);
    std::size_t step = 0;
    for (const Json& words : steps) {
      std::array<std::optional<std::uint32_t>, 3> word;
      if (!words.is_array() || words.size() < 5) return not_of_layout(path, "five words for each step", words);
      word = {hex_word(words[0]), hex_word(words[1 + 2 * i]), hex_word(words[2 + 2 * i])};
      if (!word[0] || !word[1] || !word[2]) return not_of_layout(path, "FP32 bits in hexadecimal", words);
      const auto used = std::bit_cast<std::uint32_t>(state.scale);
      state = recipes::advance(options, std::move(state), std::bit_cast<float>(*word[0]));
      const auto after = std::bit_cast<std::uint32_t>(state.scale);
      ++result.delayed_steps;
      if (used != *word[1] || after != *word[2]) {
        if (result.delayed_mismatches++ < 3) {
          result.problems.push_back(fmt::format("delayed scaling '{}', {}, step {}: scale {:08x} then {:08x}, recorded "
                                                "{:08x} then {:08x}",
                                                name, i == 0 ? "te-unfused" : "te-fused", step, used, after, *word[1],
                                                *word[2]));
        }
      }
      ++step;
    }
    const Json history = record.value(i == 0 ? "final_history_unfused" : "final_history_fused", Json());
    if (!history.is_array()) continue;
    bool same = history.size() == state.history.size();
    for (std::size_t h = 0; same && h < history.size(); ++h) {
      const std::optional<std::uint32_t> recorded = hex_word(history[h]);
      const float ours = state.history[h];
      same = recorded && (*recorded == std::bit_cast<std::uint32_t>(ours) ||
                          (std::isnan(ours) && std::isnan(std::bit_cast<float>(*recorded))));
    }
    if (!same) {
      ++result.delayed_mismatches;
      result.problems.push_back(fmt::format("delayed scaling '{}', {}: the last history differs", name,
                                            i == 0 ? "te-unfused" : "te-fused"));
    }
  }
  return Done{};
}

}  // namespace

Result<Done> check_stochastic(const std::string& path, RecordedRecipes& result) {
  auto json = read_json(path);
  if (!json) return json.error();
  if (!json->is_array()) return not_of_layout(path, "an array", *json);
  for (const Json& record : *json) {
    if (!record.is_object()) return not_of_layout(path, "an object", record);
    if (auto done = check_input(path, record, result); !done) return done.error();
  }
  return Done{};
}

// Keys "seedS_subB_offO": words of calls 0, 1, ...
Result<Done> check_philox(const std::string& path, RecordedRecipes& result) {
  auto json = read_json(path);
  if (!json) return json.error();
  if (!json->is_object()) return not_of_layout(path, "an object", *json);
  for (const auto& [key, calls] : json->items()) {
    unsigned long long seed = 0, subsequence = 0, offset = 0;
    if (std::sscanf(key.c_str(), "seed%llu_sub%llu_off%llu", &seed, &subsequence, &offset) != 3) continue;
    if (!calls.is_array()) return not_of_layout(path, "an array of calls", calls);
    for (std::size_t call = 0; call < calls.size(); ++call) {
      const PhiloxCounter words = recipes::te_philox(seed, subsequence, offset, call);
      if (!calls[call].is_array() || calls[call].size() != 4) return not_of_layout(path, "four words", calls[call]);
      for (std::size_t i = 0; i < 4; ++i) {
        ++result.stochastic;
        if (hex_word(calls[call][i]) == words.word[i]) continue;
        ++result.stochastic_mismatches;
        result.problems.push_back(fmt::format("Philox {}, call {}, word {} differs", key, call, i));
      }
    }
  }
  return Done{};
}

Result<Done> check_delayed(const std::string& path, RecordedRecipes& result) {
  auto json = read_json(path);
  if (!json) return json.error();
  const Json trajectories = json->is_object() ? json->value("trajectories", Json()) : Json();
  if (!trajectories.is_array()) return not_of_layout(path, "an array 'trajectories'", *json);
  for (const Json& record : trajectories) {
    if (!record.is_object()) return not_of_layout(path, "an object", record);
    if (auto done = check_trajectory(path, record, result); !done) return done.error();
  }
  return Done{};
}

}  // namespace lowp::recorded
