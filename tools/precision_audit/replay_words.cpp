// SPDX-License-Identifier: Apache-2.0
#include "replay_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arguments.h"
#include "lowp/scaling/scaler_words.h"

namespace lowp::tool {
namespace {

using scaling::Parameter;
using scaling::Scaler;
using scaling::Settings;
using scaling::Setup;
using Wrong = std::optional<std::string>;

// The field that sets the first scale: of OpenSeq2Seq's backoff it is the ceiling.
const Parameter& first_scale(const Scaler& scaler) {
  return init_parameter(scaler);
}

Wrong set_init(std::string_view word, std::vector<Setup>& setups) {
  if (word.empty()) return {};
  const auto scale = scaling::parse_real(word);
  if (!scale || !(*scale > 0) || !std::isfinite(*scale))
    return fmt::format("--init: wanted a scale above 0 such as 65536 or 2^16, found '{}'", word);
  for (Setup& setup : setups) setup.settings.*first_scale(*setup.scaler).field = *scale;
  return {};
}

Wrong set_interval(std::string_view word, std::vector<Setup>& setups) {
  if (word.empty()) return {};
  const auto interval = scaling::parse_real(word);
  if (!interval || !(*interval > 0) || !std::isfinite(*interval))
    return fmt::format("--growth-interval: wanted a number of steps above 0, found '{}'", word);
  bool any = false;
  for (Setup& setup : setups) {
    if (const Parameter* parameter = interval_parameter(*setup.scaler)) {
      setup.settings.*parameter->field = *interval;
      any = true;
    }
  }
  if (!any) return fmt::format("--growth-interval: '{}' counts no steps", setups.front().scaler->name);
  return {};
}

std::string parameter_names(const std::vector<Setup>& setups) {
  std::string names;
  for (const Setup& setup : setups) {
    for (const Parameter& parameter : setup.scaler->parameters) {
      if (names.find(parameter.name) == names.npos) names += (names.empty() ? "" : ", ") + std::string(parameter.name);
    }
  }
  return names;
}

Wrong set_parameter(const std::string& word, std::vector<Setup>& setups) {
  const std::size_t equals = word.find('=');
  if (equals == word.npos || equals == 0) return fmt::format("--param: wanted NAME=VALUE, found '{}'", word);
  const std::string name = word.substr(0, equals);
  const auto value = scaling::parse_setting(word.substr(equals + 1));
  if (!value)
    return fmt::format("--param: wanted a number, true, false or None after '{}=', found '{}'", name,
                       word.substr(equals + 1));
  bool any = false;
  for (Setup& setup : setups) {
    if (const Parameter* parameter = find_parameter(*setup.scaler, name)) {
      setup.settings.*parameter->field = *value;
      any = true;
    }
  }
  if (!any) return fmt::format("--param: unknown '{}'; known: {}", name, parameter_names(setups));
  return {};
}

}  // namespace

std::string scaler_names() {
  std::string names;
  for (const Scaler& row : scaling::scalers()) names += (names.empty() ? "" : ", ") + std::string(row.name);
  return names;
}

Wrong read_setups(const ScalerWords& words, std::vector<Setup>& setups) {
  for (const std::string& name : split(words.scalers, ',')) {
    const Scaler* scaler = scaling::find_scaler(name);
    if (scaler == nullptr) return fmt::format("--scaler: unknown '{}'; known: {}", name, scaler_names());
    if (std::ranges::any_of(setups, [&](const Setup& setup) { return setup.scaler == scaler; }))
      return fmt::format("--scaler: '{}' is given twice", name);
    setups.push_back({scaler, defaults_of(*scaler)});
  }
  if (setups.empty()) return fmt::format("--scaler: wanted names, found '{}'", words.scalers);
  if (Wrong wrong = set_init(words.init, setups)) return wrong;
  if (Wrong wrong = set_interval(words.interval, setups)) return wrong;
  for (const std::string& word : words.parameters) {
    if (Wrong wrong = set_parameter(word, setups)) return wrong;
  }
  return {};
}

}  // namespace lowp::tool
