// SPDX-License-Identifier: Apache-2.0
// Options that say how a scaler is set.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lowp/scaling/replay.h"
#include "options.h"

namespace lowp::tool {

OneOf<const scaling::Scaler*> scaler_names();  // also by the names of recorded trajectories

// --init, --growth-interval, --param.
struct ScalerSettings {
  std::optional<double> init, interval;
  std::vector<std::pair<std::string, double>> parameters;

  void declare(Options& o);
  // The defaults of each scaler with these set; one of them at least must have each.
  Result<std::vector<scaling::Setup>> setups(const std::vector<const scaling::Scaler*>& scalers) const;
};

}  // namespace lowp::tool
