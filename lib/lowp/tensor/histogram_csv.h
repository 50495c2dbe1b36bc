// SPDX-License-Identifier: Apache-2.0
// Histograms in CSV, and in npz.
#pragma once

#include <istream>
#include <string>

#include "lowp/tensor/file.h"
#include "lowp/tensor/logged.h"

namespace lowp {

// A header and one row per bin: left, right and count; or edge and count, with a last row that has an edge alone.
// Columns named "name" and "step" tell several histograms apart. A cell that holds a W&B histogram as JSON is one by
// itself, as in an exported history. Errors: no such columns, a cell that is no number, rows that do not make bins.
Result<LoggedRun> read_histogram_csv(const File& file);
Result<LoggedRun> parse_histogram_csv(std::istream& in, const std::string& name);

// Arrays of np.savez: NAME/counts with NAME/edges (or hist and bin_edges, with "/", "." or "_" between), counts and
// edges alone, or what np.savez(file, *np.histogram(x)) names arr_0 and arr_1. Integers and floating point.
Result<LoggedRun> read_histogram_npz(const std::shared_ptr<const File>& file);
// Whether every array of an archive is one half of such a pair.
bool is_histogram_npz(const std::shared_ptr<const File>& file);

}  // namespace lowp
