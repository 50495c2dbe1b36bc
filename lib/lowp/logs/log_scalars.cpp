// SPDX-License-Identifier: Apache-2.0
#include "lowp/logs/log_scalars.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string_view>

#include "lowp/logs/log_text.h"

namespace lowp {
namespace {

// Who writes the scale under which name, and when it is read.
struct ScaleTag {
  std::string_view tag;
  std::string_view framework;
  bool of_this_step;
};
constexpr std::array scale_tags{
    ScaleTag{"loss-scale", "Megatron", false}, ScaleTag{"Train/Samples/loss_scale", "DeepSpeed", false},
    ScaleTag{"loss_scale", "Lightning", true},  // and NeMo: both log inside the training step
};

// What the files of a folder say of each step.
struct Folder {
  std::string path;
  std::string_view framework = "scalars";
  std::map<std::int64_t, LogEvent> steps;
};

void add_scalar(const LoggedScalar& scalar, Folder& folder) {
  const bool scale = names_loss_scale(scalar.name), loss = !scale && names_loss_or_norm(scalar.name);
  if (!scale && !loss) return;
  LogEvent& event = folder.steps[scalar.step];
  event.kind = LogEventKind::step;
  event.step = scalar.step;
  if (scale) {
    const auto row = std::ranges::find(scale_tags, std::string_view(scalar.name), &ScaleTag::tag);
    const bool known = row != scale_tags.end();
    if (known) folder.framework = row->framework;
    (known && row->of_this_step ? event.used : event.after) = as_scale(scalar.value);
    return;
  }
  event.nan |= std::isnan(scalar.value);
  if (!scalar.name.ends_with("loss")) event.skipped = std::isfinite(scalar.value) ? 0 : 1;  // the norm of the gradients
}

LogSection section_of(Folder folder) {
  std::vector<LogEvent> events;
  for (auto& [step, event] : folder.steps) {
    if (!event.used && !event.after && !event.skipped) continue;  // a loss alone says nothing about the scaler
    event.framework = folder.framework;
    event.line = events.size() + 1;
    events.push_back(event);
  }
  LogSection section;
  section.file = folder.path;
  section.last_line = std::max<std::uint64_t>(1, events.size());
  section.framework = events.empty() ? "" : std::string(folder.framework);
  judge_section(section, events);
  return section;
}

}  // namespace

std::vector<LogSection> scalar_sections(std::span<const LoggedInput> inputs) {
  std::vector<Folder> folders;
  for (const LoggedInput& input : inputs) {
    const std::string path = input.path.substr(0, input.path.find_last_of('/'));
    if (folders.empty() || folders.back().path != path) folders.push_back({path, "scalars", {}});
    for (const LoggedScalar& scalar : input.run.scalars) add_scalar(scalar, folders.back());
  }
  std::vector<LogSection> sections;
  for (Folder& folder : folders) {
    if (!folder.steps.empty()) sections.push_back(section_of(std::move(folder)));
  }
  return sections;
}

}  // namespace lowp
