# SPDX-License-Identifier: Apache-2.0
# CUDA is an option: LOWP_CUDA=AUTO|ON|OFF. Afterwards LOWP_HAS_CUDA says whether .cu files can be built; a room that has
# some lists them behind if(LOWP_HAS_CUDA) and needs nothing else, for lowp_flags carries what nvcc must be told.
# No fmt or Boost in .cu files, and no value of class type as a template parameter of a __global__.
include_guard()
set(LOWP_HAS_CUDA OFF)
if(NOT LOWP_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 75 80 90 100)
    endif()
    if(LOWP_CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
      set(CMAKE_CUDA_COMPILER_LAUNCHER ${LOWP_CCACHE})
    endif()
    set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
    enable_language(CUDA)
    set(LOWP_HAS_CUDA ON)
    if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc 13 has C++20
      set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
      set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
    endif()
    set(CMAKE_CUDA_STANDARD 20)
    set(cuda_flags --fmad=false -Xcompiler=-Wall,-Wextra)
    if(LOWP_WERROR)
      list(APPEND cuda_flags -Werror=all-warnings -Xcompiler=-Werror)
    endif()
    target_compile_options(lowp_flags INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:${cuda_flags}>")
  elseif(LOWP_CUDA STREQUAL "ON")
    message(FATAL_ERROR "LOWP_CUDA is ON, but no CUDA compiler was found; put nvcc on PATH or set CUDACXX")
  endif()
endif()

# lowp_cuda_architectures(target architectures...): an object library for instructions that only these have, for example
# 90a. CMake 3.25 refuses such names in CUDA_ARCHITECTURES, so nvcc is told directly.
function(lowp_cuda_architectures target)
  set_target_properties(${target} PROPERTIES CUDA_ARCHITECTURES OFF)
  foreach(architecture ${ARGN})
    target_compile_options(${target} PRIVATE
      "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-gencode arch=compute_${architecture}$<COMMA>code=sm_${architecture}>")
  endforeach()
endfunction()
