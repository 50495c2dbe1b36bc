// SPDX-License-Identifier: Apache-2.0
// An audit as one web page to look at and to pass on.
#pragma once

#include <string>

#include "lowp/audit/audit_report.h"
#include "lowp/page/page_counts.h"

namespace lowp {

// The answer as text, which needs no script; then what the script shows. It holds every name and count in itself, asks
// for nothing from anywhere, and its policy lets only its own script and style in. `story` and `counts` are of the same
// findings. Names are untrusted and inert.
std::string audit_page(const AuditFindings& findings, const std::vector<Block>& story, const PageCounts& counts);

}  // namespace lowp
