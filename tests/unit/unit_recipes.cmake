# SPDX-License-Identifier: Apache-2.0
lowp_test(recipes_rules_test SOURCES recipes_rules_test.cpp USES recipes)

# Not a test: speed of quantizing.
add_executable(recipes_bench recipes_bench.cpp)
target_link_libraries(recipes_bench PRIVATE lowp::recipes lowp_flags)
