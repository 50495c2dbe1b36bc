// SPDX-License-Identifier: Apache-2.0
// The records that every report begins with: "tool" and "inputs".
#pragma once

#include <vector>

#include "lowp/report/report.h"

namespace lowp {

// Empty where the report's tool has no name.
std::vector<Table> provenance(const Report& report);

}  // namespace lowp
