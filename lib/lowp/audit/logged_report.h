// SPDX-License-Identifier: Apache-2.0
// What logged histograms have to say: bounds, the scale that the extremes allow, what would make the rest exact.
#pragma once

#include <span>

#include "lowp/audit/logged_audit.h"
#include "lowp/report/report.h"

namespace lowp {

// Tables steps, tensors, formats and sweep, where counts and shares are {"least": .., "most": ..}; a story; one figure.
Report logged_report(std::span<const LoggedInput> inputs, const Question& question, const LoggedAudit& audit);

}  // namespace lowp
