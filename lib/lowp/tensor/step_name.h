// SPDX-License-Identifier: Apache-2.0
// What file names say about order: the step in a name, and names as people sort them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lowp {

// The step in a file's name, its extension left out: the last digits that follow "step", "iter" or "epoch" (one of "-_.
// =" may stand between); else the last that belong to no format's name (bf16, e4m3) and number no rank, shard or part;
// else those that follow such a word in the names of the two directories above. Nothing if there are none.
std::optional<std::int64_t> step_of_name(std::string_view path);

// One file of several that are one dump: "model-00002-of-00004.safetensors".
struct ShardName {
  std::string family;  // "model-*-of-00004.safetensors", with the directories
  std::uint64_t number = 0, count = 0;
};
std::optional<ShardName> shard_of_name(std::string_view path);

// Whether `a` comes before `b` with runs of digits compared as numbers: "step9" before "step10".
bool natural_less(std::string_view a, std::string_view b);

}  // namespace lowp
