# SPDX-License-Identifier: Apache-2.0
# More recorded trajectories than the selection in data/golden, compared where they are.
set(LOWP_TRAJECTORIES ${PROJECT_SOURCE_DIR}/../shared/data/scaler-vectors CACHE PATH "Folder with recorded trajectories")
lowp_test(scaling_table_test SOURCES scaling_table_test.cpp USES scaling)
target_compile_definitions(scaling_table_test PRIVATE LOWP_SCALERS="${PROJECT_SOURCE_DIR}/data/golden/scalers"
  LOWP_TRAJECTORIES="${LOWP_TRAJECTORIES}")
lowp_test(scaling_replay_test SOURCES scaling_replay_test.cpp USES scaling)
target_compile_definitions(scaling_replay_test PRIVATE LOWP_RUNS="${PROJECT_SOURCE_DIR}/data/golden/replays/fp16-runs.json")
