// SPDX-License-Identifier: Apache-2.0
// Lines that tell of a step or an interval: DeepSpeed, Megatron, fairseq, Colossal-AI, Paddle, Hugging Face.
#include <algorithm>
#include <cmath>
#include <string>

#include "lowp/logs/log_rows.h"
#include "lowp/logs/log_text.h"

namespace lowp {
namespace {

bool is_nan(std::optional<double> number) {
  return number && std::isnan(*number);
}
std::optional<std::uint64_t> as_count(std::optional<std::int64_t> number) {
  if (!number || *number < 0) return {};
  return static_cast<std::uint64_t>(*number);
}

}  // namespace

// step 6 scale used 512.0 true grad 1.0 applied 0.0 scale after 512.0 grad_norm reported inf skipped_steps 1
bool read_deepspeed_step(std::string_view line, CsvColumns&, LogEvent& event) {
  event.used = as_scale(number_after(line, "scale used"));
  event.step = integer_after(line, "step ");
  if (!event.used || !event.step) return false;
  event.kind = LogEventKind::step;
  event.after = as_scale(number_after(line, "scale after"));
  event.skipped_so_far = as_count(integer_after(line, "skipped_steps"));
  const auto applied = number_after(line, "applied"), gradient = number_after(line, "true grad");
  const auto norm = number_after(line, "grad_norm reported");
  event.nan = is_nan(norm) || is_nan(gradient);
  if (!event.skipped_so_far && applied) event.skipped = *applied == 0 && gradient.value_or(1) != 0 ? 1 : 0;
  return true;
}

// [Rank 0] step=8, skipped=2, lr=[1.0], mom=[0]
bool read_deepspeed_progress(std::string_view line, CsvColumns&, LogEvent& event) {
  event.step = integer_after(line, " step=");
  event.skipped_so_far = as_count(integer_after(line, "skipped="));
  event.kind = LogEventKind::step;
  event.coarse = true;
  return event.step && event.skipped_so_far;
}

bool read_megatron(std::string_view line, CsvColumns&, LogEvent& event) {
  const std::size_t at = line.find("iteration ");
  if (at == std::string_view::npos || line.find('|', at) == std::string_view::npos) return false;
  const std::string_view rest = trimmed(line.substr(at + 10));
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return false;
  event.step = as_integer(leading_number(trimmed(rest.substr(0, slash))));
  event.skipped = as_count(integer_after(rest, "number of skipped iterations"));
  event.after = as_scale(number_after(rest, "loss scale"));
  if (!event.step || (!event.skipped && !event.after)) return false;
  event.kind = LogEventKind::step;
  event.first_not_reset = true;
  const auto norm = number_after(rest, "grad norm"), loss = number_after(rest, "loss:");
  event.last_taken = norm && std::isfinite(*norm);
  event.nan = as_count(integer_after(rest, "number of nan iterations")).value_or(0) > 0 || is_nan(norm) || is_nan(loss);
  return true;
}

// train_inner | {"epoch": 1, "update": 0.111, ..., "num_updates": "1", ..., "loss_scale": "128"} and
// train_inner | epoch 001:      3 / 6 loss=5.123, ..., num_updates=1, ..., loss_scale=16384
bool read_fairseq_step(std::string_view line, CsvColumns&, LogEvent& event) {
  const auto updates = [&] {
    const auto quoted = integer_after(line, "\"num_updates\"");
    return quoted ? quoted : integer_after(line, "num_updates=");
  }();
  if (!updates) return false;
  const auto value = [&](std::string_view key) {
    const auto quoted = number_after(line, std::string("\"") + std::string(key) + "\"");
    return quoted ? quoted : number_after(line, std::string(key) + "=");
  };
  event.kind = LogEventKind::step;
  event.step = updates;
  event.numbers = StepNumbers::taken;
  event.after = as_scale(value("loss_scale"));
  event.nan = is_nan(value("gnorm")) || is_nan(value("loss"));
  // "epoch 002:      3 / 6": the attempts of the epochs before and of this one
  const std::size_t epoch = line.rfind("epoch ");
  if (epoch == std::string_view::npos) return true;
  const std::size_t colon = line.find(':', epoch), slash = line.find(" / ", epoch);
  if (colon == std::string_view::npos || slash == std::string_view::npos || colon > slash) return true;
  const auto number = as_integer(leading_number(trimmed(line.substr(epoch + 6, colon - epoch - 6))));
  const auto attempt = as_integer(leading_number(trimmed(line.substr(colon + 1, slash - colon - 1))));
  const auto whole = as_integer(leading_number(trimmed(line.substr(slash + 3))));
  if (!number || !attempt || !whole || *number < 1 || *number > 1'000'000 || *whole > 1'000'000'000) return true;
  event.step = (*number - 1) * *whole + *attempt;
  event.numbers = StepNumbers::all;
  return true;
}

// 4 S 2048.0 skipped
bool read_colossal_step(std::string_view line, CsvColumns&, LogEvent& event) {
  const std::string_view text = trimmed(line);
  const std::size_t at = text.find(" S ");
  if (at == std::string_view::npos || at > 20) return false;
  event.step = as_integer(leading_number(text.substr(0, at)));
  event.used = as_scale(leading_number(text.substr(at + 3)));
  const bool skipped = text.ends_with("skipped");
  const auto applied = number_after(text, "gradient after division");
  if (!event.step || !event.used || (!skipped && !applied)) return false;
  event.kind = LogEventKind::step;
  event.skipped = skipped ? 1 : 0;
  event.nan = is_nan(applied);
  return true;
}

// loss: 1.44, ..., global_step: 3 and global step 2000, loss: 8.07, ..., loss_scaling: 131072.00, incr_count: 0.00
bool read_paddle_step(std::string_view line, CsvColumns&, LogEvent& event) {
  const auto with_word = integer_after(line, "global step "), with_key = integer_after(line, "global_step");
  if (line.find("INFO] - ") == std::string_view::npos || (!with_word && !with_key)) return false;
  event.kind = LogEventKind::step;
  event.step = with_word ? with_word : with_key;
  event.after = as_scale(number_after(line, "loss_scaling"));
  event.nan = is_nan(number_after(line, "loss"));
  return true;
}

// {'loss': '1', 'grad_norm': 'inf', 'learning_rate': '0.000625', 'epoch': '0.1094'}
bool read_hf_trainer(std::string_view line, CsvColumns&, LogEvent& event) {
  const std::size_t at = line.find("{'");
  if (at == std::string_view::npos) return false;
  std::optional<double> loss, norm;
  bool known = false;
  each_pair(line.substr(at), [&](std::string_view key, std::string_view value) {
    const auto number = leading_number(value);
    known |= key == "learning_rate" || key == "train_runtime" || key == "eval_runtime" || key == "grad_norm";
    if (key == "loss") loss = number;
    if (key == "grad_norm") norm = number;
    if (key == "epoch") event.epoch = number;
    if (key == "step" || key == "global_step") event.step = as_integer(number);
    if (names_loss_scale(key)) event.after = as_scale(number);
  });
  if (!known) return false;
  event.nan = is_nan(loss) || is_nan(norm);
  if (!norm && !event.nan && !event.after) return true;
  event.kind = LogEventKind::step;
  event.numbers = event.step ? StepNumbers::all : StepNumbers::none;
  if (norm || event.nan) event.skipped = event.nan || !std::isfinite(*norm) ? 1 : 0;
  return true;
}

}  // namespace lowp
