# SPDX-License-Identifier: Apache-2.0
find_package(nlohmann_json REQUIRED)
lowp_test(unit_report
  SOURCES report_escape.cpp report_golden.cpp report_hostile.cpp report_humanize.cpp report_nested.cpp report_svg.cpp report_text.cpp
  USES report
  LINKS nlohmann_json::nlohmann_json
  LABELS unit)
target_compile_definitions(unit_report PRIVATE LOWP_GOLDEN_DIR="${CMAKE_CURRENT_SOURCE_DIR}/golden")
