// SPDX-License-Identifier: Apache-2.0
#include "lowp/base/resources.h"

#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <latch>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

namespace lowp {
namespace {

constexpr std::size_t stack_bytes = std::size_t{4} << 20;            // of a thread of TBB
constexpr std::uint64_t bytes_per_thread = std::uint64_t{48} << 20;  // stack, tables and buffers of one
constexpr std::uint64_t bytes_beside = std::uint64_t{160} << 20;     // program, headers, results

void* wait_for(void* latch) {
  static_cast<std::latch*>(latch)->wait();
  return nullptr;
}

// Where the address space is limited, threads also need room in it, and the arenas of the allocator must not eat it.
int threads_in_memory(int wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return wanted;
  ::mallopt(M_ARENA_MAX, 1);
  const std::uint64_t room = limit.rlim_cur > bytes_beside ? limit.rlim_cur - bytes_beside : 0;
  return static_cast<int>(std::clamp<std::uint64_t>(room / bytes_per_thread, 1, static_cast<std::uint64_t>(wanted)));
}

const char* name_of_program = "";
int code_at_end = 3;

void say(const char* text) {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
}
[[noreturn]] void end_in_words() {
  const char* lacking = nullptr;
  try {
    if (const auto error = std::current_exception()) std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    lacking = "out of memory";
  } catch (const std::runtime_error& error) {
    if (std::strstr(error.what(), "pthread") != nullptr) lacking = "no more threads to be had";
  } catch (...) {
  }
  if (lacking == nullptr) std::abort();
  say(name_of_program);
  say(": ");
  say(lacking);
  say(" (fewer --threads need less)\n");
  ::_exit(code_at_end);
}

}  // namespace

int threads_to_be_had(int wanted) {
  const int most = threads_in_memory(wanted);
  std::latch done(1);
  std::vector<pthread_t> threads;
  threads.reserve(static_cast<std::size_t>(most));
  pthread_attr_t attributes;
  if (::pthread_attr_init(&attributes) != 0) return 1;
  ::pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_t thread{};
  while (static_cast<int>(threads.size()) + 1 < most && ::pthread_create(&thread, &attributes, wait_for, &done) == 0) {
    threads.push_back(thread);
  }
  done.count_down();
  for (const pthread_t each : threads) ::pthread_join(each, nullptr);
  ::pthread_attr_destroy(&attributes);
  return static_cast<int>(threads.size()) + 1;
}

void end_in_words_without_resources(const char* program, int exit_code) {
  name_of_program = program;
  code_at_end = exit_code;
  std::set_terminate(end_in_words);
}

}  // namespace lowp
