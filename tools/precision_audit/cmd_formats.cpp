// SPDX-License-Identifier: Apache-2.0
// precision-audit formats [NAME...]: the table of formats, one format in full, block formats, profiles.
#include "arguments.h"
#include "commands.h"
#include "format_words.h"
#include "formats_story.h"

namespace lowp::tool {
namespace {

struct FormatsTask final : Task {
  std::vector<FormatOrBlock> names;
  bool profiles = false, full = false;
  std::vector<const Profile*> diff;
  std::optional<ChosenFormat> diff_format;

  explicit FormatsTask(Options& o) {
    o.repeated({.name = "NAME", .help = "formats to show in full"}, names, format_or_block);
    o.flag({.name = "--profiles", .help = "the conversion rules of libraries and standards"}, profiles);
    o.several({.name = "--diff", .value = "A B", .help = "for which inputs two profiles give different codes"}, 2, diff,
              one_of<const Profile*>(profile_table, [](const Profile& row) { return &row; }));
    o.value({.name = "--format", .value = "NAME", .help = "with --diff: this format only"}, diff_format,
            optionally(any_format));
    o.flag({.name = "--full", .help = "with --diff: all 2^32 fp32 inputs, not only the edges of binades (minutes)"},
           full);
  }

  Result<Answer> run(Job&) override {
    Answer answer;
    if (profiles) tell_profiles(answer.report);
    if (!diff.empty()) tell_diff(answer.report);
    for (const FormatOrBlock& name : names) {
      name.block != nullptr ? tell_block_format(*name.block, answer.report)
                            : tell_format(name.scalar.name, name.scalar.format, answer.report);
    }
    if (names.empty() && !profiles && diff.empty()) tell_formats(answer.report);
    return answer;
  }

 private:
  void tell_diff(Report& report) const {
    const auto tell = [&](std::string_view name, Format format) {
      tell_profile_diff(*diff[0], *diff[1], name, format, full, report);
    };
    if (diff_format) return tell(diff_format->name, diff_format->format);
    for (const NamedFormat& row : format_table) {
      if (row.format.width <= 16) tell(row.name, row.format);
    }
  }
};

}  // namespace

std::unique_ptr<Task> make_formats(Options& options) {
  return std::make_unique<FormatsTask>(options);
}

}  // namespace lowp::tool
