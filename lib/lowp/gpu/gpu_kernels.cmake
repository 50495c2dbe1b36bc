# SPDX-License-Identifier: Apache-2.0
# The comparison of emulators with silicon. Its host half needs the standard library alone; so does tools/gpu_check.
add_library(lowp_gpu_verify STATIC
  instruction.cpp dot_cases.cpp probe.cpp prediction.cpp recorded_set.cpp sass.cpp matrix_checks.cpp verify.cpp gpu_report.cpp)
find_package(Threads REQUIRED)
target_link_libraries(lowp_gpu_verify
  PUBLIC lowp::core lowp::accumulate lowp::report Threads::Threads PRIVATE lowp_flags)

if(LOWP_HAS_CUDA)
  add_library(lowp_gpu_device STATIC conversions.cu arithmetic.cu mma.cu wgmma.cu cuda_backend.cu)
  # wgmma is in code for 90a alone, cvt to FP6 and FP4 in code for 100a.
  lowp_cuda_architectures(lowp_gpu_device 75 80 90a 100a)
else()
  add_library(lowp_gpu_device STATIC cuda_backend_absent.cpp)
endif()
target_link_libraries(lowp_gpu_device PUBLIC lowp_gpu_verify PRIVATE lowp_flags)
target_link_libraries(lowp_gpu INTERFACE lowp_gpu_device)
