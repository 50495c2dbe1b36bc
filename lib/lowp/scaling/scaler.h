// SPDX-License-Identifier: Apache-2.0
// THE TABLE of loss scalers: one row per framework. A scaler is frozen settings, a plain state and two pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lowp::scaling {

// What the constructors of all frameworks can set. A row uses what its `parameters` name; NaN is Python's None.
struct Settings {
  double init = 0;          // first scale
  double growth = 2;        // factor up
  double backoff = 0.5;     // factor down, where it is not the reciprocal of `growth`
  double interval = 0;      // clean steps to a growth
  double hysteresis = 1;    // overflows to a backoff
  double floor = 0;         // smallest scale
  double ceiling = 0;       // largest scale
  double tolerance = 0;     // fairseq: share of overflows that lowers the scale
  double threshold = 0;     // fairseq: lower bound of a backoff; PopART: share above the edge
  double consecutive = 0;   // DeepSpeed: 1 if each clean step refills the hysteresis
  double raises = 0;        // DeepSpeed: 1 if a backoff at the floor ends the run
  double dynamic = 1;       // 0: the scale never changes
  double eager = 0;         // JMP: 1 if the state does not pass through jit
  double bits = 32;         // JMP: width of the scale's type, 16 or 32
  double amp_interval = 0;  // fairseq AMP: the interval, if `interval` is given at all
  double log_max = 0, beta1 = 0, beta2 = 0, deviations = 0;  // OpenSeq2Seq LogMax
  double edge = 0;                                           // PopART: magnitude between the two bins
  double ranks = 1;                                          // MS-AMP
};

// All that a scaler remembers. `scale` is the exact value in the type the framework keeps; a row uses what its
// `counters` name.
struct State {
  double scale = 0;
  std::int64_t clean = 0;  // steps since the last overflow or growth
  std::int64_t hysteresis = 0;
  std::int64_t iteration = 0;
  std::int64_t last_overflow = 0, last_rescale = 0;                 // iterations
  std::int64_t overflows = 0;                                       // since the last rescale
  std::int64_t bad = 0;                                             // overflows in a row
  std::int64_t applied = 0;                                         // optimizer steps taken
  float mean = 0, slow_mean = 0, square = 0, fade1 = 1, fade2 = 1;  // OpenSeq2Seq LogMax

  friend bool operator==(const State&, const State&) = default;
};

// What a step looks like at the scale in force.
struct Facts {
  double largest = 0;     // magnitude of the unscaled gradients; NaN or Inf if one of them is
  bool overflow = false;  // a scaled gradient is NaN, Inf or at least 65520
  double above_edge = 0;  // share of scaled gradients above `Settings::edge`
};

// The framework ended the run in this step: no step is taken, `next` is what it leaves behind.
struct Advance {
  State next;
  bool raised = false;
};

struct Decision {
  bool skip = false;
  double scale = 0;  // in force
};

// Words of the frameworks for fields of Settings and State.
struct Parameter {
  std::string_view name;  // as in the constructor: "growth_interval"
  double Settings::* field;
  double initial;
};
struct Preset {  // a flag in place of arguments: "mixin_defaults"
  std::string_view name;
  std::span<const Parameter> values;
};
enum class Saved : std::uint8_t { yes, no, one };  // by a checkpoint; `one`: comes back as 1, whatever it was
struct Counter {
  std::string_view name;        // as in the state dict, without leading underscores
  std::int64_t State::* whole;  // one of the two
  float State::* real = nullptr;
  Saved saved = Saved::yes;
};

enum class Unscaled : std::uint8_t {
  by_the_scale_used,   // what the optimizer gets is the true gradient
  by_the_next_scale,   // wrong by the growth factor on steps that grow
  twice,               // divided by the scale twice
  not_after_overflow,  // still scaled on the step after an overflow
};
enum class Schedule : std::uint8_t {  // a learning-rate schedule on skipped steps
  callers,                            // advances if the training loop calls it on every step, as most do
  waits,                              // does not advance
  advances,
};

struct Scaler {
  std::string_view name;          // "torch"
  std::string_view vectors = {};  // its name in trajectory files; empty: from source, not run
  std::string_view what;          // "PyTorch torch.amp.GradScaler"
  std::string_view source;        // version or commit, file, function
  std::string_view arithmetic;
  std::string_view rule;
  std::string_view tested;                // what must be finite
  std::string_view resume;                // what a checkpoint loses
  std::string_view caution = {};          // defects a replay cannot show as a scale
  std::span<const Parameter> parameters;  // the first scale, then the interval where there is one, then the others
  std::span<const Counter> counters = {};
  State (*start)(const Settings&);
  Advance (*advance)(const Settings&, const State&, const Facts&);
  std::span<const Preset> presets = {};
  std::string_view raise_type = {}, raise_message = {};  // of the exception; the message as far as it is fixed
  Unscaled unscaled = Unscaled::by_the_scale_used;
  Schedule schedule = Schedule::callers;
  bool skips = true;           // false: a step with an overflow is taken
  bool asks_edge = false;      // needs Facts::above_edge
  bool informational = false;  // its vectors are compared and printed, never judged
  double tolerance = 0;        // relative, of recorded scales; 0: bit-equal
};

std::span<const Scaler> scalers();
const Scaler* find_scaler(std::string_view name);         // by `name` or `vectors`; nullptr if unknown
const Scaler* find_by_vectors(std::string_view vectors);  // by `vectors` alone

Settings defaults_of(const Scaler& scaler);
const Parameter* find_parameter(const Scaler& scaler, std::string_view name);
const Parameter& init_parameter(const Scaler& scaler);
const Parameter* interval_parameter(const Scaler& scaler);  // nullptr: the scale never grows by counting

State start(const Scaler& scaler, const Settings& settings);
Decision decide(const Scaler& scaler, const State& state, const Facts& facts);
// The state after the step that decide() looked at. Total: any settings and facts have an answer.
Advance advance(const Scaler& scaler, const Settings& settings, const State& state, const Facts& facts);
// The state after saving and loading a checkpoint: what is not in the state dict is as at the start.
State resumed(const Scaler& scaler, const Settings& settings, const State& state);

// Whether a step with this largest unscaled magnitude overflows FP16 at `scale`: not (|fl64(scale * largest)| < 65520).
bool overflows(double scale, double largest);

}  // namespace lowp::scaling
