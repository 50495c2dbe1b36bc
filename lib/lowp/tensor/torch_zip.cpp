// SPDX-License-Identifier: Apache-2.0
// torch.save's zip format: a pickle that describes, records that hold. The pickle is read, never run.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "lowp/tensor/reader_rows.h"
#include "lowp/tensor/torch_tensor.h"

namespace lowp {
namespace {

constexpr std::size_t max_depth = 128;
constexpr std::size_t max_name_bytes = 4096;
constexpr std::size_t max_all_names_bytes = std::size_t{64} << 20;
constexpr std::size_t max_names_per_tensor = 1024;
constexpr std::uint64_t max_reads = 128;  // times the bytes of the file, by all its tensors

constexpr std::array<std::string_view, 4> dict_classes{"collections.OrderedDict", "collections.defaultdict",
                                                       "collections.Counter", "builtins.dict"};

// Depth first, in the order of the pickle; names grow and shrink with the path. Each container is entered once, so the
// walk ends whatever the graph is; a tensor is listed under every name it has.
class Walk {
 public:
  Walk(const TorchFile& torch, Input& input, SkipLog& skips)
      : torch_(torch), graph_(torch.graph), input_(input), skips_(skips), entered_(torch.graph.nodes.size()) {}

  Result<Done> run() {
    if (auto done = visit(graph_.root); !done) return done;
    while (!path_.empty()) {
      Frame& frame = path_.back();
      name_.resize(frame.name_bytes);
      const std::span<const NodeId> items = graph_.items(frame.node);
      if (frame.next == items.size()) {
        path_.pop_back();
        continue;
      }
      const std::size_t next = frame.next;
      frame.next += frame.pairs ? 2 : 1;
      const NodeId child = items[frame.pairs ? next + 1 : next];
      const std::string key = frame.pairs ? key_text(items[next]) : std::to_string(next);
      if (path_.size() == 1 && frame.pairs) note_step(key, child);
      if (!leads_anywhere(child)) continue;
      if (name_.size() + 1 + key.size() > max_name_bytes) {
        return fault(fmt::format("tensor names of at most {} bytes", max_name_bytes), "a longer one");
      }
      if (!name_.empty()) name_ += '.';
      name_ += key;
      if (auto done = visit(child); !done) return done;
    }
    return Done{};
  }

 private:
  struct Frame {
    NodeId node;
    bool pairs;
    std::size_t name_bytes;
    std::size_t next = 0;
  };

  Error fault(std::string wanted, std::string found) const {
    return {torch_.archive->file().path(), std::nullopt, std::move(wanted), std::move(found)};
  }

  bool leads_anywhere(NodeId id) const {
    switch (graph_[id].kind) {
      case NodeKind::tuple:
      case NodeKind::list:
      case NodeKind::dict: return !graph_.items(id).empty();
      case NodeKind::object:
      case NodeKind::global:
      case NodeKind::persistent: return true;
      case NodeKind::none:
      case NodeKind::boolean:
      case NodeKind::integer:
      case NodeKind::other:
      case NodeKind::text:
      case NodeKind::bytes: return false;
    }
    return false;
  }
  std::string key_text(NodeId id) const {
    const Node& key = graph_[id];
    if (key.kind == NodeKind::text) return std::string(key.text().substr(0, max_name_bytes + 1));
    return key.kind == NodeKind::integer ? std::to_string(key.number) : "?";
  }
  // A checkpoint may say itself which step it is.
  void note_step(std::string_view key, NodeId value) {
    if ((key == "step" || key == "global_step") && graph_[value].kind == NodeKind::integer &&
        graph_[value].number >= 0) {
      input_.step = graph_[value].number;
    }
  }
  bool is_dict_object(const Node& node) const {
    if (graph_[node.callable()].kind != NodeKind::global) return false;
    return std::ranges::find(dict_classes, global_name(graph_, node.callable())) != dict_classes.end();
  }

  Result<Done> visit(NodeId id) {
    const Node& node = graph_[id];
    if (node.kind == NodeKind::object && is_tensor(graph_, id)) return add_tensor(id);
    if (node.kind == NodeKind::object && !is_dict_object(node)) {
      const bool named = graph_[node.callable()].kind == NodeKind::global;
      const std::string type = named ? global_name(graph_, node.callable()) : "no class";
      skips_.skip(name_.empty() ? "the whole file" : name_,
                  fmt::format("object of {} is not read{}", type,
                              path_.empty() ? " (of a module, torch.save its state_dict())" : ""));
      return Done{};
    }
    if (node.kind == NodeKind::global) {
      skips_.skip(name_, fmt::format("{} is only a name", global_name(graph_, id)));
      return Done{};
    }
    if (node.kind == NodeKind::persistent) {
      skips_.skip(name_, "a bare storage is not read");
      return Done{};
    }
    return enter(id);
  }
  Result<Done> enter(NodeId id) {
    const Node& node = graph_[id];
    if (!leads_anywhere(id)) return Done{};
    if (entered_[id]) {
      skips_.skip(name_, "the same container is listed under another name");
      return Done{};
    }
    entered_[id] = true;
    if (path_.size() >= max_depth) return fault(fmt::format("containers at most {} deep", max_depth), "deeper ones");
    const bool pairs = node.kind == NodeKind::dict || node.kind == NodeKind::object;
    if (pairs && node.count % 2 != 0) return fault("pairs of key and value in a dict", "an odd one");
    path_.push_back({id, pairs, name_.size()});
    return Done{};
  }
  Result<Done> add_tensor(NodeId id) {
    if (++names_of_[id] > max_names_per_tensor) {
      skips_.skip(name_, fmt::format("the same tensor is listed under {} names already", max_names_per_tensor));
      return Done{};
    }
    all_names_bytes_ += name_.size();
    if (all_names_bytes_ > max_all_names_bytes) {
      return fault(fmt::format("names of at most {} MiB in all", max_all_names_bytes >> 20), "longer ones");
    }
    std::string name = name_.empty() ? "tensor" : name_;
    // "a.b" may be a key and also b inside a: the later one gets a number.
    const std::string plain = name;
    for (std::uint64_t& uses = used_[plain]; !taken_.insert(name).second;)
      name = fmt::format("{}#{}", plain, ++uses + 1);
    auto view = torch_view(torch_, id, name, skips_);
    if (!view) return view.error();
    if (!*view) return Done{};
    bytes_ += (*view)->source->size();
    if (bytes_ / max_reads > input_.bytes) {
      return fault(fmt::format("tensors of at most {} times the {} bytes of the file", max_reads, input_.bytes),
                   "more, as views of the same bytes");
    }
    input_.tensors.push_back(**std::move(view));
    return Done{};
  }

  const TorchFile& torch_;
  const PickleGraph& graph_;
  Input& input_;
  SkipLog& skips_;
  std::vector<bool> entered_;
  std::vector<Frame> path_;
  std::string name_;
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, std::uint64_t> used_;  // times a name was wanted again
  std::unordered_map<NodeId, std::size_t> names_of_;
  std::size_t all_names_bytes_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<Input> open_torch(const std::string& path, const OpenOptions& options) {
  const auto file = File::open(path);
  if (!file) return file.error();
  const auto open = (*file)->descriptor();  // for as long as places in it are looked up
  if (!open) return open.error();
  const auto torch = open_torch_archive(*file, options);
  if (!torch) return torch.error();
  Input input;
  input.path = path;
  input.bytes = (*file)->size();
  input.files = {(*file)->stamp()};
  SkipLog skips;
  if (const auto done = Walk(**torch, input, skips).run(); !done) return done.error();
  input.notes = skips.notes();
  return input;
}

}  // namespace lowp
