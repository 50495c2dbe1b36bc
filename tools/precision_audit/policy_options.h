// SPDX-License-Identifier: Apache-2.0
// The options that say what counts as acceptable.
#pragma once

#include "lowp/audit/policy.h"
#include "options.h"

namespace lowp::tool {

// --loss-dtype, --policy, --min-snr, --max-flushed, --headroom.
void declare_policy(Options& options, Policy& policy);

}  // namespace lowp::tool
