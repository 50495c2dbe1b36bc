// SPDX-License-Identifier: Apache-2.0
// The audit for people: a first screen and a picture.
#pragma once

#include <string>
#include <vector>

#include "lowp/audit/audit_report.h"

namespace lowp {

std::vector<Block> audit_story(const AuditFindings& findings);
Figure audit_figure(const AuditFindings& findings);

// What was read, for under a picture's title.
std::string subtitle_of(const AuditFindings& findings);
// Sets window, marker and remark of a panel to what the verdict of this format says.
void point_out(Panel& panel, const Recommendation& advice, const ScaleRange& scales);

}  // namespace lowp
