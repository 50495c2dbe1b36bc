pkg_check_modules(HWY REQUIRED IMPORTED_TARGET libhwy)
lowp_test(audit_sweep_test SOURCES audit_sweep_test.cpp ../oracle/audit_reference.cpp USES audit LINKS PkgConfig::HWY)
target_include_directories(audit_sweep_test PRIVATE ../oracle)
lowp_test(unit_logged_bounds
  SOURCES logged_bounds_test.cpp
  USES audit)
lowp_test(evidence_levels_test SOURCES evidence_levels_test.cpp ../oracle/audit_reference.cpp USES summary)
target_include_directories(evidence_levels_test PRIVATE ../oracle)
lowp_test(advice_test SOURCES advice_dumps.h advice_sentences_test.cpp advice_test.cpp USES audit)
lowp_test(summary_file_test SOURCES summary_file_test.cpp USES audit)
