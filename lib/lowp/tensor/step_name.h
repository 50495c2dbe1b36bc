// SPDX-License-Identifier: Apache-2.0
// What file names say about order: the step in a name, and names as people sort them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace lowp {

// The step in a file's name (directories and extension left out), by the rule told at Input.
std::optional<std::int64_t> step_of_name(std::string_view path);

// Whether `a` comes before `b` with runs of digits compared as numbers: "step9" before "step10".
bool natural_less(std::string_view a, std::string_view b);

}  // namespace lowp
