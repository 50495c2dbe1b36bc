// SPDX-License-Identifier: Apache-2.0
#include "lowp/scaling/scaler.h"

#include <cmath>

namespace lowp::scaling {

const Scaler* find_scaler(std::string_view name) {
  for (const Scaler& row : scalers()) {
    if (row.name == name || (!row.vectors.empty() && row.vectors == name)) return &row;
  }
  return nullptr;
}

const Scaler* find_by_vectors(std::string_view vectors) {
  const Scaler* row = find_scaler(vectors);
  return row != nullptr && row->vectors == vectors ? row : nullptr;
}

Settings defaults_of(const Scaler& scaler) {
  Settings settings;
  for (const Parameter& parameter : scaler.parameters) settings.*parameter.field = parameter.initial;
  return settings;
}

const Parameter* find_parameter(const Scaler& scaler, std::string_view name) {
  for (const Parameter& parameter : scaler.parameters) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

const Parameter& init_parameter(const Scaler& scaler) {
  return scaler.parameters.front();
}

const Parameter* interval_parameter(const Scaler& scaler) {
  for (const Parameter& parameter : scaler.parameters) {
    if (parameter.field == &Settings::interval) return &parameter;
  }
  return nullptr;
}

State start(const Scaler& scaler, const Settings& settings) {
  return scaler.start(settings);
}

Decision decide(const Scaler& scaler, const State& state, const Facts& facts) {
  return {scaler.skips && facts.overflow, state.scale};
}

Advance advance(const Scaler& scaler, const Settings& settings, const State& state, const Facts& facts) {
  Advance after = scaler.advance(settings, state, facts);
  if (!after.raised && !decide(scaler, state, facts).skip) ++after.next.applied;
  return after;
}

State resumed(const Scaler& scaler, const Settings& settings, const State& state) {
  State loaded = scaler.start(settings);
  loaded.scale = state.scale;
  loaded.applied = state.applied;
  for (const Counter& counter : scaler.counters) {
    if (counter.real != nullptr) {
      if (counter.saved == Saved::yes) loaded.*counter.real = state.*counter.real;
    } else if (counter.saved != Saved::no) {
      loaded.*counter.whole = counter.saved == Saved::one ? 1 : state.*counter.whole;
    }
  }
  return loaded;
}

bool overflows(double scale, double largest) {
  return !(std::fabs(scale * largest) < 65520);
}

}  // namespace lowp::scaling
