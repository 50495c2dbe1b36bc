# SPDX-License-Identifier: Apache-2.0
find_package(fmt REQUIRED)
lowp_test(core_formats_test SOURCES core_formats_test.cpp USES core)
lowp_test(core_rounding_test SOURCES core_rounding_test.cpp USES core)
lowp_test(core_arithmetic_test SOURCES core_arithmetic_test.cpp USES core)
lowp_test(core_fpu_test SOURCES core_fpu_test.cpp USES core)
set_source_files_properties(core_fpu_test.cpp PROPERTIES COMPILE_OPTIONS -frounding-math)

set(cast_sources ${PROJECT_SOURCE_DIR}/tools/precision_audit)
lowp_test(cast_number_test
  SOURCES cast_number_test.cpp ${cast_sources}/exact_number.cpp ${cast_sources}/cast_explained.cpp
  USES core
  LINKS fmt::fmt)
target_include_directories(cast_number_test PRIVATE ${cast_sources})

# core as device code: nvcc must compile it; no GPU is needed for that. CMake 3.25 knows no C++20 for nvcc and would add
# an older standard, so CUDA_STANDARD stays unset and the flag is given by hand.
if(NOT LOWP_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 75 80 90 100)
    endif()
    enable_language(CUDA)
    add_library(core_device_compiles OBJECT core_device.cu)
    set_target_properties(core_device_compiles PROPERTIES CUDA_STANDARD_REQUIRED OFF)
    target_include_directories(core_device_compiles PRIVATE ${PROJECT_SOURCE_DIR}/lib)
    target_compile_options(core_device_compiles PRIVATE -std=c++20 --fmad=false)
  elseif(LOWP_CUDA STREQUAL "ON")
    message(FATAL_ERROR "LOWP_CUDA is ON, but no CUDA compiler was found; put nvcc on PATH or set CUDACXX")
  endif()
endif()
