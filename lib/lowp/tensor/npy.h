// SPDX-License-Identifier: Apache-2.0
// The header of one npy array, in a file or in an npz entry.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "lowp/tensor/step_series.h"

namespace lowp {

// How the elements of a descriptor ("<f4") can be read.
struct NpyDtype {
  const Dtype* dtype = nullptr;  // nullptr: not read, `skip` says why
  bool big_endian = false;
  std::string skip;
  std::string descr = {};  // as in the header: "<i8"
};

struct NpyHeader {
  NpyDtype elements;
  std::vector<std::uint64_t> shape;
  bool fortran_order = false;
  std::uint64_t data_begin = 0;  // bytes before the first element
};

// Says of a view whose stored elements are in Fortran order where its row-major ones are.
void set_fortran_order(TensorView& view, std::string where);

// The view of an array that is read: `data` are all bytes after its header, `where` names it in Errors.
TensorView npy_view(std::string name, const NpyHeader& header, std::shared_ptr<const ByteSource> data,
                    std::string where);

// Reads the header from the start of `stream`, which has `available` bytes in all (or unknown_size); what is left after
// the header must be the data, to the byte. `where` names the array in Errors, whose offsets count from `base`.
Result<NpyHeader> read_npy_header(ByteStream& stream, std::uint64_t available, const std::string& where,
                                  std::uint64_t base, const OpenOptions& options);

}  // namespace lowp
