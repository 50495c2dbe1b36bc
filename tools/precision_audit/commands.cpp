// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

namespace lowp::tool {
namespace {

constexpr Command command_rows[] = {
    {.name = "audit",
     .what = "what each format loses at each loss scale, and which scale to start with (the default)",
     .run = cmd_audit},
    {.name = "cast", .what = "what one number becomes in a format, bit by bit, and why", .run = cmd_cast},
    {.name = "formats", .what = "what each number format can hold", .make = make_formats},
    {.name = "accumulate",
     .what = "what sums, dot products and weight updates lose, and in which format",
     .run = run_accumulate_command},
    {.name = "verify",
     .what = "the emulation against exact arithmetic and recorded hardware results",
     .run = run_verify_command},
};

}  // namespace

std::span<const Command> commands() {
  return command_rows;
}

const Command* find_command(std::span<const Command> among, std::string_view name) {
  for (const Command& row : among) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace lowp::tool
