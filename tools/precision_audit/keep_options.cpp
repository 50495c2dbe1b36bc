// SPDX-License-Identifier: Apache-2.0
#include "keep_options.h"

#include <fmt/format.h>

#include <array>

#include "arguments.h"
#include "format_words.h"
#include "lowp/tensor/part_of_series.h"

namespace lowp::tool {
namespace {

constexpr std::array summary_levels{level_names[static_cast<std::size_t>(Level::counts)],
                                    level_names[static_cast<std::size_t>(Level::errors)],
                                    level_names[static_cast<std::size_t>(Level::leaves)]};

// "2/8": the second of eight.
Result<Part> part_word(std::string_view word) {
  const auto slash = word.find('/');
  const auto read = integer_between<std::uint32_t>(1, 1 << 20);
  const auto index = read(word.substr(0, slash));
  const auto count = read(slash == word.npos ? "" : word.substr(slash + 1));
  if (!index || !count || *index > *count) return Error{"", std::nullopt, "I/N such as 2/8", fmt::format("'{}'", word)};
  return Part{Part::Kind::part, *index, *count};
}

}  // namespace

void KeepOptions::declare(Options& o) {
  keep.total = false;
  o.choice({.name = "--level", .help = "what is kept of each tensor", .initial = "counts"}, keep.tensors,
           one_of<Level>(summary_levels, &LevelName::level));
  o.value({.name = "--part", .value = "I/N", .help = "read part I of N of every tensor; merge adds the parts"},
          keep.part, part_word);
  o.value({.name = "--dump-scale",
           .value = "SCALE",
           .help = "the loss scale of dumps that do not say theirs, a power of two (2^16 or 65536)",
           .initial = "1"},
          keep.dump_scale_log2, power_of_two_word);
  o.list({.name = "--formats",
          .value = "NAME",
          .help = "with --level leaves: formats with more than ten fraction bits that will be asked for"},
         keep.question.formats, [](std::string_view word) -> Result<NamedTarget> {
           auto format = auditable_format(word);
           if (!format) return format.error();
           return NamedTarget{format->name, format->format};
         });
  o.value({.name = "--scales", .value = "LOW:HIGH", .help = "and at which loss scales, as log2", .initial = "-8:32"},
          keep.question.scales, scale_range);
  o.footer() +=
      "Levels: counts answers every class count of formats with up to ten fraction bits, errors also SNR and "
      "bias in nearest_even, leaves everything that an audit prints.\n\n";
}

Result<Summary> KeepOptions::summarize(Job& job, const std::function<Result<Done>(StepSummary& step)>& take) const {
  if (keep.part.kind == Part::Kind::part) {
    auto part = part_of_series(std::move(job.series), keep.part.index, keep.part.count);
    if (!part) return part.error();
    job.series = *std::move(part);
  }
  const Effort effort{.threads = job.threads,
                      .chunk_bytes = job.chunk_bytes,
                      .progress = job.progress,
                      .checksums = true,
                      .count_tensor = {}};
  const std::vector<Part> ranks = ranks_of(job.series);
  Watch watch;
  watch.step = [&, input = std::size_t{0}](StepSummary& step) mutable -> Result<Done> {
    const Part rank = ranks[input++];
    for (TensorSummary& tensor : step.tensors) {
      if (rank.kind != Part::Kind::whole && tensor.part.kind != Part::Kind::whole)
        return Error{step.path, std::nullopt, "files of several ranks or --part", "both"};
      if (rank.kind != Part::Kind::whole) tensor.part = rank;
    }
    return take ? take(step) : Result<Done>(Done{});
  };
  return lowp::summarize(job.series, keep, effort, watch);
}

}  // namespace lowp::tool
