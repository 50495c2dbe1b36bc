# SPDX-License-Identifier: Apache-2.0
lowp_test(compare_test SOURCES compare_test.cpp tensor_bytes.cpp USES compare)
