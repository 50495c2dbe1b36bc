# SPDX-License-Identifier: Apache-2.0
find_package(fmt REQUIRED)
set(frame_sources ${PROJECT_SOURCE_DIR}/tools/precision_audit)
lowp_test(unit_frame
  SOURCES frame_options_test.cpp frame_safe_file_test.cpp ${frame_sources}/options.cpp ${frame_sources}/did_you_mean.cpp
          ${frame_sources}/safe_file.cpp
  USES base core
  LINKS fmt::fmt
  LABELS unit)
target_include_directories(unit_frame PRIVATE ${frame_sources})
