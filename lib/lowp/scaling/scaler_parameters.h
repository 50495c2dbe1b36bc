// SPDX-License-Identifier: Apache-2.0
// What the rows of the table of scalers are made of: each framework's words for settings and counters.
#pragma once

#include <array>
#include <string_view>

#include "lowp/scaling/scaler.h"
#include "lowp/scaling/scaler_arithmetic.h"

namespace lowp::scaling::parameters {

using S = Settings;
using C = State;

// Words that several rows use.
inline constexpr std::string_view elements = "every element of the scaled gradients";
inline constexpr std::string_view nothing_lost = "nothing: scale, factors, interval and count are saved";
inline constexpr std::string_view only_callers = "what the caller does not save: there is no state dict";
inline constexpr std::string_view fp64_product = "FP32 scale, fl32(fl64(scale) * fl64(factor))";
inline constexpr std::string_view fp32_product = "FP32 scale, fl32(scale * fl32(factor))";
inline constexpr std::string_view python_number = "Python number (double), double products";
inline constexpr std::string_view torch_rule =
    "overflow: scale * backoff, count 0; clean: at the interval scale * growth unless that is Inf, count 0";

inline constexpr Parameter torch_parameters[] = {{"init_scale", &S::init, 65536},
                                                 {"growth_interval", &S::interval, 2000},
                                                 {"growth_factor", &S::growth, 2},
                                                 {"backoff_factor", &S::backoff, 0.5}};
inline constexpr Counter torch_counters[] = {{"growth_tracker", &C::clean}};
inline constexpr Counter accelerate_counters[] = {{"growth_tracker", &C::clean}, {"scheduler_last_epoch", &C::applied}};

inline constexpr Parameter hysteresis_parameters[] = {{"init_scale", &S::init, 65536},
                                                      {"growth_interval", &S::interval, 2000},
                                                      {"growth_factor", &S::growth, 2},
                                                      {"backoff_factor", &S::backoff, 0.5},
                                                      {"hysteresis", &S::hysteresis, 1}};
inline constexpr Counter nemo_counters[] = {{"growth_tracker", &C::clean},
                                            {"hysteresis_tracker", &C::hysteresis, nullptr, Saved::one}};
inline constexpr Counter tracker_counters[] = {{"growth_tracker", &C::clean}, {"hysteresis_tracker", &C::hysteresis}};

inline constexpr Parameter apex_amp_parameters[] = {{"init_scale", &S::init, 65536},
                                                    {"scale_window", &S::interval, 2000},
                                                    {"scale_factor", &S::growth, 2},
                                                    {"min_loss_scale", &S::floor, none},
                                                    {"max_loss_scale", &S::ceiling, 0x1p24}};
inline constexpr Counter apex_amp_counters[] = {{"unskipped", &C::clean}};
inline constexpr Parameter fp16_utils_parameters[] = {
    {"init_scale", &S::init, 0x1p32}, {"scale_window", &S::interval, 1000}, {"scale_factor", &S::growth, 2}};
inline constexpr Counter iteration_counters[] = {{"cur_iter", &C::iteration},
                                                 {"last_overflow_iter", &C::last_overflow}};

inline constexpr Parameter deepspeed_parameters[] = {{"init_scale", &S::init, 65536},
                                                     {"scale_window", &S::interval, 1000},
                                                     {"min_scale", &S::floor, 1},
                                                     {"delayed_shift", &S::hysteresis, 2},
                                                     {"consecutive_hysteresis", &S::consecutive, 0},
                                                     {"raise_error_at_min_scale", &S::raises, 1}};
inline constexpr Counter deepspeed_counters[] = {
    {"cur_iter", &C::iteration}, {"last_overflow_iter", &C::last_overflow}, {"cur_hysteresis", &C::hysteresis}};
inline constexpr Parameter deepspeed_optimizer_parameters[] = {
    {"init_scale", &S::init, 65536}, {"scale_window", &S::interval, 1000}, {"min_scale", &S::floor, 1}};
inline constexpr Parameter fused_values[] = {{"init_scale", &S::init, 0x1p32}, {"min_scale", &S::floor, 1}};
inline constexpr Parameter unfused_values[] = {{"init_scale", &S::init, 0x1p16}, {"min_scale", &S::floor, 0.25}};
inline constexpr Preset fused_presets[] = {{"bare", fused_values}};
inline constexpr Preset unfused_presets[] = {{"bare", unfused_values}};

inline constexpr Parameter megatron_parameters[] = {
    {"initial_scale", &S::init, 0x1p32}, {"growth_interval", &S::interval, 1000}, {"min_scale", &S::floor, 1},
    {"growth_factor", &S::growth, 2},    {"backoff_factor", &S::backoff, 0.5},    {"hysteresis", &S::hysteresis, 2}};
inline constexpr Parameter colossalai_parameters[] = {
    {"initial_scale", &S::init, 65536},   {"growth_interval", &S::interval, 1000}, {"growth_factor", &S::growth, 2},
    {"backoff_factor", &S::backoff, 0.5}, {"min_scale", &S::floor, none},          {"max_scale", &S::ceiling, none},
    {"hysteresis", &S::hysteresis, 2}};
inline constexpr Counter colossalai_counters[] = {{"growth_step", &C::clean, nullptr, Saved::no},
                                                  {"hysteresis_step", &C::hysteresis, nullptr, Saved::no}};
inline constexpr Parameter mixin_values[] = {{"min_scale", &S::floor, 1}, {"max_scale", &S::ceiling, 0x1p32}};
inline constexpr Preset colossalai_presets[] = {{"mixin_defaults", mixin_values}};

inline constexpr Parameter fairseq_parameters[] = {
    {"init_scale", &S::init, 0x1p15}, {"scale_window", &S::interval, 2000}, {"scale_factor", &S::growth, 2},
    {"tolerance", &S::tolerance, 0},  {"threshold", &S::threshold, none},   {"min_loss_scale", &S::floor, 1e-4}};
inline constexpr Counter fairseq_counters[] = {{"iter", &C::iteration, nullptr, Saved::no},
                                               {"last_overflow_iter", &C::last_overflow, nullptr, Saved::no},
                                               {"last_rescale_iter", &C::last_rescale, nullptr, Saved::no},
                                               {"overflows_since_rescale", &C::overflows, nullptr, Saved::no}};
inline constexpr Parameter trainer_values[] = {{"init_scale", &S::init, 0x1p7}, {"scale_window", &S::interval, 0x1p14}};
inline constexpr Preset fairseq_presets[] = {{"trainer_defaults", trainer_values}};
inline constexpr Parameter fairseq_amp_parameters[] = {{"fp16_init_scale", &S::init, 0x1p7},
                                                       {"amp_scale_window", &S::interval, none},
                                                       {"amp_init_scale", &S::amp_interval, 0x1p7},
                                                       {"min_loss_scale", &S::floor, 1e-4}};
inline constexpr Parameter fairscale_parameters[] = {
    {"scale", &S::init, 0x1p10},         {"growth_interval", &S::interval, 10000},
    {"growth_factor", &S::growth, 2},    {"backoff_factor", &S::backoff, 0.5},
    {"min_scale", &S::floor, fp32_tiny}, {"max_scale", &S::ceiling, fp32_max}};
inline constexpr Counter unsaved_tracker[] = {{"growth_tracker", &C::clean, nullptr, Saved::no}};

inline constexpr Parameter tf_keras_parameters[] = {{"initial_scale", &S::init, 0x1p15},
                                                    {"dynamic_growth_steps", &S::interval, 2000}};
inline constexpr Counter tf_keras_counters[] = {{"dynamic_counter", &C::clean}};
inline constexpr Parameter tf1_parameters[] = {
    {"initial_loss_scale", &S::init, 0x1p15}, {"increment_period", &S::interval, 2000}, {"multiplier", &S::growth, 2}};
inline constexpr Counter tf1_counters[] = {{"good_steps", &C::clean}};
inline constexpr Counter keras_counters[] = {{"step_counter", &C::clean}};
inline constexpr Parameter jmp_parameters[] = {{"loss_scale", &S::init, 0x1p15}, {"period", &S::interval, 2000},
                                               {"factor", &S::growth, 2},        {"min_loss_scale", &S::floor, 1},
                                               {"eager", &S::eager, 0},          {"scale_dtype", &S::bits, 32}};
inline constexpr Counter jmp_counters[] = {{"counter", &C::clean}};
inline constexpr Parameter flax_parameters[] = {{"scale", &S::init, 65536},
                                                {"growth_interval", &S::interval, 2000},
                                                {"growth_factor", &S::growth, 2},
                                                {"backoff_factor", &S::backoff, 0.5},
                                                {"minimum_scale", &S::floor, fp32_tiny}};
inline constexpr Counter flax_counters[] = {{"fin_steps", &C::clean}};

inline constexpr Parameter mindspore_amp_parameters[] = {
    {"scale_value", &S::init, 65536}, {"scale_window", &S::interval, 2000}, {"scale_factor", &S::growth, 2}};
inline constexpr Parameter mindspore_cell_parameters[] = {
    {"loss_scale_value", &S::init, 0x1p24}, {"scale_window", &S::interval, 2000}, {"scale_factor", &S::growth, 2}};
inline constexpr Parameter mindspore_manager_parameters[] = {
    {"init_loss_scale", &S::init, 0x1p24}, {"scale_window", &S::interval, 2000}, {"scale_factor", &S::growth, 2}};
inline constexpr Counter mindspore_manager_counters[] = {{"cur_iter", &C::iteration, nullptr, Saved::no},
                                                         {"last_overflow_iter", &C::last_overflow, nullptr, Saved::no},
                                                         {"bad_step", &C::bad, nullptr, Saved::no}};

constexpr std::array<Parameter, 6> paddle_rows(double init, double interval) {
  return {Parameter{"init_loss_scaling", &S::init, init},
          {"incr_every_n_steps", &S::interval, interval},
          {"incr_ratio", &S::growth, 2},
          {"decr_ratio", &S::backoff, 0.5},
          {"decr_every_n_nan_or_inf", &S::hysteresis, 1},
          {"use_dynamic_loss_scaling", &S::dynamic, 1}};
}
inline constexpr std::array paddle_parameters = paddle_rows(65536, 2000);
inline constexpr std::array paddle_amp_parameters = paddle_rows(0x1p15, 1000);
inline constexpr Parameter paddle_op_parameters[] = {{"init_loss_scaling", &S::init, 0x1p15},
                                                     {"incr_every_n_steps", &S::interval, 1000},
                                                     {"incr_ratio", &S::growth, 2},
                                                     {"decr_ratio", &S::backoff, 0.8},
                                                     {"decr_every_n_nan_or_inf", &S::hysteresis, 2}};
inline constexpr Counter paddle_counters[] = {{"incr_count", &C::clean}, {"decr_count", &C::bad}};
inline constexpr Counter paddle_op_counters[] = {{"num_good_steps", &C::clean}, {"num_bad_steps", &C::bad}};

inline constexpr Parameter backoff_parameters[] = {{"scale_max", &S::ceiling, 0x1p14},
                                                   {"step_window", &S::interval, 2000},
                                                   {"step_factor", &S::growth, 2},
                                                   {"scale_min", &S::floor, 1}};
inline constexpr Counter backoff_counters[] = {{"iteration", &C::iteration},
                                               {"last_overflow_iteration", &C::last_overflow}};
inline constexpr Parameter logmax_parameters[] = {
    {"scale_max", &S::ceiling, 0x1p14}, {"scale_min", &S::floor, 1}, {"log_max", &S::log_max, 16},
    {"beta1", &S::beta1, 0.99},         {"beta2", &S::beta2, 0.999}, {"overflow_std_dev", &S::deviations, 3.09}};
inline constexpr Counter logmax_counters[] = {
    {"iteration", &C::iteration},           {"x_hat", nullptr, &C::mean},
    {"slow_x_hat", nullptr, &C::slow_mean}, {"xsquared_hat", nullptr, &C::square},
    {"b1_correction", nullptr, &C::fade1},  {"b2_correction", nullptr, &C::fade2}};
inline constexpr Parameter popart_parameters[] = {{"lossScaling", &S::init, 1},
                                                  {"updatePeriod", &S::interval, 1},
                                                  {"binEdgeLocation", &S::edge, 8188},
                                                  {"thresholdUpperCountProportion", &S::threshold, 1e-7}};
inline constexpr Counter popart_counters[] = {{"steps_of_the_period", &C::clean, nullptr, Saved::no}};
inline constexpr Parameter static_parameters[] = {{"loss_scale", &S::init, 65536}};
inline constexpr Parameter msamp_parameters[] = {{"ranks", &S::ranks, 1}};

}  // namespace lowp::scaling::parameters
