// SPDX-License-Identifier: Apache-2.0
// Histograms in JSON: as np.histogram gives them, as W&B logs and exports them.
#pragma once

#include <cstddef>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/file.h"
#include "lowp/tensor/logged.h"

namespace lowp {

// Whether a list under this key holds counts, or edges.
bool names_counts(std::string_view key);
bool names_edges(std::string_view key);

// Any object, however deep, with a list of counts ("counts", "hist", "values", ...) and one of edges ("edges",
// "bin_edges", "bins") is a histogram; its name is the path of keys to it, its step the nearest "step" or "_step"
// around it. "min", "max" and "number" beside them are taken as they are. W&B's equal bins were counted in float32:
// their edges get that slack, and their ends are the extremes. One document or one per line; a last line that is cut
// off is noted.
Result<LoggedRun> read_histogram_json(const File& file);
// The same from a stream; `name` is the file in errors.
Result<LoggedRun> parse_histogram_json(std::istream& in, const std::string& name);

}  // namespace lowp
