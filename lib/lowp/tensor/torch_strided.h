// SPDX-License-Identifier: Apache-2.0
// The dense tensors of a torch pickle, of any type: which storage, from where, in what steps.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lowp/core/dtype.h"
#include "lowp/tensor/torch_tensor.h"

namespace lowp {

// A dense tensor of any type: the bytes from its first to its last element, and how it steps through them.
struct Strided {
  StoredDtype type;
  std::vector<std::uint64_t> shape, strides;
  std::uint64_t elements = 0;
  std::shared_ptr<const ByteSource> extent;

  int bytes() const { return type.bits() / 8; }
};

// Reads the arguments of torch._utils._rebuild_tensor_v2 and its like for the tensor `name`.
class StridedReader {
 public:
  StridedReader(const TorchFile& torch, const std::string& name) : torch_(torch), graph_(torch.graph), name_(name) {}

  // (storage, offset, size, stride, requires_grad, hooks[, dtype or metadata]). Of int64 if `indices`, else of a type
  // that is read; nothing of any other, and the reason in `skip`.
  Result<std::optional<Strided>> read(std::span<const NodeId> items, bool with_dtype, bool indices);
  // Every element in row-major order.
  std::shared_ptr<const ByteSource> in_row_major(const Strided& tensor) const;
  // A tuple of sizes, or torch.Size of one.
  std::optional<std::vector<std::uint64_t>> integers(NodeId id) const;

  Error fault(std::string wanted, std::string found) const;
  std::string where() const;  // names the tensor in Errors of its bytes

  std::string skip;

 private:
  struct Storage {
    StoredDtype type;  // neither: untyped, counted in bytes
    std::string_view key;
    std::uint64_t count = 0;
  };
  std::optional<std::uint64_t> unsigned_integer(NodeId id) const;
  Result<std::optional<Storage>> storage(NodeId id);
  Result<StoredDtype> dtype(const Storage& held, NodeId named) const;
  bool is_negated(NodeId metadata) const;
  Result<Done> locate(const Storage& held, std::uint64_t offset, Strided& tensor) const;

  const TorchFile& torch_;
  const PickleGraph& graph_;
  const std::string& name_;
};

}  // namespace lowp
