// SPDX-License-Identifier: Apache-2.0
// Memory and threads that the system may not give.
#pragma once

namespace lowp {

// How many of `wanted` threads can run at the same time here: at least the calling one, fewer than wanted where the
// system gives no more (limits on processes, address space, pids of a container). Tries it.
int threads_to_be_had(int wanted);

// Ends the program in one line and with that exit code, in place of abort(), where memory or threads run out in a place
// that cannot say so otherwise: a thread of the pool. To be called once, first.
void end_in_words_without_resources(const char* program, int exit_code);

}  // namespace lowp
