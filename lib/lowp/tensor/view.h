// SPDX-License-Identifier: Apache-2.0
// A tensor in a dump: its description, and where its element bytes can be read. Nothing is loaded by making one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lowp/base/result.h"
#include "lowp/core/dtype.h"

namespace lowp {

// What only the end of a pipe will tell: the size of a source, the number of elements of a view.
inline constexpr std::uint64_t unknown_size = ~std::uint64_t{0};

// Elements in order, little-endian, from the start of some range. Not shared between threads.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Fills all of `out`, or says why not; a short file is an error, since sizes were checked when the dump was opened.
  virtual Result<Done> read(std::span<std::byte> out) = 0;
  // Fills `out` as far as there is something, which only a source of unknown size leaves open: fewer bytes at its end.
  virtual Result<std::size_t> read_up_to(std::span<std::byte> out) {
    if (auto done = read(out); !done) return done.error();
    return out.size();
  }
};

// The element bytes of one tensor. Immutable; may be used by many threads at once.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::uint64_t size() const = 0;  // bytes, or unknown_size
  // Whether stream() may start anywhere at no cost. If not, `begin` must be 0.
  virtual bool random_access() const = 0;
  // Bytes from `begin` on, a multiple of the element size.
  virtual Result<std::unique_ptr<ByteStream>> stream(std::uint64_t begin) const = 0;
  // Says that these bytes will be read soon, so that they can be fetched meanwhile.
  virtual void expect(std::uint64_t, std::uint64_t) const {}
  // What the reads so far found doubtful but not wrong (a torch checksum), as text from the file; seldom anything.
  virtual std::optional<std::string> doubt() const { return std::nullopt; }
};

// One named tensor. `source` holds size() / dtype->bytes stored elements in the order that is read fastest; each stands
// for `multiplicity` elements (stride-0 views), and `implicit_zeros` more are zero and not stored (sparse tensors).
// `row_major` gives every element in the logical order, repeats and zeros included; null where `source` does so
// already. Rank 0 has one element; zero-element tensors are legal.
struct TensorView {
  std::string name;
  const Dtype* dtype = nullptr;
  std::vector<std::uint64_t> shape;
  std::uint64_t elements = 0;  // stored * multiplicity + implicit_zeros; at most max_elements
  std::uint64_t multiplicity = 1;
  std::uint64_t implicit_zeros = 0;
  std::shared_ptr<const ByteSource> source;
  std::shared_ptr<const ByteSource> row_major;

  const ByteSource& in_row_major() const { return row_major ? *row_major : *source; }
};

// A named row-major array of unsigned integers of 8, 16 or 32 bits, which may be codes of a format.
struct CodeTensor {
  std::string name;
  std::vector<std::uint64_t> shape;
  int bytes = 0;  // of one code
  std::shared_ptr<const ByteSource> source;
};

}  // namespace lowp
