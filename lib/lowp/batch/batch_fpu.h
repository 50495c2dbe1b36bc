// SPDX-License-Identifier: Apache-2.0
// A floating-point environment of our own for the length of a scope, whatever a library has set.
#pragma once

#include <cstdint>

#if defined(__SSE2__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace lowp {

// Where the processor's own additions round to. The values are those of the field in MXCSR.
enum class FpuRounding : std::uint8_t { nearest_even, down, up, toward_zero };

// This rounding, no traps, no flush-to-zero, no denormals-are-zero; on leaving all is put back, flags too. Code between
// must sit behind a call the compiler cannot see through, since it does not know that arithmetic depends on this.
class FpuScope {
 public:
  FpuScope(const FpuScope&) = delete;
  FpuScope& operator=(const FpuScope&) = delete;
#if defined(__SSE2__)
  explicit FpuScope(FpuRounding rounding) : saved_(_mm_getcsr()) {
    _mm_setcsr(0x1f80U | static_cast<unsigned>(rounding) << 13);
  }
  ~FpuScope() { _mm_setcsr(saved_); }

 private:
  unsigned saved_;
#else
  explicit FpuScope(FpuRounding rounding) {
    constexpr int modes[] = {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO};
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
    std::fesetround(modes[static_cast<int>(rounding)]);
  }
  ~FpuScope() { std::fesetenv(&saved_); }

 private:
  std::fenv_t saved_;
#endif
};

}  // namespace lowp
