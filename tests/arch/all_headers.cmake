# SPDX-License-Identifier: Apache-2.0
# Every header that is installed, in one file, so that a name defined twice is found here and not by a user.
get_property(components GLOBAL PROPERTY LOWP_COMPONENTS)
set(includes "// SPDX-License-Identifier: Apache-2.0\n")
foreach(component ${components})
  file(GLOB headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/lib ${PROJECT_SOURCE_DIR}/lib/lowp/${component}/*.h)
  list(FILTER headers EXCLUDE REGEX "-inl\\.h$")
  foreach(header ${headers})
    string(APPEND includes "#include \"${header}\"\n")
  endforeach()
endforeach()
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/all_headers.cpp CONTENT "${includes}int main() {}\n" @ONLY)
add_executable(all_headers_test ${CMAKE_CURRENT_BINARY_DIR}/all_headers.cpp)
list(TRANSFORM components PREPEND lowp::)
# What some headers include of other libraries; the package does not promise these.
find_package(TBB REQUIRED)
find_package(nlohmann_json 3 REQUIRED)
target_link_libraries(all_headers_test PRIVATE ${components} TBB::tbb nlohmann_json::nlohmann_json)
add_test(NAME all_headers_test COMMAND all_headers_test)
