// SPDX-License-Identifier: Apache-2.0
// A command asked and answered, wherever the words come from and wherever the answer goes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frame.h"
#include "standard_options.h"

namespace lowp::tool {

// What an answer needs stays beside it: rows made late refer to the task and to the job.
struct Asked {
  Declared declared;
  Job job;
  Answer answer;
  std::vector<std::string> doubts;  // what reading the dump showed, as printable lines
};

// Gives every word to its option and checks the values together. `has_dump`: the dump, or the pair of dumps, is there
// already, so that no PATH is asked for. What is wrong with the words; nothing either where help was asked for.
std::optional<Error> take_words(const Command& command, const std::vector<std::string>& words, bool has_dump,
                                const Declared& declared);

// The files of a job, of both dumps where it is a pair.
std::vector<const Input*> inputs_of(const Job& job);

// Opens the PATHs, if there are any; the other means of the job.
Result<Done> open_job(const Uses& uses, Asked& asked);

// Runs the task, then looks whether its files have changed meanwhile, and says in the report of what it was made.
Result<Done> answer_job(Asked& asked);

// What --report writes; `path` is how the command was called.
std::string page_of(const Asked& asked, std::string_view path);

}  // namespace lowp::tool
