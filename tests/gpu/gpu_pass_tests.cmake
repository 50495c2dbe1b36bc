# SPDX-License-Identifier: Apache-2.0
lowp_test(gpu_pass_emulated_test SOURCES gpu_pass_emulated_test.cpp gpu_pass_samples.cpp USES gpu)
