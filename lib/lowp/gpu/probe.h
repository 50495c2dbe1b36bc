// SPDX-License-Identifier: Apache-2.0
// Dot products chosen to tell descriptions of tensor cores apart, with what is expected of Hopper.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/gpu/backend.h"

namespace lowp::gpu {

// One dot product of `steps` instructions that all get the same k products.
struct Probe {
  std::string id;                   // F1, F2, ...: what each decides is said in probe.cpp
  std::vector<std::uint32_t> a, b;  // k codes each
  std::uint32_t c = 0;
  int steps = 1;
  bool everywhere = true;               // the result may not depend on the place of the products within one fused step
  std::optional<std::uint32_t> hopper;  // the bits that the published descriptions imply on sm_90
  std::string_view open = {};           // D1, Z1, Z2: only hardware can tell
};

// Those that the formats of the row can express.
std::vector<Probe> probes_for(const MmaRow& row);

// A tile whose rows of A and columns of B all hold the probe's products, moved on by `moved` places: all of D must
// agree.
TileBatch probe_tile(const MmaRow& row, const Probe& probe, int moved);

}  // namespace lowp::gpu
