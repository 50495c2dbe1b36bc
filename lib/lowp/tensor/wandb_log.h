// SPDX-License-Identifier: Apache-2.0
// The file that an offline run of Weights & Biases leaves behind: run-ID.wandb.
#pragma once

#include <string_view>

#include "lowp/tensor/file.h"
#include "lowp/tensor/logged.h"

namespace lowp {

// Histograms and numbers of the history records. Damaged records, a cut end and values that cannot be read are noted.
// Errors: not such a file, failures to read. Source: wandb_internal.proto (Record, HistoryRecord, HistoryItem).
Result<LoggedRun> read_wandb(const File& file);

// One record of such a file, added to `run`; false where it cannot be read.
bool take_wandb_record(std::string_view record, LoggedRun& run);

}  // namespace lowp
