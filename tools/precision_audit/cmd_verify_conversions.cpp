// SPDX-License-Identifier: Apache-2.0
// precision-audit verify conversions: whole source formats through encode, against the oracle and recorded digests.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "format_text.h"
#include "lowp/core/formats.h"
#include "lowp/core/profiles.h"
#include "lowp/report/humanize.h"
#include "lowp/report/writers.h"
#include "lowp/tensor/file.h"
#include "lowp/verify/conversion_sweep.h"
#include "lowp/verify/digest_table.h"
#include "lowp/verify/verify_judge.h"
#include "terminal.h"
#include "verify_selection.h"

namespace lowp::tool {
namespace {

struct Words {
  SelectionWords selection;
  std::string profile, digests, write_digests, dump_codes;
  std::string output = "text";
  unsigned threads = 0;
};

struct Settings {
  std::vector<SweepCase> cases;
  DigestTable digests;
  const Writer* writer = nullptr;
  unsigned threads = 1;
};

using Wrong = std::optional<std::string>;

// ---- cases to results ----

enum class Recorded : std::uint8_t { same, differs, none };

struct Checked {
  SweepCase what;
  SweepResult result;
  Recorded recorded = Recorded::none;
  bool judged = false;  // by the oracle
  double seconds = 0;
};

bool failed(const Checked& c) {
  return c.result.mismatches != 0 || c.recorded == Recorded::differs || (!c.judged && c.recorded == Recorded::none);
}

// One line on stderr that says how far the work is, redrawn at most ten times a second.
class Line {
 public:
  explicit Line(std::uint64_t total) : total_(total) {}
  ~Line() {
    if (drawn_) std::fputs("\r\x1b[K", stderr);
  }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  void begin(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }
  void add(std::uint64_t inputs) {
    const std::lock_guard lock(mutex_);
    done_ += inputs;
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now < due_) return;
    due_ = now + std::chrono::milliseconds(100);
    drawn_ = true;
    const double share = static_cast<double>(done_) / static_cast<double>(total_);
    std::fputs(fmt::format("\r\x1b[Kchecking {} ({:.1f} % of all)", text_, 100 * share).c_str(), stderr);
  }

 private:
  std::mutex mutex_;
  std::string text_;
  const std::uint64_t total_;
  std::uint64_t done_ = 0;
  const bool shown_ = stderr_is_terminal();
  bool drawn_ = false;
  std::chrono::steady_clock::time_point due_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
};

std::vector<Checked> check_all(const Settings& settings) {
  std::uint64_t total = 0;
  for (const SweepCase& what : settings.cases) total += source_inputs(what.source);
  Line line(total);
  VerifyJudge judge;
  std::vector<Checked> all;
  for (const SweepCase& what : settings.cases) {
    line.begin(fmt::format("{} to {}, {}", what.source, what.target->name, rounding_name(what.rounding)));
    const std::vector<Run> expected = judge.runs(what);
    const auto start = std::chrono::steady_clock::now();
    Checked c{what, sweep(what, expected, settings.threads, [&](std::uint64_t inputs) { line.add(inputs); })};
    c.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    c.judged = !expected.empty();
    if (const auto digest = settings.digests.find(what)) {
      c.recorded = *digest == c.result.digest ? Recorded::same : Recorded::differs;
    }
    all.push_back(std::move(c));
  }
  return all;
}

// ---- results to a report ----

std::string digest_text(const Checked& c) {
  static constexpr std::string_view mark[] = {"", " !", " new"};
  return fmt::format("{:016x}{}", c.result.digest, mark[static_cast<std::size_t>(c.recorded)]);
}

// Consecutive cases of one source and target. From 16-bit sources they make one line, from FP32 one line each.
std::vector<std::span<const Checked>> lines_of(const std::vector<Checked>& all) {
  std::vector<std::span<const Checked>> lines;
  for (std::size_t first = 0; first < all.size();) {
    std::size_t last = first + 1;
    const SweepCase& what = all[first].what;
    while (what.source != "fp32" && last < all.size() && all[last].what.source == what.source &&
           all[last].what.target == what.target) {
      ++last;
    }
    lines.emplace_back(all.data() + first, last - first);
    first = last;
  }
  return lines;
}

GridRow grid_row(std::span<const Checked> cases) {
  const Checked& c = cases.front();
  std::uint64_t inputs = 0, mismatches = 0, recorded = 0;
  double seconds = 0;
  for (const Checked& one : cases) {
    inputs += one.result.inputs;
    mismatches += one.result.mismatches;
    recorded += one.recorded == Recorded::same;
    seconds += one.seconds;
  }
  const bool single = cases.size() == 1;
  return {{std::string(c.what.target->name),
           single ? std::string(rounding_name(c.what.rounding)) : fmt::format("{} rules", cases.size()),
           single ? std::string(overflow_name(c.what.overflow)) : "", grouped(inputs),
           c.judged ? grouped(mismatches) : "no oracle",
           single ? digest_text(c) : fmt::format("{} of {} as recorded", recorded, cases.size()),
           fmt::format("{:.1f}", seconds)},
          {}};
}

std::string mismatch_text(const SweepCase& what, const Mismatch& m) {
  const Format source = find_format(what.source).format;
  const Format target = what.target->format;
  return fmt::format("{} gives {}, must give {}", code_text(source, m.input), code_text(target, m.ours),
                     code_text(target, m.expected));
}

std::string verdict(const std::vector<Checked>& all) {
  std::uint64_t inputs = 0, mismatches = 0, differs = 0, unchecked = 0, judged = 0, recorded = 0;
  for (const Checked& c : all) {
    inputs += c.result.inputs;
    mismatches += c.result.mismatches;
    differs += c.recorded == Recorded::differs;
    recorded += c.recorded == Recorded::same;
    judged += c.judged;
    unchecked += !c.judged && c.recorded == Recorded::none;
  }
  std::string text =
      fmt::format("{} inputs in {}: {} against the oracle ({} judged), {} of {} digests as recorded.", grouped(inputs),
                  counted(all.size(), "case", "cases"), counted(mismatches, "mismatch", "mismatches"), grouped(judged),
                  grouped(recorded), grouped(all.size()));
  if (differs != 0)
    text += fmt::format(" {} from the recorded ones (!).", counted(differs, "digest differs", "digests differ"));
  if (unchecked != 0)
    text += fmt::format(" {} compared with anything.", counted(unchecked, "case was not", "cases were not"));
  return text;
}

Report report_of(const std::vector<Checked>& all) {
  Report report;
  report.story.push_back(Paragraph{verdict(all)});
  for (const std::span<const Checked> cases : lines_of(all)) {
    const std::string title = fmt::format("All codes of {}", cases.front().what.source);
    const Grid* last = std::get_if<Grid>(&report.story.back());
    if (last == nullptr || last->title != title)
      report.story.push_back(Grid{title, {"to", "rounding", "overflow", "inputs", "wrong", "digest", "s"}, 3, {}});
    std::get<Grid>(report.story.back()).rows.push_back(grid_row(cases));
  }
  const auto text = [](std::string_view word) { return Cell{std::string(word)}; };
  Table table{"conversions",
              {"source", "target", "rounding", "overflow", "inputs", "mismatches", "first_mismatches", "digest",
               "recorded", "seconds"},
              {}};
  for (const Checked& c : all) {
    CellList first;
    for (const Mismatch& m : c.result.first) first.push_back(text(mismatch_text(c.what, m)));
    for (const Mismatch& m : c.result.first) {
      report.story.push_back(Paragraph{
          fmt::format("{} to {}, {}, {}: {}", c.what.source, c.what.target->name, rounding_name(c.what.rounding),
                      overflow_name(c.what.overflow), mismatch_text(c.what, m)),
          2, 2});
    }
    table.rows.push_back({text(c.what.source),
                          text(c.what.target->name),
                          text(rounding_name(c.what.rounding)),
                          text(overflow_name(c.what.overflow)),
                          {c.result.inputs},
                          c.judged ? Cell{c.result.mismatches} : Cell{Null{"no oracle"}},
                          {std::move(first)},
                          text(fmt::format("{:016x}", c.result.digest)),
                          text(c.recorded == Recorded::none   ? "no"
                               : c.recorded == Recorded::same ? "same"
                                                              : "differs"),
                          {c.seconds}});
  }
  report.tables = {{"tool", {"name", "version"}, {{text("precision-audit"), text(version)}}, true}, std::move(table)};
  return report;
}

int fail(std::string_view message, int code = exit_input) {
  complain(message);
  return code;
}

// ---- the two jobs ----

// Codes of all inputs as little-endian 32-bit integers, case after case.
int dump_codes(const Words& words, const Settings& settings) {
  const Profile* profile = find_profile(words.profile);
  std::string bytes;
  for (const SweepCase& what : settings.cases) {
    if (what.source == "fp32") return fail("--dump-codes: choose --source fp16 or bf16", exit_usage);
    const Format target = what.target->format;
    const Conversion how = profile != nullptr ? profile->conversion(target)
                                              : Conversion{.rounding = what.rounding, .overflow = what.overflow};
    for (const std::uint32_t code : all_codes(find_format(what.source).format, target, how)) {
      for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(code >> shift & 0xff));
    }
  }
  const std::string error = write_file(words.dump_codes, bytes);
  return error.empty() ? exit_fine : fail(error);
}

int verify(const Words& words, const Settings& settings) {
  const std::vector<Checked> all = check_all(settings);
  const bool wrong = std::ranges::any_of(all, failed);
  if (!words.write_digests.empty()) {
    DigestTable table = settings.digests;
    for (const Checked& c : all) {
      if (c.result.mismatches != 0 || !c.judged)
        return fail("--write-digests: nothing is recorded that the oracle did not confirm", exit_finding);
      table.set(c.what, c.result.digest);
    }
    if (const std::string error = write_file(words.write_digests, table.text()); !error.empty()) return fail(error);
  }
  std::string document;
  settings.writer->write(report_of(all), stdout_style(), document);
  if (const std::string error = write_stdout(document); !error.empty()) return fail(error);
  return wrong && words.write_digests.empty() ? exit_finding : exit_fine;
}

Wrong read_words(const Words& words, Settings& settings) {
  if (Wrong wrong = select_cases(words.selection, settings.cases)) return wrong;
  settings.writer = find_writer(words.output);
  if (settings.writer == nullptr)
    return fmt::format("--output: unknown '{}'; known: {}", words.output, names_of(writers()));
  settings.threads = words.threads != 0 ? words.threads : std::max(1u, std::thread::hardware_concurrency());
  if (words.profile.empty()) return {};
  if (words.dump_codes.empty()) return "--profile: only with --dump-codes; the oracle knows no profiles";
  if (find_profile(words.profile) == nullptr)
    return fmt::format("--profile: unknown '{}'; known: {}", words.profile, names_of(profile_table));
  return {};
}

void declare_options(CLI::App& app, Words& words) {
  app.add_option("--source", words.selection.sources, "whose codes go in, all of them: fp32, fp16, bf16")
      ->capture_default_str();
  app.add_option(
      "--formats", words.selection.formats,
      "targets, separated by commas (default: all; from fp32 fp16,bf16,e4m3,e5m2): " + names_of(sweep_formats()));
  app.add_option("--modes", words.selection.modes,
                 "rounding modes (default: all deterministic ones; from fp32 nearest_even)");
  app.add_option("--overflow", words.selection.overflow, names_of(overflow_names) + " (default: all; from fp32 ieee)");
  app.add_flag("--full", words.selection.full,
               "from fp32 too all formats and modes that are not named (161 times 2^32 inputs)");
  app.add_option("--digests", words.digests, "compare with the digests of this file instead of the built-in ones");
  app.add_option("--write-digests", words.write_digests, "add this run's digests to those and write them to a file");
  app.add_option(
      "--dump-codes", words.dump_codes,
      "instead of checking, write the codes of all inputs, case after case, as little-endian 32-bit integers");
  app.add_option("--profile", words.profile, "with --dump-codes: the rules of a library or standard");
  app.add_option("--threads", words.threads, "0: as many as the machine has")
      ->capture_default_str()
      ->check(CLI::Range(0, 256));
  app.add_option("--output", words.output, names_of(writers()))->capture_default_str();
}

Result<std::string> read_text(const std::string& path) {
  constexpr std::uint64_t most = 1 << 24;
  auto file = File::open(path);
  if (!file) return file.error();
  if ((*file)->size() > most) return Error{path, std::nullopt, "a table of digests", "more than 16 MiB"};
  std::string text((*file)->size(), '\0');
  if (auto done = (*file)->read(0, std::as_writable_bytes(std::span(text))); !done) return done.error();
  return text;
}

// The table to compare with; nothing after a complaint.
std::optional<DigestTable> read_digests(const std::string& path) {
  if (path.empty()) return DigestTable::recorded();
  const auto text = read_text(path);
  if (!text) {
    complain(text.error().message());
    return {};
  }
  std::optional<std::size_t> wrong_line;
  DigestTable table = DigestTable::parse(*text, wrong_line);
  if (wrong_line) {
    complain(
        fmt::format("{}:{}: wanted source, target, rounding, overflow and 16 hexadecimal digits, once each, with "
                    "tabs between",
                    path, *wrong_line));
    return {};
  }
  return table;
}

}  // namespace

int run_verify_conversions(int argc, char** argv) {
  Words words;
  CLI::App app{"Puts every code of a source format through every conversion, judged by exact arithmetic.", argv[0]};
  declare_options(app, words);
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  Settings settings;
  if (const Wrong wrong = read_words(words, settings)) return fail(*wrong, exit_usage);
  if (!words.dump_codes.empty()) return dump_codes(words, settings);
  std::optional<DigestTable> digests = read_digests(words.digests);
  if (!digests) return exit_input;
  settings.digests = std::move(*digests);
  return verify(words, settings);
}

}  // namespace lowp::tool
