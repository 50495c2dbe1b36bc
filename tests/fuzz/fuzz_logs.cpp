// SPDX-License-Identifier: Apache-2.0
// Any bytes as a text log and through the readers of logged runs: an Error or values that keep their contract.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <sstream>
#include <string>

#include "lowp/logs/monitor_report.h"
#include "lowp/tensor/histogram_csv.h"
#include "lowp/tensor/histogram_json.h"
#include "lowp/tensor/logged_series.h"
#include "lowp/tensor/tensorboard.h"
#include "lowp/tensor/wandb_log.h"

namespace {

using namespace lowp;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "contract broken: %s\n", what);
  std::abort();
}

void check_sections(const std::vector<LogSection>& sections) {
  require(!sections.empty(), "a section");
  std::uint64_t before = 0;
  for (const LogSection& section : sections) {
    require(section.first_line > before && section.first_line <= section.last_line, "sections in order");
    before = section.last_line;
    require(!section.verdict.began || *section.verdict.began < section.run.steps.size(), "a step of the run");
  }
  monitor_report(sections);
}

void check_run(const LoggedRun& run) {
  for (const LoggedHistogram& histogram : run.histograms)
    require(!fault_of(histogram), "histograms keep their contract");
  for (const std::string& note : run.notes) require(note == printable(note), "printable notes");
}

void check_result(const Result<LoggedRun>& run) {
  if (run) return check_run(*run);
  require(run.error().message() == printable(run.error().message()), "printable messages");
}

// As a file, by the rows of the table that it may be for.
void check_file(std::string_view bytes, std::initializer_list<std::string_view> rows) {
  const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  require(fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "a file");
  if (const auto file = File::open("/proc/self/fd/" + std::to_string(fd))) {
    for (const LoggedReader& reader : logged_readers()) {
      if (std::ranges::find(rows, reader.name) == rows.end()) continue;
      reader.recognises(*file);
      check_result(reader.read(*file));
    }
  }
  ::close(fd);
}

void check_log(std::string_view text) {
  if (const auto sections = parse_log(text, "log", {})) check_sections(*sections);
}
void check_json(std::string_view text) {
  std::istringstream in{std::string(text)};
  check_result(parse_histogram_json(in, "json"));
}
void check_csv(std::string_view text) {
  std::istringstream in{std::string(text)};
  check_result(parse_histogram_csv(in, "csv"));
}
// The checksums of records keep most bytes out: what stands in a record, without its frame.
void check_event(std::string_view text) {
  LoggedRun run;
  EventReader events(run);
  events.take(text);
  check_run(run);
}
void check_wandb_record(std::string_view text) {
  LoggedRun run;
  take_wandb_record(text, run);
  check_run(run);
}
void check_records(std::string_view text) {
  check_file(text, {"tensorboard", "wandb"});
}
void check_npz(std::string_view text) {
  check_file(text, {"histogram_npz"});
}

constexpr std::array checks{check_log,          check_json,    check_csv, check_event,
                            check_wandb_record, check_records, check_npz};

}  // namespace

// The first byte says which reader the rest is for.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  checks[data[0] % checks.size()]({reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
