// SPDX-License-Identifier: Apache-2.0
// What `precision-audit cast` tells of one number in one format.
#pragma once

#include <string>

#include "cast_explained.h"
#include "lowp/report/report.h"

namespace lowp::tool {

// `word`: the number as it was typed; it was multiplied by 2^scale_log2 first.
void tell_cast(const std::string& word, int scale_log2, const CastRules& rules, const Cast& cast, Report& report);
Table cast_table();
Row cast_record(const std::string& word, int scale_log2, const CastRules& rules, const Cast& cast);

}  // namespace lowp::tool
