# SPDX-License-Identifier: Apache-2.0
# The pass thread by thread on the host; the audit through it; and on a GPU, skipped with the reason where there is none.
add_library(lowp_pass_samples STATIC gpu_pass_samples.cpp)
target_link_libraries(lowp_pass_samples PUBLIC lowp::audit PRIVATE lowp_flags)

find_package(Threads REQUIRED)
lowp_test(gpu_pass_emulated_test SOURCES gpu_pass_emulated_test.cpp USES gpu_pass LINKS lowp_pass_samples Threads::Threads
  LABELS gpu)
lowp_test(gpu_audit_emulated_test SOURCES gpu_audit_emulated_test.cpp USES audit gpu_pass LABELS gpu)
target_compile_definitions(gpu_audit_emulated_test PRIVATE LOWP_SAMPLES="${PROJECT_SOURCE_DIR}/data/samples")

if(LOWP_HAS_CUDA)
  find_package(CUDAToolkit REQUIRED)
  add_executable(gpu_pass_device_test gpu_pass_device_test.cpp)
  target_link_libraries(gpu_pass_device_test PRIVATE lowp::gpu_pass lowp_pass_samples CUDA::cudart_static lowp_flags)
  add_test(NAME gpu_pass_device_test COMMAND gpu_pass_device_test)
  set_tests_properties(gpu_pass_device_test PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600 LABELS gpu)

  # The same program where CUDA is played by the host: the order of its copies, kernels and waits.
  set(gpu_room ${PROJECT_SOURCE_DIR}/lib/lowp/gpu_pass)
  add_executable(gpu_pass_steps_test gpu_pass_device_test.cpp fake_cuda.cpp
    ${gpu_room}/binade_pass.cpp ${gpu_room}/page_plan.cpp ${gpu_room}/pass_results.cpp)
  target_include_directories(gpu_pass_steps_test PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_link_libraries(gpu_pass_steps_test PRIVATE lowp_pass_samples Threads::Threads lowp_flags)
  add_test(NAME gpu_pass_steps_test COMMAND gpu_pass_steps_test)
  set_tests_properties(gpu_pass_steps_test PROPERTIES TIMEOUT 300 LABELS gpu)

  add_executable(bench_gpu_pass bench_gpu_pass.cpp read_bandwidth.cu)
  target_link_libraries(bench_gpu_pass PRIVATE lowp::gpu_pass lowp_pass_samples CUDA::cudart_static lowp_flags)
endif()
