// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/torch_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/row_major.h"
#include "lowp/tensor/sparse_tensor.h"
#include "lowp/tensor/strided.h"
#include "lowp/tensor/torch_strided.h"

namespace lowp {
namespace {

constexpr int max_wrappers = 8;  // a parameter around a tensor with attributes around ...
constexpr std::string_view not_yet = "is not read yet";

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

std::string_view module_of(const PickleGraph& graph, NodeId global) {
  return graph[graph.items(global)[0]].text();
}
std::string_view name_of(const PickleGraph& graph, NodeId global) {
  return graph[graph.items(global)[1]].text();
}

const RebuildName* rebuild_of_global(const PickleGraph& graph, NodeId id) {
  if (graph[id].kind != NodeKind::global) return nullptr;
  const std::string_view module = module_of(graph, id);
  if (module != "torch._utils" && module != "torch._tensor") return nullptr;
  const auto row = std::ranges::find(rebuild_names, name_of(graph, id), &RebuildName::name);
  return row == rebuild_names.end() ? nullptr : &*row;
}

// A tensor node on its way to a view. Every step may end with a skip or an Error.
class Builder {
 public:
  Builder(const TorchFile& torch, const std::string& name) : graph_(torch.graph), name_(name), reader_(torch, name) {}

  // Nothing: skipped, see `skip`.
  Result<std::optional<TensorView>> build(NodeId callable, NodeId args) {
    for (int wrapper = 0; wrapper < max_wrappers; ++wrapper) {
      const RebuildName* rebuild = rebuild_of_global(graph_, callable);
      if (rebuild == nullptr) return fault("a function that rebuilds a tensor", "another value");
      if (graph_[args].kind != NodeKind::tuple) return fault("a tuple of arguments", "another value");
      const std::span<const NodeId> items = graph_.items(args);
      switch (rebuild->how) {
        case Rebuild::dense:
        case Rebuild::dense_with_dtype: return dense(items, rebuild->how == Rebuild::dense_with_dtype);
        case Rebuild::sparse: return sparse(items);
        case Rebuild::unread: return skipped(fmt::format("{} {}", global_name(graph_, callable), not_yet));
        case Rebuild::parameter: {
          if (items.empty() || graph_[items[0]].kind != NodeKind::object)
            return fault("a tensor in a parameter", "none");
          callable = graph_[items[0]].callable();
          args = graph_[items[0]].args();
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
  std::optional<TensorView> skipped(std::string reason) {
    skip = std::move(reason);
    return std::nullopt;
  }
  Error fault(std::string wanted, std::string found) const {
    return reader_.fault(std::move(wanted), std::move(found));
  }

  Result<std::optional<Strided>> strided(std::span<const NodeId> items, bool with_dtype, bool indices) {
    auto tensor = reader_.read(items, with_dtype, indices);
    if (tensor && !*tensor) skip = reader_.skip;
    return tensor;
  }
  Result<std::optional<TensorView>> dense(std::span<const NodeId> items, bool with_dtype) {
    auto tensor = strided(items, with_dtype, false);
    if (!tensor) return tensor.error();
    if (!*tensor) return std::optional<TensorView>();
    return view(**tensor);
  }
  std::optional<TensorView> view(const Strided& tensor) {
    TensorView view;
    view.name = name_;
    view.dtype = tensor.type.read;
    view.elements = tensor.elements;
    view.source = tensor.extent;
    view.shape = tensor.shape;
    if (tensor.elements == 0) return view;
    auto stored = canonical_view(tensor.shape, tensor.strides);
    if (!stored) return skipped("its view overlaps itself");
    view.multiplicity = stored->multiplicity;
    view.source = strided_source(tensor.extent, std::move(stored->axes), view.dtype->bytes);
    if (!is_row_major(tensor.shape, tensor.strides)) view.row_major = reader_.in_row_major(tensor);
    return view;
  }

  // (layout, (indices, values, size[, coalesced])).
  Result<std::optional<TensorView>> sparse(std::span<const NodeId> items) {
    if (items.size() < 2 || graph_[items[1]].kind != NodeKind::tuple) return fault("a layout and its parts", "less");
    const std::string layout = layout_name(items[0]);
    if (layout != "torch.sparse_coo") return skipped(fmt::format("layout {} {}", layout, not_yet));
    const std::span<const NodeId> parts = graph_.items(items[1]);
    if (parts.size() < 3) return fault("indices, values and size", "less");
    const auto shape = reader_.integers(parts[2]);
    const auto total = shape ? element_count(*shape) : std::nullopt;
    if (!total || *total > max_elements)
      return fault(fmt::format("a size of at most {} elements", max_elements), "another");
    const auto indices = sparse_part(parts[0], true);
    if (!indices) return indices.error();
    const auto values = sparse_part(parts[1], false);
    if (!values) return values.error();
    if (!*indices || !*values) return std::optional<TensorView>();
    const std::size_t axes = (*indices)->shape.empty() ? 0 : static_cast<std::size_t>((*indices)->shape[0]);
    const std::span<const std::uint64_t> inner = (*values)->shape;
    if ((*indices)->shape.size() != 2 || inner.empty() || inner[0] != (*indices)->shape[1] || axes > shape->size() ||
        !std::ranges::equal(inner.subspan(1), std::span(*shape).subspan(axes)))
      return fault("sparse indices and values that fit the size", "others");
    auto placed = std::make_shared<SparseParts>();
    placed->where = reader_.where();
    placed->sizes.assign(shape->begin(), shape->begin() + static_cast<std::ptrdiff_t>(axes));
    placed->entries = inner[0];
    placed->block = *element_count(inner.subspan(1));
    placed->dtype = (*values)->type.read;
    placed->indices = reader_.in_row_major(**indices);
    placed->values = reader_.in_row_major(**values);
    const bool coalesced = parts.size() > 3 && graph_.truth(parts[3]);
    auto view = this->view(**values);
    if (!view) return view;
    return completed(*std::move(view), std::move(placed), *shape, *total, coalesced);
  }
  Result<std::optional<Strided>> sparse_part(NodeId id, bool indices) {
    const RebuildName* rebuild =
        graph_[id].kind == NodeKind::object ? rebuild_of_global(graph_, graph_[id].callable()) : nullptr;
    const bool fits = rebuild != nullptr && graph_[graph_[id].args()].kind == NodeKind::tuple &&
                      (rebuild->how == Rebuild::dense || rebuild->how == Rebuild::dense_with_dtype);
    if (!fits) return fault("dense sparse indices and values", "another value");
    return strided(graph_.items(graph_[id].args()), rebuild->how == Rebuild::dense_with_dtype, indices);
  }
  // From a view of the stored values to one of the whole. torch says of a coalesced tensor that its indices differ, so
  // they are looked at only where its order matters.
  Result<std::optional<TensorView>> completed(TensorView view, std::shared_ptr<const SparseParts> parts,
                                              const std::vector<std::uint64_t>& shape, std::uint64_t total,
                                              bool coalesced) {
    if (total == 0 || view.elements == 0) {
      view.source = empty_source();
      view.multiplicity = 1;
      view.elements = 0;
    } else if (!coalesced) {
      if (parts->entries > max_sparse_entries)
        return skipped(
            fmt::format("it is not coalesced, and more than {} entries are not added here", max_sparse_entries));
      auto plan = plan_sparse(*parts);
      if (!plan) return plan.error();
      const std::uint64_t kept = plan->place.size() * parts->block;
      if (kept != view.elements) {
        view.source = coalesced_source(parts, std::make_shared<const SparsePlan>(*std::move(plan)));
        view.multiplicity = 1;
        view.elements = kept;
      }
    }
    if (view.elements > total) return skipped("it has more sparse values than elements");
    view.implicit_zeros = total - view.elements;
    view.elements = total;
    view.shape = shape;
    view.row_major = total == 0 ? nullptr : dense_source(std::move(parts));
    return std::optional(std::move(view));
  }
  // The layout is a global, or torch.serialization._get_layout('torch.sparse_coo').
  std::string layout_name(NodeId id) const {
    const Node& node = graph_[id];
    if (node.kind == NodeKind::global) return global_name(graph_, id);
    if (node.kind != NodeKind::object || graph_.items(node.args()).empty()) return "of another kind";
    return std::string(graph_[graph_.items(node.args())[0]].text());
  }

  const PickleGraph& graph_;
  const std::string& name_;
  StridedReader reader_;
};

}  // namespace

std::string global_name(const PickleGraph& graph, NodeId global) {
  return fmt::format("{}.{}", module_of(graph, global), name_of(graph, global));
}

bool is_tensor(const PickleGraph& graph, NodeId node) {
  return graph[node].kind == NodeKind::object && rebuild_of_global(graph, graph[node].callable()) != nullptr;
}

Result<std::optional<TensorView>> torch_view(const TorchFile& torch, NodeId node, const std::string& name,
                                             SkipLog& skips) {
  Builder builder(torch, name);
  auto view = builder.build(torch.graph[node].callable(), torch.graph[node].args());
  if (view && !*view) skips.skip(name, builder.skip);
  return view;
}

}  // namespace lowp
