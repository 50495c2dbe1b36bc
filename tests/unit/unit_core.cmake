# SPDX-License-Identifier: Apache-2.0
find_package(fmt REQUIRED)
lowp_test(core_formats_test SOURCES core_formats_test.cpp USES core)
lowp_test(core_rounding_test SOURCES core_rounding_test.cpp USES core)
lowp_test(core_arithmetic_test SOURCES core_arithmetic_test.cpp USES core)
lowp_test(core_fpu_test SOURCES core_fpu_test.cpp USES core)
set_source_files_properties(core_fpu_test.cpp PROPERTIES COMPILE_OPTIONS -frounding-math)

set(cast_sources ${PROJECT_SOURCE_DIR}/tools/precision_audit)
lowp_test(cast_number_test
  SOURCES cast_number_test.cpp ${cast_sources}/cast_explained.cpp
  USES core exact
  LINKS fmt::fmt)
target_include_directories(cast_number_test PRIVATE ${cast_sources})

# core as device code: nvcc must compile it; no GPU is needed for that.
if(LOWP_HAS_CUDA)
  add_library(core_device_compiles OBJECT core_device.cu)
  target_link_libraries(core_device_compiles PRIVATE lowp::core lowp_flags)
endif()
