# SPDX-License-Identifier: Apache-2.0
# The slow reference is built once; its folder is where Boost.Multiprecision may be.
find_package(PkgConfig REQUIRED)
pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
add_library(accumulate_reference STATIC ../oracle/accumulate_reference.cpp)
target_link_libraries(accumulate_reference PUBLIC lowp_oracle PRIVATE lowp_flags)
target_include_directories(accumulate_reference PUBLIC ../oracle)

lowp_test(accumulate_exact_sum_test SOURCES accumulate_exact_sum_test.cpp USES accumulate LINKS accumulate_reference)
lowp_test(accumulate_fdpa_test SOURCES accumulate_fdpa_test.cpp USES accumulate LINKS accumulate_reference)
lowp_test(accumulate_probes_test SOURCES accumulate_probes_test.cpp USES training verify)
lowp_test(accumulate_recorded_test SOURCES accumulate_recorded_test.cpp USES training verify)
target_compile_definitions(accumulate_recorded_test
  PRIVATE LOWP_RECORDED_DIR="${PROJECT_SOURCE_DIR}/data/golden/tensor-core")
lowp_test(accumulate_gemm_test SOURCES accumulate_gemm_test.cpp USES training
  LINKS accumulate_reference PkgConfig::HWY)

# Not a test: speed of the replay, for the table in the README.
add_executable(accumulate_bench accumulate_bench.cpp)
target_link_libraries(accumulate_bench PRIVATE lowp::accumulate lowp_flags)
lowp_test(accumulate_sums_test SOURCES accumulate_sums_test.cpp USES training verify)
lowp_test(accumulate_update_test SOURCES accumulate_update_test.cpp USES training)
lowp_test(accumulate_replay_test SOURCES accumulate_replay_test.cpp USES training verify)
lowp_test(recorded_gemm_test SOURCES recorded_gemm_test.cpp USES verify)
target_compile_definitions(recorded_gemm_test PRIVATE LOWP_RECORDED_GEMM_DIR="${PROJECT_SOURCE_DIR}/data/golden/gemm")
