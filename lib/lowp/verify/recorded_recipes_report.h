// SPDX-License-Identifier: Apache-2.0
// Results that libraries returned for recipes, as a report.
#pragma once

#include "lowp/report/report.h"
#include "lowp/verify/recorded_recipes.h"

namespace lowp {

// Tables summary and cells; a story that begins with how many cells are reproduced.
Report recorded_recipes_report(const RecordedRecipes& recorded);

}  // namespace lowp
