// SPDX-License-Identifier: Apache-2.0
// Checks of our own mistakes that are made once per call: they stay on in release builds.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace lowp {

// Ends the program with the place of the call where `holds` is false. Bad input is never a reason: that is a Result.
inline void contract(bool holds, const char* what, std::source_location at = std::source_location::current()) {
  if (holds) return;
  std::fprintf(stderr, "%s:%u: %s\n", at.file_name(), static_cast<unsigned>(at.line()), what);
  std::abort();
}

}  // namespace lowp
