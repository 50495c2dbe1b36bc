// SPDX-License-Identifier: Apache-2.0
// Options that say how to advise.
#pragma once

#include "lowp/audit/policy.h"
#include "options.h"

namespace lowp::tool {

// --loss-dtype, --policy, --min-snr, --max-flushed, --headroom.
void declare_policy(Options& o, Policy& policy);

}  // namespace lowp::tool
