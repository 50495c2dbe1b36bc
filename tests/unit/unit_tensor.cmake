# SPDX-License-Identifier: Apache-2.0
find_package(ZLIB REQUIRED)
lowp_test(unit_tensor
  SOURCES
    logged_records_test.cpp tensor_bytes.cpp tensor_bytes.h tensor_checkpoint.cpp tensor_hostile.cpp tensor_npy.cpp tensor_peaks.cpp tensor_safetensors.cpp tensor_series.cpp
    tensor_text.cpp tensor_torch.cpp tensor_zip.cpp
  USES tensor
  LINKS ZLIB::ZLIB)
