// SPDX-License-Identifier: Apache-2.0
// The floating-point environment of a new thread for the length of a scope, whatever a library has set.
#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace lowp {

// Nearest even, no traps, no flush-to-zero, no denormals-are-zero; flags are put back too. Code between must sit behind
// a call the compiler cannot see through, since it does not know that arithmetic depends on this.
class DefaultFpu {
 public:
  DefaultFpu(const DefaultFpu&) = delete;
  DefaultFpu& operator=(const DefaultFpu&) = delete;
#if defined(__SSE2__)
  DefaultFpu() : saved_(_mm_getcsr()) { _mm_setcsr(0x1f80); }
  ~DefaultFpu() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#else
  DefaultFpu() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFpu() { std::fesetenv(&saved_); }

 private:
  std::fenv_t saved_;
#endif
};

}  // namespace lowp
