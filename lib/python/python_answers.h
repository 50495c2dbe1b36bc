// SPDX-License-Identifier: Apache-2.0
// Commands asked from Python: the same words, the same report, the same writers as the program.
#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ask.h"

namespace lowp::python {

namespace nb = nanobind;

// A fault of files or data, as a Python exception of its own (precision_audit.InputError).
struct InputFault {
  Error error;
};
void throw_input(const Error& error);
// A fault of words: ValueError. "--max-flushed" is max_flushed here.
[[noreturn]] void throw_words(const Error& error);

// What a question is asked of: files that were opened, arrays or summaries in memory.
struct Series {
  StepSeries series;
};

// Runs a command on PATHs among its words, or on `series` where that is not null, and `other` where it wants a pair. GIL
// not held while it runs.
std::unique_ptr<tool::Asked> ask(const tool::Command& command, const std::vector<std::string>& words, const Series* series,
                                 const Series* other = nullptr);

void bind_answers(nb::module_& m);
void bind_summaries(nb::module_& m);

}  // namespace lowp::python
