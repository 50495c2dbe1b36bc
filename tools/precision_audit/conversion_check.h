// SPDX-License-Identifier: Apache-2.0
// Conversions put to the test: against the oracle where there is one, and against recorded digests.
#pragma once

#include <cstdint>
#include <vector>

#include "lowp/report/report.h"
#include "lowp/verify/conversion_sweep.h"
#include "lowp/verify/digest_table.h"

namespace lowp::tool {

enum class Recorded : std::uint8_t { same, differs, none };

struct Checked {
  verify::SweepCase what;
  verify::SweepResult result;
  Recorded recorded = Recorded::none;
  bool judged = false;  // by the oracle
  double seconds = 0;
};

bool failed(const Checked& c);

// Says on stderr how far it is, where stderr is a terminal.
std::vector<Checked> check_all(const std::vector<verify::SweepCase>& cases, const verify::DigestTable& digests,
                               unsigned threads);

Report report_of(const std::vector<Checked>& all);

}  // namespace lowp::tool
