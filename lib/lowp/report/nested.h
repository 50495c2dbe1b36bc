// SPDX-License-Identifier: Apache-2.0
// Records inside records, for what knows only flat tables.
#pragma once

#include <vector>

#include "lowp/report/report.h"

namespace lowp {

// One table per column that holds nested records, named "replays.steps": the records of all rows, each behind the first
// cell of its row. Only `rows` are looked at, not what `more` makes.
std::vector<Table> nested_tables(const std::vector<Table>& tables);

// The same, and leaves nulls in their place.
std::vector<Table> take_nested(std::vector<Table>& tables);

}  // namespace lowp
