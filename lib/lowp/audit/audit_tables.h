// SPDX-License-Identifier: Apache-2.0
// The audit's tables of tensors and steps for people.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "lowp/audit/audit_report.h"

namespace lowp {

// The scale at which a format stands in these tables: the recommended one, else the largest that is safe, else the
// lowest.
int shown_scale(const AuditFindings& findings, std::size_t target);

// Every tensor name with a finite non-zero value, those first that lose most in the format of the table below.
std::vector<std::string_view> names_by_loss(const AuditFindings& findings);

// The tensors that lose most in the first format that loses anything, with what the others do to them; of --by tensor
// all of them. At most `top` rows.
Block worst_tensors(const AuditFindings& findings);
// Every step, where steps were asked for.
std::optional<Grid> steps_grid(const AuditFindings& findings);

}  // namespace lowp
