// SPDX-License-Identifier: Apache-2.0
// The picture of many tensors or steps at once: what each loses at every scale.
#pragma once

#include "lowp/audit/audit_report.h"

namespace lowp {

// One panel per format, one row per tensor (those that lose most, all steps together) or per step (evenly chosen), as
// `findings.by` says: the share of non-zero values flushed to zero, marked where something overflows or saturates.
// At most `findings.top` rows, 40 where it does not say, never more than 400. No panels for Scope::total.
Figure audit_heat(const AuditFindings& findings);

}  // namespace lowp
