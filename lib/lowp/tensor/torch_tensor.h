// SPDX-License-Identifier: Apache-2.0
// From nodes of a torch pickle to views of its storages.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lowp/tensor/pickle.h"
#include "lowp/tensor/skip_log.h"
#include "lowp/tensor/zip.h"

namespace lowp {

// One torch archive: the records are `root`/data.pkl and `root`/data/KEY.
struct TorchFile {
  std::shared_ptr<const ZipArchive> archive;
  std::string root;
  bool big_endian = false;
  std::string pickle;
  PickleGraph graph;  // its texts are in `pickle`
};

// The largest pickle that is read.
inline constexpr std::uint64_t max_pickle_bytes = std::uint64_t{64} << 20;

// Opens what torch.save wrote; an Error says what a file of another kind is.
Result<std::unique_ptr<const TorchFile>> open_torch_archive(std::shared_ptr<const File> file,
                                                            const OpenOptions& options);

// "module.name" of a global node.
std::string global_name(const PickleGraph& graph, NodeId global);

// Whether the node rebuilds a tensor, readable or not.
bool is_tensor(const PickleGraph& graph, NodeId node);

// The view that a tensor node describes, named `name`; nothing, and a word in `skips`, if it is of a kind that is not
// read (integers, quantized, overlapping views, ...). An Error if it contradicts the archive or makes no sense.
Result<std::optional<TensorView>> torch_view(const TorchFile& torch, NodeId node, const std::string& name,
                                             SkipLog& skips);

}  // namespace lowp
