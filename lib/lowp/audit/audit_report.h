// SPDX-License-Identifier: Apache-2.0
// The audit as a report: records with the published names, the first screen, and the picture.
#pragma once

#include <string>
#include <vector>

#include "lowp/audit/recommend.h"
#include "lowp/report/report.h"

namespace lowp {

struct AuditFindings {
  const AuditResult& result;
  const Question& question;
  const Policy& policy;
  std::vector<Recommendation> recommendations;
  std::vector<std::string> caveats;
  Scope by = Scope::total;               // which tables people see besides
  std::optional<std::size_t> top = {};  // rows of the table of tensors; nothing: 5, or 40 of Scope::tensor
};

// The result judged by `policy`, all of which must live as long.
AuditFindings audit_findings(const AuditResult& result, const Question& question, const Policy& policy, Scope by,
                             std::optional<std::size_t> top);

// Sources, tables tensors, outcomes, recommendations; a story; one figure, of tensors or steps where findings.by says
// so. Deterministic: no times, no threads. Rows are made when they are written: `findings` must live as long. Without
// tables where nobody reads them: of a dump with many tensors they are most of the report.
Report audit_report(const AuditFindings& findings, bool with_tables, bool with_figure = true);

}  // namespace lowp
