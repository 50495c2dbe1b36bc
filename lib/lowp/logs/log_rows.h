// SPDX-License-Identifier: Apache-2.0
// The functions behind the rows of log_formats.cpp. Each is total: any line gives an event or false.
#pragma once

#include <string_view>

#include "lowp/logs/log_formats.h"

namespace lowp {

bool read_deepspeed_message(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_deepspeed_fused(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_deepspeed_step(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_deepspeed_progress(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_megatron(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_fairseq_message(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_fairseq_step(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_apex_amp(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_apex_utils(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_colossal_message(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_colossal_step(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_paddle_message(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_paddle_step(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_hf_trainer(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_lightning_console(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_csv(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_json_line(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_named_values(std::string_view line, CsvColumns& csv, LogEvent& event);
bool read_deepspeed_mention(std::string_view line, CsvColumns& csv, LogEvent& event);

}  // namespace lowp
