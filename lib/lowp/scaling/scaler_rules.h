// SPDX-License-Identifier: Apache-2.0
// The rules behind the rows of scaler.h, in each framework's own types and order of products.
#pragma once

#include "lowp/scaling/scaler.h"

namespace lowp::scaling {

// First states. The scale is rounded to the type the framework keeps it in.
State start_fp32(const Settings& settings);
State start_double(const Settings& settings);
State start_jmp(const Settings& settings);         // FP16 or FP32
State start_countdown(const Settings& settings);   // FP32, hysteresis full
State start_apex_amp(const Settings& settings);    // at most the ceiling
State start_iterations(const Settings& settings);  // double; iterations from 0, none bad before
State start_deepspeed(const Settings& settings);   // the same, hysteresis full
State start_backoff(const Settings& settings);     // FP32; the same
State start_manager(const Settings& settings);     // double; iterations from 1
State start_cell(const Settings& settings);        // FP32; iterations from 1
State start_logmax(const Settings& settings);
State start_msamp(const Settings& settings);

// What the frameworks do after a step.
Advance after_torch(const Settings& p, const State& s, const Facts& f);
Advance after_sharded_cpu(const Settings& p, const State& s, const Facts& f);
Advance after_fairseq_amp(const Settings& p, const State& s, const Facts& f);
Advance after_nemo(const Settings& p, const State& s, const Facts& f);
Advance after_apex_fused(const Settings& p, const State& s, const Facts& f);
Advance after_megatron(const Settings& p, const State& s, const Facts& f);
Advance after_colossalai(const Settings& p, const State& s, const Facts& f);
Advance after_paddle(const Settings& p, const State& s, const Facts& f);
Advance after_paddle_op(const Settings& p, const State& s, const Facts& f);
Advance after_tf_keras(const Settings& p, const State& s, const Facts& f);
Advance after_tf1(const Settings& p, const State& s, const Facts& f);
Advance after_keras(const Settings& p, const State& s, const Facts& f);
Advance after_jmp(const Settings& p, const State& s, const Facts& f);
Advance after_flax(const Settings& p, const State& s, const Facts& f);
Advance after_mindspore_amp(const Settings& p, const State& s, const Facts& f);
Advance after_mindspore_cell(const Settings& p, const State& s, const Facts& f);
Advance after_mindspore_manager(const Settings& p, const State& s, const Facts& f);
Advance after_apex_amp(const Settings& p, const State& s, const Facts& f);
Advance after_fp16_utils(const Settings& p, const State& s, const Facts& f);
Advance after_deepspeed(const Settings& p, const State& s, const Facts& f);
Advance after_deepspeed_optimizer(const Settings& p, const State& s, const Facts& f);
Advance after_fairseq(const Settings& p, const State& s, const Facts& f);
Advance after_fairscale(const Settings& p, const State& s, const Facts& f);
Advance after_backoff(const Settings& p, const State& s, const Facts& f);
Advance after_logmax(const Settings& p, const State& s, const Facts& f);
Advance after_popart(const Settings& p, const State& s, const Facts& f);
Advance after_nothing(const Settings& p, const State& s, const Facts& f);

}  // namespace lowp::scaling
