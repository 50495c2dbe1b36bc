// SPDX-License-Identifier: Apache-2.0
// Versions are those that recorded the trajectories in data/golden/scalers.
#include "lowp/scaling/scaler_parameters.h"
#include "lowp/scaling/scaler_rules.h"

namespace lowp::scaling {
namespace {

using namespace parameters;

// clang-format off
constexpr Scaler table[] = {
#include "lowp/scaling/torch_rows.inc"
#include "lowp/scaling/graph_rows.inc"
};
// clang-format on

}  // namespace

std::span<const Scaler> scalers() {
  return table;
}

}  // namespace lowp::scaling
