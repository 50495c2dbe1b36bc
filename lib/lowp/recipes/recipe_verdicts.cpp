// SPDX-License-Identifier: Apache-2.0
// Answers in words to what users ask about FP8 and FP4, each from the counts of the recipes it needs.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "lowp/recipes/recipe_report.h"
#include "lowp/recipes/recipe_words.h"

namespace lowp::recipes {
namespace {

// Of one recipe over the tensors of some kinds.
struct Totals {
  const Recipe* recipe = nullptr;
  RecipeCounts counts;

  std::string flushed() const { return percent_text(counts.flushed, counts.nonzero()); }
  std::string saturated() const { return percent_text(counts.saturated_beyond_half, counts.nonzero()); }
  // sqrt(sum of squared errors / sum of squares)
  double relative_error() const {
    const double signal = counts.signal.to_double();
    return signal > 0 ? std::sqrt(counts.error.to_double() / signal) : 0;
  }
};

using KindFilter = bool (*)(TensorKind);
bool any_kind(TensorKind) {
  return true;
}
bool is_gradient(TensorKind kind) {
  return kind == TensorKind::weight_gradient || kind == TensorKind::activation_gradient;
}

// Nothing if the recipe was not asked for, or no such tensor has a value that is not zero.
std::optional<Totals> totals(const RecipeAudit& audit, std::string_view name, KindFilter filter = any_kind) {
  const auto found = std::ranges::find(audit.recipes, name, [](const Recipe* r) { return std::string_view(r->name); });
  if (found == audit.recipes.end()) return {};
  Totals result{*found, {}};
  const auto index = static_cast<std::size_t>(found - audit.recipes.begin());
  for (const TensorOutcome& tensor : audit.tensors) {
    if (filter(kind_of(tensor.name))) result.counts.merge(tensor.recipes[index].counts);
  }
  if (result.counts.nonzero() == 0) return {};
  return result;
}

// The least flushed recipe of a width; ties go to the better ratio of signal to noise.
std::optional<Totals> best_of_width(const RecipeAudit& audit, int width) {
  std::optional<Totals> best;
  for (const Recipe* recipe : audit.recipes) {
    if (recipe->element.width != width) continue;
    auto here = totals(audit, recipe->name);
    if (!here) continue;
    const bool better =
        !best || here->counts.flushed < best->counts.flushed ||
        (here->counts.flushed == best->counts.flushed && here->relative_error() < best->relative_error());
    if (better) best = std::move(here);
  }
  return best;
}

std::string least_lost(const RecipeAudit& audit) {
  std::string text;
  for (const int width : {8, 6, 4}) {
    const auto best = best_of_width(audit, width);
    if (!best) continue;
    text += fmt::format("{} {} bits {} loses least: {} of the values that are not zero",
                        text.empty() ? "With" : "; with", width, best->recipe->name, best->flushed());
  }
  return text.empty() ? text : text + ".";
}

std::string power_of_two_cost(const RecipeAudit& audit) {
  const auto fp32 = totals(audit, "fp8-block-1x128-te-e4m3"), pow2 = totals(audit, "fp8-block-1x128-pow2-te-e4m3");
  if (!fp32 || !pow2) return {};
  return fmt::format(
      "Power-of-two scales in blocks of 1x128: the error is {:.2f} % of the values, with FP32 scales {:.2f} "
      "%; flushed {} and {}.",
      100 * pow2->relative_error(), 100 * fp32->relative_error(), pow2->flushed(), fp32->flushed());
}

std::string gradient_format(const RecipeAudit& audit) {
  struct Pair {
    std::string_view e4m3, e5m2, what;
  };
  constexpr std::array pairs{Pair{"mx-rceil-te-e4m3", "mx-rceil-te-e5m2", "MXFP8"},
                             Pair{"fp8-block-1x128-te-e4m3", "fp8-block-1x128-te-e5m2", "blocks of 1x128"},
                             Pair{"fp8-current-te-e4m3", "fp8-current-te-e5m2", "one scale per tensor"}};
  std::string text;
  for (const Pair& pair : pairs) {
    const auto e4m3 = totals(audit, pair.e4m3, is_gradient), e5m2 = totals(audit, pair.e5m2, is_gradient);
    if (!e4m3 || !e5m2) continue;
    text +=
        fmt::format("{} {}: E4M3 flushes {} at {}, E5M2 {} at {}", text.empty() ? "Gradients in" : "; in", pair.what,
                    e4m3->flushed(), decibels(e4m3->counts.snr_db()), e5m2->flushed(), decibels(e5m2->counts.snr_db()));
  }
  return text.empty() ? text : text + ".";
}

std::string scale_rounding(const RecipeAudit& audit) {
  struct Mode {
    std::string_view recipe, what;
  };
  constexpr std::array modes{Mode{"mx-floor-torchao-e4m3", "floor"}, Mode{"mx-even-torchao-e4m3", "even"},
                             Mode{"mx-rceil-te-e4m3", "rceil"}};
  std::string text;
  int count = 0;
  for (const Mode& mode : modes) {
    const auto here = totals(audit, mode.recipe);
    if (!here) continue;
    ++count;
    text += fmt::format("{}{} saturates {} and flushes {} ({})", text.empty() ? "" : ", ", mode.what, here->saturated(),
                        here->flushed(), decibels(here->counts.snr_db()));
  }
  return count < 2 ? std::string() : "MXFP8 scales by rounding of log2: " + text + ".";
}

// The tensor of which the recipe flushes the largest share.
std::string worst_of(const RecipeAudit& audit, const Recipe* recipe) {
  const auto index = static_cast<std::size_t>(std::ranges::find(audit.recipes, recipe) - audit.recipes.begin());
  const TensorOutcome* worst = nullptr;
  double most = 0;
  for (const TensorOutcome& tensor : audit.tensors) {
    const RecipeCounts& c = tensor.recipes[index].counts;
    const double share = c.nonzero() == 0 ? 0 : static_cast<double>(c.flushed) / static_cast<double>(c.nonzero());
    if (share <= most) continue;
    most = share;
    worst = &tensor;
  }
  if (worst == nullptr) return {};
  const RecipeCounts& c = worst->recipes[index].counts;
  return fmt::format("{} of {}", percent_text(c.flushed, c.nonzero()), worst->name);
}

std::string first_step(const RecipeAudit& audit) {
  const auto here = totals(audit, "fp8-delayed-first-step-e5m2", is_gradient);
  if (!here) return {};
  const std::string worst = worst_of(audit, here->recipe);
  return fmt::format("Delayed scaling starts at a scale of 1: in the first step E5M2 flushes {} of the gradients{}.",
                     here->flushed(), worst.empty() ? "" : fmt::format(" ({})", worst));
}

std::string zero_blocks(const RecipeAudit& audit) {
  std::uint64_t zeros = 0, tiny = 0, dead = 0;
  std::string first_dead;
  for (const TensorOutcome& tensor : audit.tensors) {
    zeros += tensor.blocks_of_zeros;
    tiny += tensor.tiny_blocks;
    if (tensor.largest.kept == 0) {
      if (dead++ == 0) first_dead = tensor.name;
    }
  }
  if (zeros + tiny + dead == 0) return {};
  std::string text = fmt::format(
      "{} of 1x32 {} only zeros: JAX on a CPU turns {} into NaN, mlx stores byte 127, "
      "auto-round the scale of 2.",
      counted(zeros, "block", "blocks"), zeros == 1 ? "has" : "have", zeros == 1 ? "it" : "them");
  if (tiny != 0) {
    text += fmt::format(" {} below 1e-12: FP8 scales of torchao stop growing there.",
                        counted(tiny, "block is", "blocks are"));
  }
  if (dead != 0) {
    text += fmt::format(" {} zero altogether (first {}): torchao and modelopt write NaN scales in NVFP4.",
                        counted(dead, "tensor is", "tensors are"), first_dead);
  }
  return text;
}

std::string lost_scales(const RecipeAudit& audit) {
  const auto here = totals(audit, "nvfp4-te");
  if (!here) return {};
  const RecipeCounts& c = here->counts;
  const std::uint64_t by_codes = c.zero_codes < c.zero_in ? 0 : c.zero_codes - c.zero_in;
  std::string text =
      fmt::format("NVFP4 as Transformer Engine writes it flushes {} of the values that are not zero", here->flushed());
  const std::string worst = worst_of(audit, here->recipe);
  if (!worst.empty()) text += fmt::format(" (worst: {})", worst);
  if (c.in_zero_blocks != 0) {
    text += fmt::format("; {} of them lie in {} whose scale is 0, which a count of codes does not see (it says {})",
                        grouped(c.in_zero_blocks), counted(c.lost_blocks, "block", "blocks"),
                        percent_text(by_codes, c.nonzero()));
  }
  return text + ".";
}

std::string without_tensor_scale(const RecipeAudit& audit) {
  const auto one = totals(audit, "nvfp4-torchao-1level"), two = totals(audit, "nvfp4-te");
  if (!one) return {};
  std::string text = fmt::format("NVFP4 without a tensor scale flushes {}", one->flushed());
  if (two) text += fmt::format(", with one {}", two->flushed());
  return text + ": its smallest block scale is 2^-6.";
}

std::string rotation(const RecipeAudit& audit) {
  const auto plain = totals(audit, "nvfp4-te"), rotated = totals(audit, "nvfp4-te-rht");
  if (!plain || !rotated) return {};
  return fmt::format("The Hadamard transform of columns changes NVFP4's error from {:.1f} % to {:.1f} % of the values.",
                     100 * plain->relative_error(), 100 * rotated->relative_error());
}

std::string square_blocks(const RecipeAudit& audit) {
  const auto line = totals(audit, "nvfp4-te"), square = totals(audit, "nvfp4-te-2d");
  if (!line || !square) return {};
  return fmt::format("NVFP4 in squares of 16x16, as weights have it, flushes {} where 1x16 flushes {} ({} and {}).",
                     square->flushed(), line->flushed(), decibels(square->counts.snr_db()),
                     decibels(line->counts.snr_db()));
}

}  // namespace

std::vector<std::string> recipe_verdicts(const RecipeAudit& audit) {
  std::vector<std::string> all;
  for (const auto verdict : {least_lost, gradient_format, power_of_two_cost, scale_rounding, first_step, lost_scales,
                             square_blocks, rotation, without_tensor_scale, zero_blocks}) {
    if (std::string text = verdict(audit); !text.empty()) all.push_back(std::move(text));
  }
  for (std::string& text : all) {
    if (text.starts_with(' ')) text.erase(0, 1);
  }
  return all;
}

}  // namespace lowp::recipes
