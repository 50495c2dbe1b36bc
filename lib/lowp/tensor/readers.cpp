// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/readers.h"

#include <array>

#include "lowp/tensor/reader_rows.h"

namespace lowp {
namespace {

constexpr std::array reader_table{
    Reader{"safetensors", ".safetensors", "safetensors file", sniff_safetensors, open_safetensors},
    Reader{"safetensors_index", ".index.json", "safetensors index with its shards", sniff_safetensors_index,
           open_safetensors_index},
    Reader{"npy", ".npy", "NumPy array", sniff_npy, open_npy},
    Reader{"npz", ".npz", "NumPy archive of arrays", sniff_npz, open_npz},
    Reader{"torch", ".pt .pth .ckpt", "PyTorch torch.save file (zip format)", sniff_torch, open_torch},
    Reader{"raw", ".raw .bin .dat", "raw binary, with a dtype given", sniff_raw, open_raw},
};

}  // namespace

std::span<const Reader> readers() {
  return reader_table;
}

}  // namespace lowp
