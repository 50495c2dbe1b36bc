# SPDX-License-Identifier: Apache-2.0
# Installs BUILD into WORK/prefix, builds each example against it and compares what it says.
file(REMOVE_RECURSE ${WORK}/prefix ${WORK}/core ${WORK}/audit)

function(run)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE out ERROR_VARIABLE err RESULT_VARIABLE code)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${ARGN}\nexit ${code}\n${out}\n${err}")
  endif()
  set(out "${out}" PARENT_SCOPE)
endfunction()

function(build_example name)
  run(${CMAKE_COMMAND} -S ${SOURCE}/${name} -B ${WORK}/${name} -G ${GENERATOR} -DCMAKE_PREFIX_PATH=${WORK}/prefix
      -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -DCMAKE_BUILD_TYPE=Release ${ARGN})
  run(${CMAKE_COMMAND} --build ${WORK}/${name})
endfunction()

function(expect text)
  string(FIND "${out}" "${text}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "wanted '${text}' in:\n${out}")
  endif()
endfunction()

run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
foreach(file bin/precision-audit share/man/man1/precision-audit.1 share/bash-completion/completions/precision-audit
             share/zsh/site-functions/_precision-audit share/fish/vendor_completions.d/precision-audit.fish)
  if(NOT EXISTS ${WORK}/prefix/${file})
    message(FATAL_ERROR "${file} is not installed")
  endif()
endforeach()

# core needs no other library: none of them can be found here.
build_example(core -DCMAKE_DISABLE_FIND_PACKAGE_fmt=ON -DCMAKE_DISABLE_FIND_PACKAGE_TBB=ON
  -DCMAKE_DISABLE_FIND_PACKAGE_PkgConfig=ON)
run(${WORK}/core/core_example)
expect("7e")

build_example(audit)
run(${WORK}/audit/audit_example ${DUMP})
set(said "${out}")
run(${WORK}/prefix/bin/precision-audit ${DUMP} --formats fp16 --output json --table outcomes --scales 16)
string(JSON flushed GET "${out}" outcomes 0 counts flushed)
set(out "${said}")
expect("flushed at 2^16: ${flushed}\n")
message(STATUS "examples: ${said}")
