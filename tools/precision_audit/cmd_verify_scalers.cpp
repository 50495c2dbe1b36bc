// SPDX-License-Identifier: Apache-2.0
// precision-audit verify scalers --vectors DIR: recorded trajectories of real loss scalers against the table.
#include "arguments.h"
#include "commands.h"
#include "lowp/scaling/trajectory_report.h"

namespace lowp::tool {
namespace {

struct ScalerVectorsTask final : Task {
  std::string folder;

  explicit ScalerVectorsTask(Options& o) {
    o.value({.name = "--vectors",
             .value = "DIR",
             .help = "folder with *.json of the format scaler-trajectories/1 and their inputs.json",
             .required = true},
            folder, any_text)
        .is_file = true;
    o.footer() = "Exit codes: 0 fine, 1 a mismatch or an unknown scaler, 2 usage, 3 input.";
  }

  Result<Answer> run(Job&) override {
    const auto read = scaling::read_trajectories(folder);
    if (!read) return read.error();
    std::vector<scaling::CheckedFile> checked;
    for (const scaling::TrajectoryFile& file : read->files) {
      checked.push_back(scaling::check_trajectories(file, read->inputs));
    }
    return Answer{scaling::trajectory_report(checked, read->others), scaling::has_finding(checked)};
  }
};

}  // namespace

std::unique_ptr<Task> make_verify_scalers(Options& options) {
  return std::make_unique<ScalerVectorsTask>(options);
}

}  // namespace lowp::tool
