// SPDX-License-Identifier: Apache-2.0
// Files that are parts of one dump, with an index or without.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lowp/tensor/step_series.h"

namespace lowp {

// Whether a name that a file gives is a plain one in the same directory: nothing that could lead elsewhere.
bool is_base_name(std::string_view name);

// Takes the tensors of `part` into `whole`; a name that is there already gets a number (#2). With its bytes, files,
// codes and notes.
void take_part(Input& whole, Input part);

// Makes one input of those that are NAME-00001-of-00003 and its like in one directory, and notes which are missing.
void join_shards(std::vector<Input>& inputs);

}  // namespace lowp
