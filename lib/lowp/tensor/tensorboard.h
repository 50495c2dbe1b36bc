// SPDX-License-Identifier: Apache-2.0
// TensorBoard event files: histograms of both kinds and scalars.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/file.h"
#include "lowp/tensor/logged.h"

namespace lowp {

// Everything that one event file holds of histograms and scalars. A later value of the same name and step replaces an
// earlier one, as after a restart. Files that end inside a record, damaged records and values that cannot be read are
// noted. Errors: not an event file, failures to read.
// Source: tensorboard's event.proto and summary.proto, record framing of TensorFlow's RecordWriter.
Result<LoggedRun> read_tensorboard(const File& file);

// The records of such a file, one after the other.
class EventReader {
 public:
  explicit EventReader(LoggedRun& run);
  ~EventReader();
  // False where the record is no event.
  bool take(std::string_view record);
  std::vector<std::string> notes() const;  // what was left out

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lowp
