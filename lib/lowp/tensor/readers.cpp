// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/readers.h"

#include <array>

#include "lowp/tensor/peaks_file.h"
#include "lowp/tensor/reader_rows.h"

namespace lowp {
namespace {

constexpr std::array reader_table{
    Reader{.name = "binades",
           .extensions = ".binades",
           .what = "summary of a dump, in place of the dump",
           .sniff = sniff_binades,
           .open = open_binades},
    Reader{.name = "safetensors",
           .extensions = ".safetensors",
           .what = "safetensors file",
           .sniff = sniff_safetensors,
           .open = open_safetensors},
    Reader{.name = "torch_index",
           .extensions = ".bin.index.json",
           .what = "index of PyTorch shards, with its shards",
           .sniff = sniff_torch_index,
           .open = open_torch_index,
           .claims_files = true},
    Reader{.name = "safetensors_index",
           .extensions = ".index.json",
           .what = "safetensors index with its shards",
           .sniff = sniff_safetensors_index,
           .open = open_safetensors_index,
           .claims_files = true},
    Reader{.name = "npy",
           .extensions = ".npy",
           .what = "NumPy array",
           .sniff = sniff_npy,
           .open = open_npy,
           .start = start_npy},
    Reader{
        .name = "npz", .extensions = ".npz", .what = "NumPy archive of arrays", .sniff = sniff_npz, .open = open_npz},
    Reader{.name = "torch",
           .extensions = ".pt .pth .ckpt",
           .what = "PyTorch torch.save file (zip format)",
           .sniff = sniff_torch,
           .open = open_torch},
    Reader{.name = "torch_dcp",
           .extensions = ".metadata",
           .what = "directory of torch.distributed.checkpoint",
           .sniff = sniff_torch_dcp,
           .open = open_torch_dcp,
           .claims_files = true},
    Reader{.name = "peaks",
           .extensions = ".csv .jsonl",
           .what = "largest magnitudes of each step: step,name,kind,largest",
           .sniff = sniff_peaks,
           .open_run = open_peaks},
    Reader{.name = "raw",
           .extensions = ".raw .bin .dat",
           .what = "raw binary, with a dtype given",
           .sniff = sniff_raw,
           .open = open_raw,
           .start = start_raw,
           .takes_any_bytes = true},
};

}  // namespace

std::span<const Reader> readers() {
  return reader_table;
}

Result<std::vector<Input>> open_steps(const Reader& reader, const std::string& path, const OpenOptions& options) {
  if (reader.open_run != nullptr) return reader.open_run(path, options);
  auto input = reader.open(path, options);
  if (!input) return input.error();
  std::vector<Input> one;
  one.push_back(*std::move(input));
  return one;
}

std::string reader_names() {
  std::string names;
  for (const Reader& reader : reader_table) names += (names.empty() ? "" : ", ") + std::string(reader.name);
  return names;
}

}  // namespace lowp
