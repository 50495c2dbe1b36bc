# SPDX-License-Identifier: Apache-2.0
# One target per room, and the flags every one of them is built with.
include_guard()
include(GNUInstallDirs)
set(LOWP_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/lowp)
find_package(PkgConfig REQUIRED)

find_program(LOWP_CCACHE ccache)
if(LOWP_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${LOWP_CCACHE})
endif()

add_library(lowp_flags INTERFACE)
# Exactness: no contraction into FMA, no value-changing optimisation, whatever the architecture flags.
target_compile_options(lowp_flags INTERFACE
  "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion;-Wshadow;-Werror=switch;-ffp-contract=off>")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(lowp_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)  # false alarms in std::string, GCC bug 105651
endif()
if(LOWP_WERROR)
  target_compile_options(lowp_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
endif()
if(LOWP_SANITIZE)
  target_compile_options(lowp_flags INTERFACE
    "$<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${LOWP_SANITIZE};-fno-omit-frame-pointer;-fno-sanitize-recover=all>")
  target_link_options(lowp_flags INTERFACE -fsanitize=${LOWP_SANITIZE})
endif()

# The arrows of lib/rooms.txt become lists LOWP_USES_<room>.
set(LOWP_ARROWS ${PROJECT_SOURCE_DIR}/lib/rooms.txt)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${LOWP_ARROWS})
file(STRINGS ${LOWP_ARROWS} arrows REGEX "^[a-z_]+:")
foreach(arrow ${arrows})
  string(REGEX MATCH "^([a-z_]+): *(.*)$" arrow "${arrow}")
  string(REPLACE " " ";" LOWP_USES_${CMAKE_MATCH_1} "${CMAKE_MATCH_2}")
endforeach()

# Rooms of the program alone: no part of the installed package.
set(LOWP_UNINSTALLED gpu gpu_pass verify)

# lowp_install(name links...): the room as component <name> of the package lowp, which finds `links` again where it is
# used. Headers of other libraries stay inside: only what must be linked is passed on.
function(lowp_install name)
  set_target_properties(lowp_${name} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS lowp_${name} EXPORT lowp_${name} ARCHIVE COMPONENT dev INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT lowp_${name} NAMESPACE lowp:: FILE lowp-${name}.cmake DESTINATION ${LOWP_PACKAGE_DIR} COMPONENT dev)
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lowp/${name} COMPONENT dev
    FILES_MATCHING PATTERN "*.h" PATTERN "*-inl.h" EXCLUDE)
  set_property(GLOBAL APPEND PROPERTY LOWP_COMPONENTS ${name})
  string(REPLACE ";" " " links "${ARGN}")
  string(REPLACE ";" " " uses "${LOWP_USES_${name}}")
  set_property(GLOBAL APPEND_STRING PROPERTY LOWP_COMPONENT_LINES
    "set(lowp_uses_${name} ${uses})\nset(lowp_links_${name} ${links})\n")
endfunction()

# lowp_room(name [SOURCES files...] [LINKS targets...] [HEADERS targets...]): target lowp_<name>, alias lowp::<name>,
# linked to the rooms that lib/rooms.txt lets it use. HEADERS: libraries without anything to link.
function(lowp_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINKS;HEADERS" ${ARGN})
  set(ROOM_USES ${LOWP_USES_${name}})
  list(TRANSFORM ROOM_USES PREPEND lowp::)
  if(ROOM_SOURCES)
    add_library(lowp_${name} STATIC ${ROOM_SOURCES})
    target_include_directories(lowp_${name} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>)
    target_compile_features(lowp_${name} PUBLIC cxx_std_20)
    target_link_libraries(lowp_${name} PUBLIC ${ROOM_USES} PRIVATE ${ROOM_LINKS})
    foreach(headers ${ROOM_HEADERS} lowp_flags)
      target_link_libraries(lowp_${name} PRIVATE $<BUILD_INTERFACE:${headers}>)
    endforeach()
  else()
    add_library(lowp_${name} INTERFACE)
    target_include_directories(lowp_${name} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib>)
    target_compile_features(lowp_${name} INTERFACE cxx_std_20)
    target_link_libraries(lowp_${name} INTERFACE ${ROOM_USES})
  endif()
  add_library(lowp::${name} ALIAS lowp_${name})
  if(NOT name IN_LIST LOWP_UNINSTALLED)
    lowp_install(${name} ${ROOM_LINKS})
  endif()
endfunction()

# lowp_test(name SOURCES files... [USES rooms...] [LINKS targets...] [LABELS labels...]): one doctest program.
function(lowp_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;USES;LINKS;LABELS" ${ARGN})
  list(TRANSFORM TEST_USES PREPEND lowp::)
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_USES} ${TEST_LINKS} lowp_test_main lowp_flags)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${TEST_TIMEOUT} LABELS "${TEST_LABELS}")
endfunction()
