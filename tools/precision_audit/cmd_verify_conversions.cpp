// SPDX-License-Identifier: Apache-2.0
// precision-audit verify conversions: whole source formats through encode, against the oracle and recorded digests.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

#include "arguments.h"
#include "commands.h"
#include "conversion_check.h"
#include "format_words.h"
#include "lowp/core/formats.h"
#include "lowp/core/profiles.h"
#include "lowp/report/humanize.h"
#include "safe_file.h"
#include "verify_selection.h"

namespace lowp::tool {

using namespace verify;
namespace {

struct SourceName {
  std::string_view name;
};
constexpr std::array sources{SourceName{"fp32"}, SourceName{"fp16"}, SourceName{"bf16"}};

struct ConversionsTask final : Task {
  ConversionChoice choice;
  bool full = false;
  std::string digests_path, written_path, codes_path;
  const Profile* profile = nullptr;
  std::vector<SweepCase> cases;

  explicit ConversionsTask(Options& o) {
    o.choices({.name = "--source", .help = "whose codes go in, all of them", .initial = "fp32,fp16,bf16"}, choice.sources,
              one_of<std::string_view>(sources, &SourceName::name));
    o.choices({.name = "--formats", .help = "targets (default: all; from fp32 fp16,bf16,e4m3,e5m2)"}, choice.formats,
              one_of<const SweepFormat*>(sweep_formats(), [](const SweepFormat& row) { return &row; }));
    o.choices({.name = "--modes", .help = "rounding modes (default: all; from fp32 nearest_even)"}, choice.modes,
              deterministic_modes());
    o.choices({.name = "--overflow", .help = "rules (default: all; from fp32 ieee)"}, choice.rules,
              one_of<Overflow>(overflow_names, &OverflowName::rule));
    o.flag({.name = "--full",
            .help = "from fp32 too all formats and modes that are not named (161 times 2^32 inputs)"},
           full);
    const auto file = [&o](std::string_view name, std::string help, std::string& target) {
      o.value({.name = name, .value = "FILE", .help = std::move(help)}, target, any_text).is_file = true;
    };
    file("--digests", "compare with the digests of this file instead of the built-in ones", digests_path);
    file("--write-digests", "add this run's digests to those and write them to a file", written_path);
    file("--dump-codes",
         "instead of checking, write the codes of all inputs, case after case, as little-endian 32-bit integers",
         codes_path);
    o.choice({.name = "--profile", .help = "with --dump-codes: the rules of a library or standard"}, profile,
             one_of<const Profile*>(profile_table, [](const Profile& row) { return &row; }));
  }

  std::optional<Error> check() override {
    cases = cases_of(choice, full);
    if (codes_path.empty()) {
      if (profile != nullptr) return fault("--profile: only with --dump-codes; the oracle knows no profiles");
      return may_write("--write-digests", written_path, DigestTable().text());
    }
    if (std::ranges::any_of(cases, [](const SweepCase& what) { return what.source == "fp32"; }))
      return fault("--dump-codes: choose --source fp16 or bf16");
    return may_write("--dump-codes", codes_path, "");
  }

  Result<Answer> run(Job& job) override { return codes_path.empty() ? verify(job) : dump_codes(); }

 private:
  static std::optional<Error> may_write(std::string_view option, const std::string& path, std::string_view mark) {
    if (path.empty()) return {};
    auto wrong = why_not_over(path, mark, {});
    if (wrong) wrong->file = option;
    return wrong;
  }

  Result<Answer> dump_codes() const {
    const std::string bytes = codes_as_bytes(cases, profile);
    if (auto done = replace_file(codes_path, bytes); !done) return done.error();
    Answer answer;
    answer.report.story.push_back(Paragraph{fmt::format("{} written to {}.",
                                                        counted(bytes.size() / 4, "code was", "codes were"), codes_path)});
    return answer;
  }

  Result<Answer> verify(const Job& job) const {
    auto digests = digests_path.empty() ? Result(DigestTable::recorded()) : DigestTable::read(digests_path);
    if (!digests) return digests.error();
    const unsigned threads =
        job.threads != 0 ? static_cast<unsigned>(job.threads) : std::max(1u, std::thread::hardware_concurrency());
    const std::vector<Checked> all = check_all(cases, *digests, threads);
    Answer answer{report_of(all), std::ranges::any_of(all, failed)};
    if (written_path.empty()) return answer;
    const bool confirmed = std::ranges::all_of(all, [](const Checked& c) { return c.result.mismatches == 0 && c.judged; });
    answer.is_finding = !confirmed;
    if (!confirmed) {
      answer.said = {"--write-digests: nothing is recorded that the oracle did not confirm"};
      return answer;
    }
    for (const Checked& c : all) digests->set(c.what, c.result.digest);
    if (auto done = replace_file(written_path, digests->text()); !done) return done.error();
    return answer;
  }
};

}  // namespace

std::unique_ptr<Task> make_verify_conversions(Options& options) {
  return std::make_unique<ConversionsTask>(options);
}

}  // namespace lowp::tool
