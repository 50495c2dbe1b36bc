find_package(hwy REQUIRED)
lowp_test(audit_sweep_test SOURCES audit_sweep_test.cpp ../oracle/audit_reference.cpp USES audit LINKS hwy::hwy)
target_include_directories(audit_sweep_test PRIVATE ../oracle)
