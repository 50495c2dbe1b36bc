// SPDX-License-Identifier: Apache-2.0
// The audit for people: a first screen and a picture.
#pragma once

#include <vector>

#include "lowp/audit/audit_report.h"

namespace lowp {

std::vector<Block> audit_story(const AuditFindings& findings);
Figure audit_figure(const AuditFindings& findings);

}  // namespace lowp
