// SPDX-License-Identifier: Apache-2.0
// Any bytes as a text log and through every reader of logged runs: an Error or values that keep their contract.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
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

// The checksums of records keep most bytes out: the same bytes behind a good frame as well.
void check_file(const std::string& path) {
  const auto file = File::open(path);
  if (!file) return;
  for (const LoggedReader& reader : logged_readers()) {
    reader.recognises(*file);
    const auto run = reader.read(*file);
    if (run) {
      check_run(*run);
    } else {
      require(run.error().message() == printable(run.error().message()), "printable messages");
    }
  }
}

void check_bytes(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("fuzz", MFD_CLOEXEC);
  require(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size), "memory for the file");
  check_file("/proc/self/fd/" + std::to_string(fd));
  ::close(fd);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto sections = parse_log(text, "log", {})) check_sections(*sections);
  std::istringstream json(text), csv(text);
  if (const auto run = parse_histogram_json(json, "json")) check_run(*run);
  if (const auto run = parse_histogram_csv(csv, "csv")) check_run(*run);
  LoggedRun run;
  EventReader events(run);
  events.take(text);
  check_run(run);
  LoggedRun history;
  take_wandb_record(text, history);
  check_run(history);
  check_bytes(data, size);
  return 0;
}
