# SPDX-License-Identifier: Apache-2.0
# The audit's one pass on a GPU. What the kernels do is host code too, so the tests need no nvcc.
set(pass_sources page_plan.cpp pass_results.cpp)
lowp_room(gpu_pass SOURCES ${pass_sources} USES core audit)
target_link_libraries(lowp_gpu INTERFACE lowp::gpu_pass)
