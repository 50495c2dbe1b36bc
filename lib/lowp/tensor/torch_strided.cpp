// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/torch_strided.h"

#include <fmt/format.h>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/row_major.h"
#include "lowp/tensor/strided.h"

namespace lowp {
namespace {

constexpr std::size_t max_rank = 64;

std::string_view last_name(const PickleGraph& graph, NodeId global) {
  return graph[graph.items(global)[1]].text();
}

bool is_contiguous(const Strided& tensor) {
  return is_row_major(tensor.shape, tensor.strides) &&
         tensor.extent->size() == tensor.elements * static_cast<std::uint64_t>(tensor.bytes());
}

}  // namespace

Error StridedReader::fault(std::string wanted, std::string found) const {
  return {torch_.archive->file().path(), std::nullopt, fmt::format("{} in tensor '{}'", wanted, name_),
          std::move(found)};
}

std::string StridedReader::where() const {
  return fmt::format("{}: {}", torch_.archive->file().path(), name_);
}

std::optional<std::uint64_t> StridedReader::unsigned_integer(NodeId id) const {
  const Node& node = graph_[id];
  if (node.kind != NodeKind::integer || node.number < 0) return std::nullopt;
  return static_cast<std::uint64_t>(node.number);
}

std::optional<std::vector<std::uint64_t>> StridedReader::integers(NodeId id) const {
  const Node& node = graph_[id];
  if (node.kind == NodeKind::object && graph_[node.callable()].kind == NodeKind::global &&
      global_name(graph_, node.callable()) == "torch.Size" && graph_.items(node.args()).size() == 1) {
    id = graph_.items(node.args())[0];
  }
  if (graph_[id].kind != NodeKind::tuple || graph_.items(id).size() > max_rank) return std::nullopt;
  std::vector<std::uint64_t> numbers;
  for (const NodeId item : graph_.items(id)) {
    const auto number = unsigned_integer(item);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

// ('storage', class, key, location, count).
Result<std::optional<StridedReader::Storage>> StridedReader::storage(NodeId id) {
  if (graph_[id].kind != NodeKind::persistent) return fault("a storage", "another value");
  const NodeId described = graph_.items(id)[0];
  const std::span<const NodeId> items = graph_.items(described);
  const bool shaped = graph_[described].kind == NodeKind::tuple && items.size() >= 5 &&
                      graph_[items[0]].text() == "storage" && graph_[items[1]].kind == NodeKind::global &&
                      graph_[items[2]].kind == NodeKind::text && unsigned_integer(items[4]);
  if (!shaped) return fault("a storage's class, key, location and count", "other values");
  Storage result{{}, graph_[items[2]].text(), *unsigned_integer(items[4])};
  const std::string_view name = last_name(graph_, items[1]);
  if (name == "UntypedStorage" || name == "_UntypedStorage") return std::optional(result);
  result.type = stored_dtype(&Dtype::torch_storage, &OtherDtype::torch_storage, name);
  if (result.type) return std::optional(result);
  skip = fmt::format("storage class {} is unknown", global_name(graph_, items[1]));
  return std::optional<Storage>();
}

// The type that a tensor names beside its storage; neither for an unknown name.
Result<StoredDtype> StridedReader::dtype(const Storage& held, NodeId named) const {
  if (graph_[named].kind != NodeKind::global) return fault("a dtype", "another value");
  const std::string_view name = last_name(graph_, named);
  const StoredDtype type = stored_dtype(&Dtype::torch, &OtherDtype::torch, name);
  if (type && held.type && held.type != type)
    return fault(fmt::format("dtype {}", held.type.torch()), std::string(name));
  return type;
}

Result<std::optional<Strided>> StridedReader::read(std::span<const NodeId> items, bool with_dtype, bool indices) {
  if (items.size() < (with_dtype ? 7u : 4u)) return fault("storage, offset, size and stride", "fewer arguments");
  const auto held = storage(items[0]);
  if (!held) return held.error();
  if (!*held) return std::optional<Strided>();
  Strided tensor;
  tensor.type = (*held)->type;
  if (with_dtype) {
    const auto type = dtype(**held, items[6]);
    if (!type) return type.error();
    tensor.type = *type;
    if (!tensor.type) skip = fmt::format("dtype {} is unknown", global_name(graph_, items[6]));
    if (!tensor.type) return std::optional<Strided>();
  }
  if (!tensor.type) return fault("a dtype", "an untyped storage");
  if (indices && tensor.type.torch() != "int64") return fault("indices of int64", std::string(tensor.type.torch()));
  if (!indices && tensor.type.other != nullptr) {
    skip = fmt::format("dtype {} {}", tensor.type.torch(), tensor.type.other->why);
    return std::optional<Strided>();
  }
  const auto offset = unsigned_integer(items[1]);
  auto shape = integers(items[2]);
  auto strides = integers(items[3]);
  if (!offset || !shape || !strides || shape->size() != strides->size()) {
    return fault("an offset, and sizes and strides of one rank, none negative", "other values");
  }
  tensor.shape = *std::move(shape);
  tensor.strides = *std::move(strides);
  if (auto done = locate(**held, *offset, tensor); !done) return done.error();
  if (!with_dtype && items.size() >= 7 && is_negated(items[6]))
    tensor.extent = sign_flipped(std::move(tensor.extent), tensor.bytes());
  return std::optional(std::move(tensor));
}

// torch keeps x.conj().imag as a view of x with a bit that says: minus.
bool StridedReader::is_negated(NodeId metadata) const {
  return graph_.truth(graph_.find(metadata, "neg"));
}

// Finds the bytes of a tensor of known type, shape and strides.
Result<Done> StridedReader::locate(const Storage& held, std::uint64_t offset, Strided& tensor) const {
  const auto item = static_cast<std::uint64_t>(tensor.bytes());
  const auto elements = element_count(tensor.shape);
  if (!elements || *elements > max_elements) return fault(fmt::format("at most {} elements", max_elements), "more");
  tensor.elements = *elements;
  tensor.extent = empty_source();
  if (*elements == 0) return Done{};

  const auto extent = view_extent(tensor.shape, tensor.strides);
  const std::uint64_t count = held.type ? held.count : held.count / item;
  const auto end = extent ? checked_sum(offset, *extent) : std::nullopt;
  if (!end || *end > count)
    return fault(fmt::format("a view within its storage of {} elements", count), "one beyond it");
  const std::string record_name = fmt::format("{}/data/{}", torch_.root, held.key);
  const ZipEntry* record = torch_.archive->find(record_name);
  if (record == nullptr) return fault(fmt::format("record '{}'", record_name), "none");
  if (record->bytes / item < count) {
    return fault(fmt::format("{} elements of {} bytes in record '{}'", count, item, record_name),
                 fmt::format("{} bytes", record->bytes));
  }
  tensor.extent = torch_.archive->range(*record, offset * item, *extent * item);
  if (torch_.big_endian) tensor.extent = byte_swapped(std::move(tensor.extent), tensor.bytes());
  return Done{};
}

std::shared_ptr<const ByteSource> StridedReader::in_row_major(const Strided& tensor) const {
  if (tensor.elements == 0 || is_contiguous(tensor)) return tensor.extent;
  return row_major_source(tensor.extent, tensor.shape, tensor.strides, tensor.bytes(), where());
}

}  // namespace lowp
