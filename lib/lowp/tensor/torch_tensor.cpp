// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/torch_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/strided.h"

namespace lowp {
namespace {

constexpr int max_wrappers = 8;  // a parameter around a tensor with attributes around ...
constexpr std::string_view not_floating = "is not floating point";
constexpr std::string_view not_yet = "is not read yet";

// Element types by the name of torch's storage class and of its dtype; those without a reason are read.
struct TorchType {
  std::string_view storage;  // "FloatStorage"; empty where torch has none
  std::string_view dtype;    // "float32"
  std::string_view ours;
  std::string_view skip;
};
constexpr std::array torch_types{
    TorchType{"DoubleStorage", "float64", "f64", ""},
    TorchType{"FloatStorage", "float32", "f32", ""},
    TorchType{"HalfStorage", "float16", "f16", ""},
    TorchType{"BFloat16Storage", "bfloat16", "bf16", ""},
    TorchType{"", "float8_e4m3fn", "f8_e4m3", ""},
    TorchType{"", "float8_e5m2", "f8_e5m2", ""},
    TorchType{"", "float8_e4m3fnuz", "", not_yet},
    TorchType{"", "float8_e5m2fnuz", "", not_yet},
    TorchType{"", "float8_e8m0fnu", "", not_yet},
    TorchType{"", "float4_e2m1fn_x2", "", not_yet},
    TorchType{"BoolStorage", "bool", "", not_floating},
    TorchType{"ByteStorage", "uint8", "", not_floating},
    TorchType{"CharStorage", "int8", "", not_floating},
    TorchType{"ShortStorage", "int16", "", not_floating},
    TorchType{"IntStorage", "int32", "", not_floating},
    TorchType{"LongStorage", "int64", "", not_floating},
    TorchType{"", "uint16", "", not_floating},
    TorchType{"", "uint32", "", not_floating},
    TorchType{"", "uint64", "", not_floating},
    TorchType{"ComplexHalfStorage", "complex32", "", "is complex"},
    TorchType{"ComplexFloatStorage", "complex64", "", "is complex"},
    TorchType{"ComplexDoubleStorage", "complex128", "", "is complex"},
    TorchType{"QInt8Storage", "qint8", "", "is quantized"},
    TorchType{"QUInt8Storage", "quint8", "", "is quantized"},
    TorchType{"QInt32Storage", "qint32", "", "is quantized"},
    TorchType{"QUInt4x2Storage", "quint4x2", "", "is quantized"},
    TorchType{"QUInt2x4Storage", "quint2x4", "", "is quantized"},
};

// What a tensor is rebuilt by.
enum class Rebuild { dense, dense_with_dtype, parameter, subclass, sparse, unread };
struct RebuildName {
  std::string_view name;  // in torch._utils or torch._tensor
  Rebuild how;
};
constexpr std::array rebuild_names{
    RebuildName{"_rebuild_tensor_v2", Rebuild::dense},
    RebuildName{"_rebuild_tensor", Rebuild::dense},
    RebuildName{"_rebuild_tensor_v3", Rebuild::dense_with_dtype},
    RebuildName{"_rebuild_parameter", Rebuild::parameter},
    RebuildName{"_rebuild_parameter_with_state", Rebuild::parameter},
    RebuildName{"_rebuild_from_type_v2", Rebuild::subclass},
    RebuildName{"_rebuild_sparse_tensor", Rebuild::sparse},
    RebuildName{"_rebuild_qtensor", Rebuild::unread},
    RebuildName{"_rebuild_meta_tensor_no_storage", Rebuild::unread},
    RebuildName{"_rebuild_wrapper_subclass", Rebuild::unread},
    RebuildName{"_rebuild_nested_tensor", Rebuild::unread},
    RebuildName{"_rebuild_device_tensor_from_numpy", Rebuild::unread},
    RebuildName{"_rebuild_device_tensor_from_cpu_tensor", Rebuild::unread},
};

const Node& module_of(const PickleGraph& graph, const Node& global) {
  return graph[global.items[0]];
}
const Node& name_of(const PickleGraph& graph, const Node& global) {
  return graph[global.items[1]];
}

const RebuildName* rebuild_of_global(const PickleGraph& graph, NodeId id) {
  const Node& global = graph[id];
  if (global.kind != NodeKind::global) return nullptr;
  const std::string_view module = module_of(graph, global).text;
  if (module != "torch._utils" && module != "torch._tensor") return nullptr;
  const auto row = std::ranges::find(rebuild_names, name_of(graph, global).text, &RebuildName::name);
  return row == rebuild_names.end() ? nullptr : &*row;
}

std::string described(const TorchType& type) {
  return fmt::format("dtype {} {}", type.dtype, type.skip);
}

// A tensor node on its way to a view. Every step may end with a skip or an Error.
class Builder {
 public:
  Builder(const TorchFile& torch, const std::string& name) : torch_(torch), graph_(torch.graph), name_(name) {}

  // Nothing: skipped, see `skip`.
  Result<std::optional<TensorView>> build(NodeId callable, NodeId args) {
    for (int wrapper = 0; wrapper < max_wrappers; ++wrapper) {
      const RebuildName* rebuild = rebuild_of_global(graph_, callable);
      if (rebuild == nullptr) return fault("a function that rebuilds a tensor", "another value");
      if (graph_[args].kind != NodeKind::tuple) return fault("a tuple of arguments", "another value");
      const std::span<const NodeId> items = graph_[args].items;
      switch (rebuild->how) {
        case Rebuild::dense:
        case Rebuild::dense_with_dtype: return dense(items, rebuild->how == Rebuild::dense_with_dtype);
        case Rebuild::sparse: return sparse(items);
        case Rebuild::unread: return skipped(fmt::format("{} {}", global_name(graph_, callable), not_yet));
        case Rebuild::parameter: {
          if (items.empty() || graph_[items[0]].kind != NodeKind::object)
            return fault("a tensor in a parameter", "none");
          callable = graph_[items[0]].callable;
          args = graph_[items[0]].args;
          break;
        }
        case Rebuild::subclass: {
          if (items.size() < 3 || graph_[items[1]].kind != NodeKind::global)
            return fault("function, type, tuple", "less");
          const std::string type = global_name(graph_, items[1]);
          if (type != "torch.Tensor" && type != "torch.nn.parameter.Parameter") {
            return skipped(fmt::format("tensor subclass {} {}", type, not_yet));
          }
          callable = items[0];
          args = items[2];
          break;
        }
      }
    }
    return fault(fmt::format("a tensor within {} wrappers", max_wrappers), "more");
  }

  std::string skip;

 private:
  struct Storage {
    const TorchType* type = nullptr;  // nullptr: untyped, counted in bytes
    std::string_view key;
    std::uint64_t count = 0;
  };

  Error fault(std::string wanted, std::string found) const {
    return {torch_.archive->file().path(), std::nullopt, fmt::format("{} in tensor '{}'", wanted, name_),
            std::move(found)};
  }
  std::optional<TensorView> skipped(std::string reason) {
    skip = std::move(reason);
    return std::nullopt;
  }

  std::optional<std::uint64_t> unsigned_integer(NodeId id) const {
    const Node& node = graph_[id];
    if (node.kind != NodeKind::integer || node.number < 0) return std::nullopt;
    return static_cast<std::uint64_t>(node.number);
  }
  // A tuple, or torch.Size of one.
  std::optional<std::vector<std::uint64_t>> integers(NodeId id) const {
    const Node* node = &graph_[id];
    if (node->kind == NodeKind::object && graph_[node->callable].kind == NodeKind::global &&
        global_name(graph_, node->callable) == "torch.Size" && graph_[node->args].items.size() == 1) {
      node = &graph_[graph_[node->args].items[0]];
    }
    if (node->kind != NodeKind::tuple || node->items.size() > 64) return std::nullopt;
    std::vector<std::uint64_t> numbers;
    for (const NodeId item : node->items) {
      const auto number = unsigned_integer(item);
      if (!number) return std::nullopt;
      numbers.push_back(*number);
    }
    return numbers;
  }

  // ('storage', class, key, location, count).
  Result<std::optional<Storage>> storage(NodeId id) {
    const Node& node = graph_[id];
    if (node.kind != NodeKind::persistent) return fault("a storage", "another value");
    const std::span<const NodeId> items = graph_[node.items[0]].items;
    const bool shaped = graph_[node.items[0]].kind == NodeKind::tuple && items.size() >= 5 &&
                        graph_[items[0]].text == "storage" && graph_[items[1]].kind == NodeKind::global &&
                        graph_[items[2]].kind == NodeKind::text && unsigned_integer(items[4]);
    if (!shaped) return fault("a storage's class, key, location and count", "other values");
    Storage result{nullptr, graph_[items[2]].text, *unsigned_integer(items[4])};
    const std::string_view name = name_of(graph_, graph_[items[1]]).text;
    if (name == "UntypedStorage" || name == "_UntypedStorage") return std::optional(result);
    const auto row = name.empty() ? torch_types.end() : std::ranges::find(torch_types, name, &TorchType::storage);
    if (row == torch_types.end()) {
      skip = fmt::format("storage class {} is unknown", global_name(graph_, items[1]));
      return std::optional<Storage>();
    }
    result.type = &*row;
    return std::optional(result);
  }

  // (storage, offset, size, stride, requires_grad, hooks[, dtype]).
  Result<std::optional<TensorView>> dense(std::span<const NodeId> items, bool with_dtype) {
    if (items.size() < (with_dtype ? 7u : 4u)) return fault("storage, offset, size and stride", "fewer arguments");
    const auto held = storage(items[0]);
    if (!held) return held.error();
    if (!*held) return std::optional<TensorView>();
    const TorchType* type = (*held)->type;
    if (with_dtype) {
      const Node& dtype = graph_[items[6]];
      if (dtype.kind != NodeKind::global) return fault("a dtype", "another value");
      const auto row = std::ranges::find(torch_types, name_of(graph_, dtype).text, &TorchType::dtype);
      if (row == torch_types.end()) return skipped(fmt::format("dtype {} is unknown", global_name(graph_, items[6])));
      if (type != nullptr && type != &*row) return fault(fmt::format("dtype {}", type->dtype), std::string(row->dtype));
      type = &*row;
    }
    if (type == nullptr) return fault("a dtype", "an untyped storage");
    if (!type->skip.empty()) return skipped(described(*type));
    const auto offset = unsigned_integer(items[1]);
    auto shape = integers(items[2]);
    const auto strides = integers(items[3]);
    if (!offset || !shape || !strides || shape->size() != strides->size()) {
      return fault("an offset, and sizes and strides of one rank, none negative", "other values");
    }
    return view(**held, *type, *offset, *std::move(shape), *strides);
  }

  Result<std::optional<TensorView>> view(const Storage& held, const TorchType& type, std::uint64_t offset,
                                         std::vector<std::uint64_t> shape, const std::vector<std::uint64_t>& strides) {
    TensorView view;
    view.name = name_;
    view.dtype = find_dtype(type.ours);
    const auto item = static_cast<std::uint64_t>(view.dtype->bytes);
    const auto elements = element_count(shape);
    if (!elements || *elements > max_elements) return fault(fmt::format("at most {} elements", max_elements), "more");
    view.elements = *elements;
    view.source = empty_source();
    const auto extent = view_extent(shape, strides);
    view.shape = std::move(shape);
    if (*elements == 0) return std::optional(std::move(view));

    const std::uint64_t count = held.type == nullptr ? held.count / item : held.count;
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
    auto stored = canonical_view(view.shape, strides);
    if (!stored) return skipped("its view overlaps itself");
    view.multiplicity = stored->multiplicity;
    view.source = strided_source(torch_.archive->range(*record, offset * item, *extent * item), std::move(stored->axes),
                                 view.dtype->bytes);
    if (torch_.big_endian) view.source = byte_swapped(view.source, view.dtype->bytes);
    return std::optional(std::move(view));
  }

  // (layout, (indices, values, size[, coalesced])). The indices are not looked at.
  Result<std::optional<TensorView>> sparse(std::span<const NodeId> items) {
    if (items.size() < 2 || graph_[items[1]].kind != NodeKind::tuple) return fault("a layout and its parts", "less");
    const std::string layout = layout_name(items[0]);
    if (layout != "torch.sparse_coo") return skipped(fmt::format("layout {} {}", layout, not_yet));
    const std::span<const NodeId> parts = graph_[items[1]].items;
    if (parts.size() < 3 || graph_[parts[1]].kind != NodeKind::object) return fault("indices, values and size", "less");
    const RebuildName* inner = rebuild_of_global(graph_, graph_[parts[1]].callable);
    if (inner == nullptr || inner->how == Rebuild::sparse) return fault("dense values", "another value");
    const auto shape = integers(parts[2]);
    const auto total = shape ? element_count(*shape) : std::nullopt;
    if (!total || *total > max_elements)
      return fault(fmt::format("a size of at most {} elements", max_elements), "another");
    auto values = build(graph_[parts[1]].callable, graph_[parts[1]].args);
    if (!values || !*values) return values;
    if ((*values)->elements > *total) return skipped("its sparse values repeat (it is not coalesced)");
    (*values)->shape = *shape;
    (*values)->implicit_zeros = *total - (*values)->elements;
    (*values)->elements = *total;
    return values;
  }
  // The layout is a global, or torch.serialization._get_layout('torch.sparse_coo').
  std::string layout_name(NodeId id) const {
    const Node& node = graph_[id];
    if (node.kind == NodeKind::global) return global_name(graph_, id);
    if (node.kind != NodeKind::object || graph_[node.args].items.empty()) return "of another kind";
    return std::string(graph_[graph_[node.args].items[0]].text);
  }

  const TorchFile& torch_;
  const PickleGraph& graph_;
  const std::string& name_;
};

}  // namespace

std::string global_name(const PickleGraph& graph, NodeId global) {
  const Node& node = graph[global];
  return fmt::format("{}.{}", module_of(graph, node).text, name_of(graph, node).text);
}

bool is_tensor(const PickleGraph& graph, NodeId node) {
  return graph[node].kind == NodeKind::object && rebuild_of_global(graph, graph[node].callable) != nullptr;
}

Result<std::optional<TensorView>> torch_view(const TorchFile& torch, NodeId node, const std::string& name,
                                             SkipLog& skips) {
  Builder builder(torch, name);
  auto view = builder.build(torch.graph[node].callable, torch.graph[node].args);
  if (view && !*view) skips.skip(name, builder.skip);
  return view;
}

}  // namespace lowp
