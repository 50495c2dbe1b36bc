// SPDX-License-Identifier: Apache-2.0
#include "lowp/logs/log_formats.h"

#include <array>

#include "lowp/logs/log_rows.h"

namespace lowp {
namespace {

// In this order: a table claims its lines first, messages of one framework come before lines that any could have
// written.
constexpr std::array format_table{
    LogFormat{"Lightning", "rows of a CSV table with a column for the loss scale", read_csv},
    LogFormat{"DeepSpeed", "OVERFLOW!, hysteresis and minimum of DynamicLossScaler", read_deepspeed_message},
    LogFormat{"DeepSpeed", "overflow and growth of FP16_Optimizer without ZeRO", read_deepspeed_fused},
    LogFormat{"DeepSpeed", "step N scale used A ... scale after B", read_deepspeed_step},
    LogFormat{"DeepSpeed", "step=N, skipped=K of steps_per_print", read_deepspeed_progress},
    LogFormat{"Megatron", "iteration N/ M | ... | loss scale: S | number of skipped iterations: K", read_megatron},
    LogFormat{"fairseq", "NOTE: gradient overflow detected, and the minimum reached", read_fairseq_message},
    LogFormat{"fairseq", "train_inner lines, JSON and simple", read_fairseq_step},
    LogFormat{"apex amp", "Gradient overflow.  Skipping step", read_apex_amp},
    LogFormat{"apex fp16_utils", "OVERFLOW! of FP16_Optimizer", read_apex_utils},
    LogFormat{"ColossalAI", "the loss scale is adjusted to S", read_colossal_message},
    LogFormat{"ColossalAI", "N S scale ...", read_colossal_step},
    LogFormat{"Paddle", "Found inf or nan, current scale is", read_paddle_message},
    LogFormat{"Paddle", "global step lines of PaddleNLP", read_paddle_step},
    LogFormat{"HF Trainer", "{'loss': ..., 'grad_norm': ...}", read_hf_trainer},
    LogFormat{"Lightning", "console lines of Trainer.fit", read_lightning_console},
    LogFormat{"JSON lines", "objects with a key for the loss scale", read_json_line},
    LogFormat{"named values", "loss_scale: S or loss_scale=S anywhere in a line", read_named_values},
    LogFormat{"DeepSpeed", "any other line that names it", read_deepspeed_mention},
};

}  // namespace

std::span<const LogFormat> log_formats() {
  return format_table;
}

std::optional<LogEvent> read_log_line(std::string_view line, CsvColumns& csv) {
  for (const LogFormat& format : format_table) {
    LogEvent event;
    event.framework = format.framework;
    if (format.read(line, csv, event)) return event;
  }
  return {};
}

}  // namespace lowp
