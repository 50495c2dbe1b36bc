# SPDX-License-Identifier: Apache-2.0
lowp_test(unit_logs
  SOURCES logs_labels_test.cpp logs_verdict_test.cpp
  USES logs
  LINKS nlohmann_json::nlohmann_json fmt::fmt)
target_compile_definitions(unit_logs PRIVATE LOWP_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
