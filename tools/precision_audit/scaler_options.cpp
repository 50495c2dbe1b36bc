// SPDX-License-Identifier: Apache-2.0
#include "scaler_options.h"

#include <fmt/format.h>

#include <cmath>

#include "arguments.h"
#include "lowp/scaling/scaler_words.h"

namespace lowp::tool {
namespace {

using scaling::Parameter;
using scaling::Scaler;
using scaling::Setup;

auto positive_real(std::string_view wanted) {
  return [wanted](std::string_view word) -> Result<std::optional<double>> {
    const auto value = scaling::parse_real(word);
    if (!value || !(*value > 0) || !std::isfinite(*value))
      return Error{"", std::nullopt, std::string(wanted), quoted(word)};
    return value;
  };
}

Result<std::pair<std::string, double>> parameter_word(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == word.npos || equals == 0) return Error{"", std::nullopt, "NAME=VALUE", quoted(word)};
  const auto value = scaling::parse_setting(word.substr(equals + 1));
  if (!value) return Error{"", std::nullopt, "a number, true, false or None after NAME=", quoted(word)};
  return std::pair(std::string(word.substr(0, equals)), *value);
}

// Sets it in every setup whose scaler has it; false where none has.
template <class Find>
bool set_in(std::vector<Setup>& setups, double value, Find find) {
  bool any = false;
  for (Setup& setup : setups) {
    const Parameter* parameter = find(*setup.scaler);
    if (parameter == nullptr) continue;
    setup.settings.*parameter->field = value;
    any = true;
  }
  return any;
}

std::vector<std::string> parameter_names(const std::vector<Setup>& setups) {
  std::vector<std::string> names;
  for (const Setup& setup : setups) {
    for (const Parameter& parameter : setup.scaler->parameters) {
      if (std::ranges::find(names, parameter.name) == names.end()) names.emplace_back(parameter.name);
    }
  }
  return names;
}

}  // namespace

OneOf<const Scaler*> scaler_names() {
  OneOf<const Scaler*> choice;
  for (const Scaler& row : scaling::scalers()) choice.names.emplace_back(row.name);
  choice.find = [](std::string_view word) -> std::optional<const Scaler*> {
    for (const Scaler& row : scaling::scalers()) {
      if (same_word(row.name, word)) return &row;
    }
    const Scaler* row = scaling::find_by_vectors(word);
    return row != nullptr ? std::optional(row) : std::nullopt;
  };
  return choice;
}

void ScalerSettings::declare(Options& o) {
  o.value({.name = "--init", .value = "SCALE", .help = "first scale, 2^16 or 65536; default: the scaler's own"}, init,
          positive_real("a scale above 0 such as 65536 or 2^16"));
  o.value({.name = "--growth-interval", .value = "N", .help = "clean steps to a growth; default: the scaler's own"},
          interval, positive_real("a number of steps above 0"));
  o.repeated({.name = "--param",
              .value = "NAME=VALUE",
              .help = "a setting in the framework's own words (`scalers NAME` lists them); may be repeated"},
             parameters, parameter_word);
}

Result<std::vector<Setup>> ScalerSettings::setups(const std::vector<const Scaler*>& scalers) const {
  std::vector<Setup> setups;
  for (const Scaler* scaler : scalers) setups.push_back({scaler, defaults_of(*scaler)});
  if (init) set_in(setups, *init, [](const Scaler& row) { return &init_parameter(row); });
  if (interval && !set_in(setups, *interval, [](const Scaler& row) { return interval_parameter(row); }))
    return fault(fmt::format("--growth-interval: '{}' counts no steps", scalers.front()->name));
  for (const auto& [name, value] : parameters) {
    if (set_in(setups, value, [&name](const Scaler& row) { return find_parameter(row, name); })) continue;
    Error wrong = unknown_word(name, parameter_names(setups));
    wrong.file = "--param";
    return wrong;
  }
  return setups;
}

}  // namespace lowp::tool
