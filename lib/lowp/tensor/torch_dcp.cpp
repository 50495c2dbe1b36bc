// SPDX-License-Identifier: Apache-2.0
// A directory of torch.distributed.checkpoint: the pickle .metadata says which part of which tensor is where; each part
// is a torch.save archive inside a .distcp file. Pickles are read, never run.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/chunks.h"
#include "lowp/tensor/reader_rows.h"
#include "lowp/tensor/shards.h"
#include "lowp/tensor/torch_strided.h"
#include "lowp/tensor/torch_tensor.h"

namespace lowp {
namespace {

constexpr std::size_t max_rank = 64;
constexpr std::uint64_t max_reads = 128;  // times the bytes of all files, by all tensors

// Where a part lies. Offsets of the part in its tensor are its key.
struct Place {
  NodeId file = 0;  // its name
  std::uint64_t begin = 0, size = 0;
  bool transformed = false;  // compressed, say
};
using PartKey = std::pair<std::string_view, std::vector<std::uint64_t>>;

class Checkpoint {
 public:
  Checkpoint(std::string directory, const PickleGraph& graph, const OpenOptions& options, Input& input)
      : directory_(std::move(directory)), graph_(graph), options_(options), input_(input) {}

  Result<Done> run() {
    const NodeId root = graph_[graph_.root].state;
    const NodeId tensors = graph_.find(root, "state_dict_metadata"), places = graph_.find(root, "storage_data");
    if (graph_[tensors].kind != NodeKind::dict || graph_[places].kind != NodeKind::dict)
      return fault("the metadata of a checkpoint (state_dict_metadata, storage_data)", "another pickle");
    if (auto done = read_places(places); !done) return done;
    const std::span<const NodeId> items = graph_.items(tensors);
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      if (graph_[items[i]].kind != NodeKind::text) return fault("names of tensors", "another value");
      if (auto done = add(graph_[items[i]].text(), items[i + 1]); !done) return done;
    }
    std::uint64_t bytes = 0;
    for (const TensorView& view : input_.tensors) bytes += view.source->size();
    if (bytes / max_reads > input_.bytes)
      return fault(fmt::format("tensors of at most {} times the {} bytes of the files", max_reads, input_.bytes),
                   "more");
    input_.notes = skips_.notes();
    return Done{};
  }

 private:
  Error fault(std::string wanted, std::string found) const {
    return {directory_ + ".metadata", std::nullopt, std::move(wanted), std::move(found)};
  }
  std::optional<std::uint64_t> unsigned_integer(NodeId id) const {
    if (graph_[id].kind != NodeKind::integer || graph_[id].number < 0) return std::nullopt;
    return static_cast<std::uint64_t>(graph_[id].number);
  }
  // A list, a tuple, or torch.Size of one.
  std::optional<std::vector<std::uint64_t>> integers(NodeId id) const {
    if (graph_[id].kind == NodeKind::object && graph_.items(graph_[id].args()).size() == 1)
      id = graph_.items(graph_[id].args())[0];
    const bool fits = graph_[id].kind == NodeKind::tuple || graph_[id].kind == NodeKind::list;
    if (!fits || graph_.items(id).size() > max_rank) return std::nullopt;
    std::vector<std::uint64_t> numbers;
    for (const NodeId item : graph_.items(id)) {
      const auto number = unsigned_integer(item);
      if (!number) return std::nullopt;
      numbers.push_back(*number);
    }
    return numbers;
  }
  bool is_object(NodeId id, std::string_view name) const {
    return graph_[id].kind == NodeKind::object && graph_[graph_[id].callable()].kind == NodeKind::global &&
           global_name(graph_, graph_[id].callable()).ends_with(name);
  }

  // {MetadataIndex(fqn, offset, index): _StorageInfo(relative_path, offset, length)}.
  Result<Done> read_places(NodeId dict) {
    const std::span<const NodeId> items = graph_.items(dict);
    for (std::size_t i = 0; i + 1 < items.size(); i += 2) {
      const NodeId index = graph_[items[i]].state, info = graph_[items[i + 1]].state;
      const NodeId name = graph_.find(index, "fqn"), offset = graph_.find(index, "offset");
      const NodeId file = graph_.find(info, "relative_path"), transforms = graph_.find(info, "transform_descriptors");
      const auto begin = unsigned_integer(graph_.find(info, "offset")),
                 size = unsigned_integer(graph_.find(info, "length"));
      auto at = graph_[offset].kind == NodeKind::none ? std::vector<std::uint64_t>() : integers(offset);
      if (graph_[name].kind != NodeKind::text || graph_[file].kind != NodeKind::text || !begin || !size || !at)
        return fault("name, file, offset and length of each part", "other values");
      places_[{graph_[name].text(), *std::move(at)}] = {file, *begin, *size, !graph_.items(transforms).empty()};
    }
    return Done{};
  }

  Result<Done> add(std::string_view name, NodeId metadata) {
    if (is_object(metadata, ".BytesStorageMetadata")) return add_object(name);
    const NodeId state = graph_[metadata].state;
    const NodeId properties = graph_[graph_.find(state, "properties")].state, chunks = graph_.find(state, "chunks");
    const auto size = integers(graph_.find(state, "size"));
    if (!is_object(metadata, ".TensorStorageMetadata") || !size || graph_[chunks].kind != NodeKind::list)
      return fault(fmt::format("properties, size and chunks of '{}'", printable(name)), "other values");
    const NodeId dtype = graph_[properties].kind == NodeKind::tuple && graph_[properties].count != 0
                             ? graph_.items(properties)[0]
                             : NodeId{0};
    const StoredDtype type =
        graph_[dtype].kind == NodeKind::global
            ? stored_dtype(&Dtype::torch, &OtherDtype::torch, graph_[graph_.items(dtype)[1]].text())
            : StoredDtype{};
    if (type.other != nullptr) {
      skips_.skip(name, fmt::format("dtype {} {}", type.torch(), type.other->why));
      return Done{};
    }
    std::vector<Chunk> parts;
    for (const NodeId chunk : graph_.items(chunks)) {
      auto offset = integers(graph_.find(graph_[chunk].state, "offsets"));
      if (!offset) return fault(fmt::format("offsets of the parts of '{}'", printable(name)), "other values");
      auto view = read_part(name, *offset);
      if (!view) return view.error();
      if (*view) parts.push_back({*std::move(offset), **std::move(view)});
    }
    add_parts(std::string(name), *size, std::move(parts), graph_.items(chunks).size());
    return Done{};
  }
  // Joined where that is possible, else each part by itself.
  void add_parts(const std::string& name, const std::vector<std::uint64_t>& size, std::vector<Chunk> parts,
                 std::size_t wanted) {
    if (parts.size() == wanted) {
      if (auto whole = join_chunks(name, size, parts)) return input_.tensors.push_back(*std::move(whole));
    }
    if (!parts.empty()) skips_.skip(name, "the whole; its parts do not fill it and are listed one by one");
    for (Chunk& part : parts) {
      part.view.name = fmt::format("{}[{}]", name, fmt::join(part.offset, ","));
      input_.tensors.push_back(std::move(part.view));
    }
  }

  Result<std::shared_ptr<const File>> file_of(NodeId name) {
    const std::string plain(graph_[name].text());
    if (auto open = files_.find(plain); open != files_.end()) return open->second;
    if (!is_base_name(plain)) return fault("file names without directories", "'" + plain + "'");
    auto file = File::open(directory_ + plain);
    if (!file) return file;
    input_.files.push_back((*file)->stamp());
    input_.bytes += (*file)->size();
    if (auto descriptor = (*file)->descriptor()) held_.push_back(*std::move(descriptor));
    if (held_.size() > max_held) held_.erase(held_.begin());
    files_.emplace(plain, *file);
    return file;
  }
  // The archive of one part; nothing, and a word in the notes, where it is not there or of another kind.
  Result<std::unique_ptr<const TorchFile>> archive_of(std::string_view name, const std::vector<std::uint64_t>& offset) {
    const auto place = places_.find({name, offset});
    if (place == places_.end()) {
      skips_.skip(name, "a part of it has no place in storage_data");
      return std::unique_ptr<const TorchFile>();
    }
    if (place->second.transformed) {
      skips_.skip(name, "its parts were transformed (compressed), which is not read yet");
      return std::unique_ptr<const TorchFile>();
    }
    auto file = file_of(place->second.file);
    if (!file) return file.error();
    const auto [_, begin, size, transformed] = place->second;
    if (begin > (*file)->size() || size > (*file)->size() - begin)
      return Error{(*file)->path(), begin, fmt::format("{} bytes of '{}'", size, printable(name)), "end of file"};
    return open_torch_archive(File::part(*file, begin, size), options_);
  }
  Result<std::optional<TensorView>> read_part(std::string_view name, const std::vector<std::uint64_t>& offset) {
    const auto torch = archive_of(name, offset);
    if (!torch) return torch.error();
    if (*torch == nullptr) return std::optional<TensorView>();
    if (is_tensor((*torch)->graph, (*torch)->graph.root))
      return torch_view(**torch, (*torch)->graph.root, std::string(name), skips_);
    skips_.skip(name, "a part of it is no tensor");
    return std::optional<TensorView>();
  }
  // An object of another kind; a whole number called step says which step it is.
  Result<Done> add_object(std::string_view name) {
    if (name == "step" || name == "global_step") {
      const auto torch = archive_of(name, {});
      if (!torch) return torch.error();
      const PickleGraph* graph = *torch == nullptr ? nullptr : &(*torch)->graph;
      if (graph != nullptr && (*graph)[graph->root].kind == NodeKind::integer && (*graph)[graph->root].number >= 0)
        input_.step = (*graph)[graph->root].number;
      return Done{};
    }
    skips_.skip(name, "an object that is no tensor");
    return Done{};
  }

  static constexpr std::size_t max_held = 64;
  const std::string directory_;
  const PickleGraph& graph_;
  const OpenOptions& options_;
  Input& input_;
  SkipLog skips_;
  std::map<PartKey, Place> places_;
  std::unordered_map<std::string, std::shared_ptr<const File>> files_;
  std::vector<std::shared_ptr<const Descriptor>> held_;  // while parts are looked up
};

}  // namespace

Result<Input> open_torch_dcp(const std::string& path, const OpenOptions& options) {
  const auto file = File::open(path);
  if (!file) return file.error();
  if ((*file)->size() > max_pickle_bytes)
    return Error{path, std::nullopt, fmt::format("at most {} bytes of metadata", max_pickle_bytes),
                 fmt::format("{}", (*file)->size())};
  std::string pickle(static_cast<std::size_t>((*file)->size()), '\0');
  if (const auto done = (*file)->read(0, std::as_writable_bytes(std::span(pickle))); !done) return done.error();
  const auto graph = read_pickle(pickle, path);
  if (!graph) return graph.error();
  const std::string directory = path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
  Input input;
  input.path = directory.empty() ? path : directory.substr(0, directory.size() - 1);
  input.bytes = (*file)->size();
  input.files = {(*file)->stamp()};
  if (const auto done = Checkpoint(directory, *graph, options, input).run(); !done) return done.error();
  return input;
}

}  // namespace lowp
