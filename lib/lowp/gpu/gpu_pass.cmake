# SPDX-License-Identifier: Apache-2.0
# The audit's one pass on a GPU. What the kernels do is host code too, so the tests of that need no nvcc.
set(pass_sources page_plan.cpp pass_results.cpp binade_pass_absent.cpp)
set(pass_links)
if(LOWP_HAS_CUDA)
  find_package(CUDAToolkit REQUIRED)
  set(pass_sources page_plan.cpp pass_results.cpp binade_pass.cpp binade_kernels.cu)
  set(pass_links CUDA::cudart_static)
endif()
lowp_room(gpu_pass SOURCES ${pass_sources} USES core audit LINKS ${pass_links})
target_link_libraries(lowp_gpu INTERFACE lowp::gpu_pass)
