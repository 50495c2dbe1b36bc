// SPDX-License-Identifier: Apache-2.0
// Lines that frameworks print when the scale changes: DeepSpeed, Apex, fairseq, Colossal-AI, Paddle.
#include <cmath>

#include "lowp/logs/log_rows.h"
#include "lowp/logs/log_text.h"

namespace lowp {
namespace {

bool has(std::string_view line, std::string_view words) {
  return line.find(words) != std::string_view::npos;
}

// "Attempted loss scale: A, reducing to B", or with hysteresis that lets the scale stay.
bool read_attempted(std::string_view line, LogEvent& event) {
  event.kind = LogEventKind::overflow;
  event.used = as_scale(number_after(line, "Attempted loss scale"));
  event.after = as_scale(number_after(line, "reducing to"));
  event.absorbed = has(line, "hysteresis is");
  if (event.absorbed) event.after = event.used;
  return event.used.has_value();
}

// "from A to B" and "to B"
void read_change(std::string_view line, LogEvent& event) {
  event.used = as_scale(number_after(line, " from"));
  event.after = as_scale(number_after(line, " to"));
}

}  // namespace

bool read_deepspeed_message(std::string_view line, CsvColumns&, LogEvent& event) {
  if (has(line, "Current loss scale already at minimum")) {
    event.kind = LogEventKind::ended;
    return true;
  }
  if (has(line, "Consecutive hysteresis is enabled")) {
    event.kind = LogEventKind::taken;
    return true;
  }
  if (!has(line, "OVERFLOW!")) return false;
  if (has(line, "Rank ") || has(line, "[deepspeed]") || has(line, "[deepscale]")) {
    if (has(line, "Gradients are non-finite")) {
      event.kind = LogEventKind::overflow;
      return true;
    }
    return read_attempted(line, event);
  }
  return false;
}

bool read_deepspeed_fused(std::string_view line, CsvColumns&, LogEvent& event) {
  if (const std::size_t at = line.find("rad overflow on iteration"); at != std::string_view::npos) {
    event.kind = LogEventKind::overflow;
    event.step = integer_after(line.substr(at), "iteration");
    return true;
  }
  if (const std::size_t at = line.find("No Grad overflow for "); at != std::string_view::npos) {
    const auto steps = as_integer(leading_number(line.substr(at + 21)));
    event.kind = LogEventKind::taken;
    event.steps = steps && *steps > 0 ? static_cast<std::uint64_t>(*steps) : 1;
    return true;
  }
  if (has(line, "Reducing dynamic loss scale from") || has(line, "Increasing dynamic loss scale from")) {
    read_change(line, event);
    event.kind = has(line, "Reducing") ? LogEventKind::new_scale : LogEventKind::raised;
    return event.used && event.after;
  }
  return false;
}

bool read_apex_utils(std::string_view line, CsvColumns&, LogEvent& event) {
  return has(line, "OVERFLOW!") && has(line, "Skipping step") && read_attempted(line, event);
}

bool read_apex_amp(std::string_view line, CsvColumns&, LogEvent& event) {
  if (!has(line, "Gradient overflow.") || !has(line, "Skipping step")) return false;
  event.kind = LogEventKind::overflow;
  event.after = as_scale(number_after(line, "reducing loss scale to"));
  return true;
}

bool read_fairseq_message(std::string_view line, CsvColumns&, LogEvent& event) {
  if (has(line, "Minimum loss scale reached")) {
    event.kind = LogEventKind::ended;
    return true;
  }
  if (has(line, "overflow detected") && (has(line, "setting loss scale to") || has(line, "setting scale to"))) {
    event.kind = LogEventKind::overflow;
    event.after = as_scale(number_after(line, "scale to to"));
    if (!event.after) event.after = as_scale(number_after(line, "scale to"));
    return true;
  }
  return line.starts_with("FloatingPointError");
}

bool read_colossal_message(std::string_view line, CsvColumns&, LogEvent& event) {
  if (!has(line, "the loss scale is adjusted to")) return false;
  event.after = as_scale(number_after(line, "adjusted to"));
  event.kind = has(line, "No overflow") ? LogEventKind::raised : LogEventKind::overflow;
  return true;
}

bool read_paddle_message(std::string_view line, CsvColumns&, LogEvent& event) {
  if (has(line, "optimizer not run") && has(line, "scale_before")) {
    event.kind = LogEventKind::new_scale;
    event.used = as_scale(number_after(line, "scale_before"));
    event.after = as_scale(number_after(line, "scale_after"));
    return true;
  }
  if (!has(line, "ound inf or nan") || !has(line, "current scale is")) return false;
  event.kind = LogEventKind::overflow;
  event.used = as_scale(number_after(line, "current scale is"));
  const std::size_t times = line.rfind('*');
  const auto factor = times == std::string_view::npos ? std::nullopt : leading_number(line.substr(times + 1));
  if (event.used && factor) event.after = as_scale(*event.used * *factor);
  return true;
}

bool read_lightning_console(std::string_view line, CsvColumns&, LogEvent&) {
  return has(line, "`Trainer.fit`") || has(line, "GPU available: ") || has(line, "TPU available: ") ||
         has(line, "ightning");
}

bool read_deepspeed_mention(std::string_view line, CsvColumns&, LogEvent&) {
  return has(line, "deepspeed") || has(line, "DeepSpeed");
}

}  // namespace lowp
