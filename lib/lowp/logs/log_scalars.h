// SPDX-License-Identifier: Apache-2.0
// The loss scale as a number that a run has logged: TensorBoard event files and offline W&B runs.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lowp/logs/log_sections.h"
#include "lowp/tensor/logged_series.h"

namespace lowp {

// A section per folder of files, from the scalars whose names say loss scale, loss or gradient norm. In place of lines
// it counts logged steps from 1. Folders without such scalars give none.
std::vector<LogSection> scalar_sections(std::span<const LoggedInput> inputs);

}  // namespace lowp
