// SPDX-License-Identifier: Apache-2.0
// What counts as acceptable, with the trainings that its constants come from.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "lowp/core/format.h"

namespace lowp {

// Which criteria decide the lower end of the window.
struct Criteria {
  std::string_view name, what;
  bool precision, range;
};
inline constexpr std::array criteria_table{
    Criteria{"default", "every tensor keeps its signal to noise; range where only counts are known", true, false},
    Criteria{"precision", "every tensor keeps its signal to noise", true, false},
    Criteria{"range", "hardly a weight gradient vanishes: for optimizers that divide by each coordinate's size", false,
             true},
    Criteria{"both", "precision and range", true, true},
};

// Constants from FP16 trainings of six problems, each against FP32 with three seeds (data/truth/README.md):
// - min_snr_db 40: words trained well with a worst tensor of 40 dB and badly with 32, contrast badly with 30 to 33.
//   No run with every tensor at 40 dB or more trained badly, whichever of the six is left out.
// - bits_below_ceiling 1: a format of few bits has less than 40 dB at best (E4M3 31.5, E5M2 25.5); a U-Net in E4M3
//   trained well with its worst tensor at 20 to 32 dB and badly at 14. One bit, 6 dB, below the ceiling is on the safe
//   side of both.
// - max_flushed 0.01: contrast trained badly with 3 % of the non-zero weight gradients lost, denoise with 4 %, words
//   with 15 %; words trained well with 4 %, vae with 8 %. 1 % is below every bad run.
// - min_headroom 3: after the first step the largest gradient rose by at most 1.1 binades in eleven of fifteen
//   problems, by 1.7, 2.6 and 2.7 in three (diabetes is one); the last, 10.3, overflows in the forward pass. So by less
//   than 3 in fourteen.
// - max_headroom 6: beyond it the scale costs more gradients than the rise is likely to.
// - ruin_snr_db 15: the U-Net whose worst tensor fell below it did not train well in any seed.
struct Policy {
  const Criteria* criteria = &criteria_table[0];
  double min_snr_db = 40;
  int bits_below_ceiling = 1;
  double ruin_snr_db = 15;
  double max_flushed = 0.01;  // share of the non-zero weight gradients that may vanish beyond what any scale loses
  int min_headroom = 3;       // binades kept free below overflow by a static scale
  int max_headroom = 6;
  int dynamic_headroom = 1;  // of an init_scale: one binade too high costs a skipped step, too low costs gradients
  std::optional<Format> loss_format;  // of the loss, where the user says it: --loss-dtype

  // The signal-to-noise ratio that every tensor should keep in a format with `fraction_bits`.
  double floor_db(int fraction_bits) const;
};

// The signal-to-noise ratio in dB that rounding to nearest leaves of normally distributed values where a format's range
// is no matter: 73.7 for FP16, 31.5 for E4M3, 25.5 for E5M2.
double ceiling_db(int fraction_bits);

}  // namespace lowp
