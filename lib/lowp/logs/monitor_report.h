// SPDX-License-Identifier: Apache-2.0
// What a monitored log has to say: a verdict per section, what to do, scale and skips over steps.
#pragma once

#include <span>

#include "lowp/logs/log_sections.h"
#include "lowp/report/report.h"

namespace lowp {

// JSON: `sections`, one object per section: file, framework, first_line, last_line, verdict, began_step, skipped_steps,
// scale_meaning, then steps, lowest_scale, highest_scale and last_scale as far as they are known.
Report monitor_report(std::span<const LogSection> sections);

}  // namespace lowp
