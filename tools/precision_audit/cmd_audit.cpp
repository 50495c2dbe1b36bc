// SPDX-License-Identifier: Apache-2.0
// precision-audit [audit] PATH...: words to values, one audit, one document.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "arguments.h"
#include "command_line.h"
#include "commands.h"
#include "logged_answer.h"
#include "lowp/audit/audit_report.h"
#include "lowp/core/formats.h"
#include "lowp/gpu_pass/binade_pass.h"
#include "lowp/gpu_pass/pass_results.h"
#include "lowp/report/writers.h"
#include "lowp/tensor/logged_series.h"
#include "lowp/tensor/readers.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

// The command line as it was typed.
struct Words {
  std::vector<std::string> paths;
  std::string formats = "fp16,bf16,e4m3,e5m2", scales = "-8:32", by = "total", rounding = "nearest_even";
  std::string overflow = "ieee", dump_scale = "1", output = "text", plot, progress = "auto", device = "cpu";
  std::vector<std::string> select, fail_on;
  std::string dtype, assume_dtype, reader, endian = "little";
  std::int64_t offset = 0, chunk_bytes = 1 << 20;
  std::optional<std::int64_t> count;
  bool strict = false, counts_only = false;
  int threads = 0;
  double max_flushed = Policy{}.max_flushed;
  int headroom = Policy{}.assumed_headroom;
};

constexpr int most_threads = 256;

// What they mean.
struct Settings {
  OpenOptions open;
  AuditOptions audit;
  Policy policy;
  std::vector<FailCondition> conditions;
  const Writer* writer = nullptr;
  bool on_gpu = false;
};

std::string listed(const std::vector<std::string_view>& words) {
  std::string list;
  for (const std::string_view word : words) list += (list.empty() ? "" : ", ") + std::string(word);
  return list;
}

std::string reader_help() {
  std::string text;
  for (const Reader& reader : readers()) text += fmt::format("  {:<20} {}\n", reader.name, reader.what);
  text += "Logged histograms, for bounds:\n";
  for (const LoggedReader& reader : logged_readers()) text += fmt::format("  {:<20} {}\n", reader.name, reader.what);
  return text;
}

void declare_options(CLI::App& app, Words& words) {
  app.add_option("PATH", words.paths,
                 "files, directories with one file per step, or - for npy or raw data from a pipe");
  app.add_option("--formats", words.formats, "formats to convert to: " + auditable_names() + ", or any eXmY")
      ->capture_default_str()
      ->group("What to ask");
  app.add_option("--scales", words.scales, "loss scales to try, as log2, both ends included")
      ->capture_default_str()
      ->group("What to ask");
  app.add_option("--by", words.by, "also report each: total, tensor, step")
      ->capture_default_str()
      ->group("What to ask");
  app.add_option("--rounding", words.rounding, names_of(rounding_names))->capture_default_str()->group("What to ask");
  app.add_option("--overflow", words.overflow, names_of(overflow_names))->capture_default_str()->group("What to ask");
  app.add_flag("--counts-only", words.counts_only, "count classes and leave out the errors (SNR): about twice as fast")
      ->group("What to ask");
  app.add_option("--dump-scale", words.dump_scale,
                 "the loss scale the dump was taken with, a power of two (2^16 or 65536)")
      ->capture_default_str()
      ->group("What to ask");
  app.add_option("--select", words.select, "only tensors whose name matches, for example 'act_grad/*'; may be repeated")
      ->allow_extra_args(false)
      ->group("What to ask");
  app.add_option("--max-flushed", words.max_flushed,
                 "share of non-zero values that may be lost before no scale is recommended")
      ->capture_default_str()
      ->group("What to ask");
  app.add_option("--headroom", words.headroom,
                 "binades to keep free below overflow when one step cannot show the drift")
      ->capture_default_str()
      ->group("What to ask");
  app.add_option("--output", words.output, names_of(writers()))->capture_default_str()->group("How to answer");
  app.add_option("--plot", words.plot, "also write the picture to this SVG file")->group("How to answer");
  app.add_option("--fail-on", words.fail_on,
                 "exit 1 if METRIC>NUMBER@FORMAT[:SCALE] holds for all tensors together; may be repeated")
      ->allow_extra_args(false)
      ->group("How to answer");
  app.add_option("--progress", words.progress, "progress bar on stderr: auto, always, never")
      ->capture_default_str()
      ->group("How to answer");
  app.add_option("--threads", words.threads, "0: one per processor")->capture_default_str()->group("How to answer");
  app.add_option("--device", words.device,
                 "what reads the elements: cpu, cuda (f32, f16, bf16; formats up to 10 fraction bits)")
      ->capture_default_str()
      ->group("How to answer");
  app.add_option("--reader", words.reader, "read every file as this kind instead of recognising it")->group("Files");
  app.add_option("--dtype", words.dtype, "element type of raw files: " + names_of(dtype_table))->group("Files");
  app.add_option("--offset", words.offset, "bytes before the first element of raw files")->group("Files");
  app.add_option("--count", words.count, "elements to read of raw files; default all")->group("Files");
  app.add_option("--endian", words.endian, "of raw files: little, big")->capture_default_str()->group("Files");
  app.add_option("--assume-dtype", words.assume_dtype, "element type of npy files that lost its name (V1, V2)")
      ->group("Files");
  app.add_flag("--strict", words.strict, "checksum mismatches in torch files are errors")->group("Files");
  app.add_option("--chunk-bytes", words.chunk_bytes, "bytes of one read")
      ->capture_default_str()
      ->envname("LOWP_CHUNK_BYTES")
      ->group("Files");
  app.footer("File kinds:\n" + reader_help() + "\nMetrics for --fail-on: " + listed(metric_names()) +
             ".\nExit codes: 0 fine, 1 a --fail-on condition holds, 2 usage, 3 input.");
}

using Wrong = std::optional<std::string>;  // what is wrong with the words, if anything

Wrong read_dtypes(const Words& words, Settings& settings) {
  const auto lookup = [](const std::string& word, const Dtype*& dtype) {
    return word.empty() || (dtype = find_dtype(word)) != nullptr;
  };
  if (!lookup(words.dtype, settings.open.raw_dtype))
    return fmt::format("--dtype: unknown '{}'; known: {}", words.dtype, names_of(dtype_table));
  if (!lookup(words.assume_dtype, settings.open.assume_dtype))
    return fmt::format("--assume-dtype: unknown '{}'; known: {}", words.assume_dtype, names_of(dtype_table));
  return {};
}

Wrong read_file_words(const Words& words, Settings& settings) {
  if (Wrong wrong = read_dtypes(words, settings)) return wrong;
  if (!words.reader.empty() &&
      std::ranges::none_of(readers(), [&](const Reader& row) { return row.name == words.reader; })) {
    return fmt::format("--reader: unknown '{}'; known: {}", words.reader, names_of(readers()));
  }
  if (words.endian != "little" && words.endian != "big")
    return fmt::format("--endian: wanted little or big, found '{}'", words.endian);
  if (words.offset < 0) return fmt::format("--offset: wanted 0 or more, found {}", words.offset);
  if (words.count && *words.count < 0) return fmt::format("--count: wanted 0 or more, found {}", *words.count);
  settings.open.reader = words.reader;
  settings.open.raw_offset = static_cast<std::uint64_t>(words.offset);
  if (words.count) settings.open.raw_count = static_cast<std::uint64_t>(*words.count);
  settings.open.raw_big_endian = words.endian == "big";
  settings.open.select = words.select;
  settings.open.strict = words.strict;
  settings.open.pipes = true;
  return {};
}

Wrong read_targets(const Words& words, Settings& settings) {
  const RoundingName* rounding = find_rounding(words.rounding);
  if (!rounding) return fmt::format("--rounding: unknown '{}'; known: {}", words.rounding, names_of(rounding_names));
  if (is_stochastic(rounding->mode)) {
    return fmt::format("--rounding: '{}' has no single outcome to count; an audit wants a deterministic mode",
                       words.rounding);
  }
  const OverflowName* overflow = find_overflow(words.overflow);
  if (!overflow) return fmt::format("--overflow: unknown '{}'; known: {}", words.overflow, names_of(overflow_names));
  std::string wrong;
  auto formats = parse_targets(words.formats, wrong);
  if (!formats) return "--formats: " + wrong;
  settings.audit.question.formats = std::move(*formats);
  settings.audit.question.rounding = rounding->mode;
  settings.audit.question.overflow = overflow->rule;
  return {};
}

Wrong read_scales(const Words& words, Settings& settings) {
  const auto scales = parse_scales(words.scales);
  if (!scales)
    return fmt::format("--scales: wanted LOW:HIGH as log2 between {} and {}, found '{}'", -scale_log2_limit,
                       scale_log2_limit, words.scales);
  settings.audit.question.scales = *scales;
  const auto dump = parse_power_of_two(words.dump_scale);
  if (!dump)
    return fmt::format("--dump-scale: wanted a power of two such as 65536 or 2^16, found '{}'", words.dump_scale);
  settings.audit.dump_scale_log2 = *dump;
  return {};
}

Wrong read_conditions(const Words& words, Settings& settings) {
  for (const std::string& text : words.fail_on) {
    const auto condition = parse_fail_condition(text);
    if (!condition)
      return fmt::format("--fail-on: wanted METRIC>NUMBER@FORMAT[:SCALE] with SCALE a power of two, found '{}'", text);
    const std::vector<std::string_view> metrics = metric_names();
    if (std::ranges::find(metrics, condition->metric) == metrics.end())
      return fmt::format("--fail-on: unknown metric '{}'; known: {}", condition->metric, listed(metrics));
    if (words.counts_only && condition->metric == "snr_db")
      return fmt::format("--fail-on: '{}' is not known with --counts-only", condition->metric);
    if (std::ranges::none_of(settings.audit.question.formats,
                             [&](const NamedTarget& format) { return format.name == condition->format; })) {
      return fmt::format("--fail-on: '{}' is not among --formats {}", condition->format, words.formats);
    }
    if (condition->scale_log2 && !settings.audit.question.scales.contains(*condition->scale_log2)) {
      return fmt::format("--fail-on: 2^{} is not among --scales {}", *condition->scale_log2, words.scales);
    }
    settings.conditions.push_back(*condition);
  }
  return {};
}

Wrong read_rest(const Words& words, Settings& settings) {
  if (words.by != "total" && words.by != "tensor" && words.by != "step")
    return fmt::format("--by: wanted total, tensor or step, found '{}'", words.by);
  settings.audit.by = words.by == "total" ? Scope::total : words.by == "tensor" ? Scope::tensor : Scope::step;
  settings.writer = find_writer(words.output);
  if (!settings.writer) return fmt::format("--output: unknown '{}'; known: {}", words.output, names_of(writers()));
  if (words.progress != "auto" && words.progress != "always" && words.progress != "never")
    return fmt::format("--progress: wanted auto, always or never, found '{}'", words.progress);
  if (words.threads < 0 || words.threads > most_threads)
    return fmt::format("--threads: wanted 0 to {}, found {}", most_threads, words.threads);
  if (words.chunk_bytes < 1 || words.chunk_bytes > (std::int64_t{1} << 32))
    return fmt::format("--chunk-bytes: wanted 1 to 2^32, found {}", words.chunk_bytes);
  if (!(words.max_flushed >= 0 && words.max_flushed <= 1))
    return fmt::format("--max-flushed: wanted a share from 0 to 1, found {}", words.max_flushed);
  if (words.headroom < 0 || words.headroom > scale_log2_limit)
    return fmt::format("--headroom: wanted 0 to {} binades, found {}", scale_log2_limit, words.headroom);
  settings.audit.question.counts_only = words.counts_only;
  settings.audit.effort.threads = words.threads;
  settings.audit.effort.chunk_bytes = static_cast<std::size_t>(words.chunk_bytes);
  settings.policy.max_flushed = words.max_flushed;
  settings.policy.assumed_headroom = words.headroom;
  return {};
}

Wrong read_device(const Words& words, Settings& settings) {
  if (words.device != "cpu" && words.device != "cuda")
    return fmt::format("--device: wanted cpu or cuda, found '{}'", words.device);
  settings.on_gpu = words.device == "cuda";
  if (!settings.on_gpu) return {};
  if (!gpu::BinadePass::is_built()) return "--device cuda: this program was built without CUDA";
  for (const NamedTarget& target : settings.audit.question.formats) {
    if (fraction_bits(target.format) >= leaf_bits)
      return fmt::format("--device cuda: wanted formats with at most {} fraction bits, found '{}' with {}",
                         leaf_bits - 1, target.name, fraction_bits(target.format));
  }
  return {};
}

Wrong read_words(const Words& words, Settings& settings) {
  for (const auto read : {read_file_words, read_targets, read_scales, read_conditions, read_rest, read_device}) {
    if (Wrong wrong = read(words, settings)) return wrong;
  }
  return {};
}

// Conditions that hold, each as one line. A metric without a value (a rate of no elements) never holds.
std::vector<std::string> findings_of(const Settings& settings, const AuditFindings& found) {
  std::vector<std::string> lines;
  for (const FailCondition& condition : settings.conditions) {
    for (std::size_t i = 0; i < settings.audit.question.formats.size(); ++i) {
      if (settings.audit.question.formats[i].name != condition.format) continue;
      const Recommendation& advice = found.recommendations[i];
      std::optional<int> scale = condition.scale_log2 ? condition.scale_log2 : advice.init_scale_log2;
      if (!scale && !advice.empty_window) scale = settings.audit.question.scales.low;  // nothing to scale: all are the same
      if (!scale) {
        lines.push_back(fmt::format("--fail-on {}: no scale is recommended for {}", condition.text, condition.format));
        continue;
      }
      const auto value = metric_value(condition.metric, found.result.total[i][settings.audit.question.scales.index(*scale)]);
      if (value && holds(condition, *value)) {
        lines.push_back(fmt::format("--fail-on {}: {} is {} in {} at 2^{}", condition.text, condition.metric, *value,
                                    condition.format, *scale));
      }
    }
  }
  return lines;
}

std::uint64_t bytes_of(const StepSeries& series) {
  std::uint64_t bytes = 0;
  for (const Input& input : series.inputs) {
    for (const TensorView& view : input.tensors) {
      if (view.source && view.source->size() != unknown_size) bytes += view.source->size();
    }
  }
  return bytes;
}

int fail(std::string_view message) {
  complain(message);
  return exit_input;
}

// Files that can be read but hold no floating-point tensor, as an error that says what was left out.
std::optional<Error> without_tensors(const StepSeries& series) {
  if (!std::ranges::all_of(series.inputs, [](const Input& input) { return input.tensors.empty(); })) return {};
  const Input& first = series.inputs.front();
  return Error{first.path, std::nullopt, "a floating-point tensor",
               first.notes.empty() ? "no tensors" : "none; " + first.notes.front()};
}

// The first tensor that the GPU's pass does not know, as an error.
std::optional<Error> beyond_gpu(const StepSeries& series) {
  for (const Input& input : series.inputs) {
    for (const TensorView& view : input.tensors) {
      if (view.elements == unknown_size)
        return Error{input.path, std::nullopt, "a known --count for --device cuda", "a pipe"};
      if (gpu::is_counted(*view.dtype)) continue;
      return Error{input.path, std::nullopt, "f32, f16 or bf16 elements for --device cuda",
                   fmt::format("{} in {}", view.dtype->name, view.name)};
    }
  }
  return {};
}

int audit(const Words& words, Settings& settings) {
  if (settings.open.reader.empty() && std::ranges::all_of(words.paths, is_logged_run)) {
    if (!settings.conditions.empty()) return fail("--fail-on: wanted a dump, found logged histograms, which give bounds only");
    return answer_from_logs(words.paths, {settings.open.select, settings.audit.question, settings.audit.dump_scale_log2,
                                          settings.policy, *settings.writer, words.plot});
  }
  auto series = open_series(words.paths, settings.open);
  if (!series) return fail(series.error().message());
  if (const auto error = without_tensors(*series)) return fail(error->message());
  std::unique_ptr<gpu::BinadePass> pass;
  if (settings.on_gpu) {
    if (const auto error = beyond_gpu(*series)) return fail(error->message());
    auto opened = gpu::BinadePass::open();
    if (!opened) return fail("--device " + opened.error().message());
    pass = std::move(*opened);
    settings.audit.effort.count_tensor = [&](const TensorView& view, BinadeCounter& counter) {
      return pass->count(view, counter, settings.audit.effort.progress);
    };
  }
  Result<AuditResult> result = [&] {
    Progress bar(bytes_of(*series), words.progress == "always" || (words.progress == "auto" && stderr_is_terminal()));
    settings.audit.effort.progress = [&bar](std::uint64_t bytes) { bar.add(bytes); };
    return run_audit(*series, settings.audit);
  }();
  if (!result) return fail(result.error().message());
  for (const Input& input : series->inputs) {
    if (const auto doubt = changed_since_open(input)) complain(*doubt);
  }
  const Question& question = settings.audit.question;
  const AuditFindings found{*result,
                            question,
                            settings.policy,
                            recommend(*result, question, settings.policy),
                            caveats(*result, question, settings.policy)};
  const Report report = audit_report(found, version, settings.writer->reads_tables);
  std::string document, plot;
  settings.writer->write(report, stdout_style(), document);
  if (!words.plot.empty()) {
    find_writer("svg")->write(report, {}, plot);
    if (const std::string error = write_file(words.plot, plot); !error.empty()) return fail(error);
  }
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error);
  const std::vector<std::string> lines = findings_of(settings, found);
  for (const std::string& line : lines) complain(line);
  return lines.empty() ? exit_fine : exit_finding;
}

}  // namespace

int cmd_audit(int argc, char** argv) {
  Words words;
  CLI::App app{"What each format loses at each loss scale, and which scale to start with.", "precision-audit [audit]"};
  declare_options(app, words);
  if (const auto done = parse_or_refuse(app, argc, argv)) return *done;
  if (words.paths.empty()) {
    complain("no PATH to audit (see precision-audit audit --help)");
    return exit_usage;
  }
  Settings settings;
  if (const Wrong wrong = read_words(words, settings)) {
    complain(*wrong);
    return exit_usage;
  }
  return audit(words, settings);
}

}  // namespace lowp::tool
