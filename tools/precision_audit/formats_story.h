// SPDX-License-Identifier: Apache-2.0
// What `precision-audit formats` tells: the table, one format in full, profiles and where two of them differ.
#pragma once

#include <string_view>

#include "lowp/core/formats.h"
#include "lowp/core/profiles.h"
#include "lowp/report/report.h"

namespace lowp::tool {

// Each adds its story and its records to `report`.
void tell_formats(Report& report);
void tell_format(std::string_view name, Format f, Report& report);
void tell_block_format(const BlockFormat& row, Report& report);
void tell_profiles(Report& report);
// `full`: over all FP32 inputs too. `name` is what the target is called.
void tell_profile_diff(const Profile& a, const Profile& b, std::string_view name, Format target, bool full,
                       Report& report);

}  // namespace lowp::tool
