// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lowp/tensor/sniff.h"
#include "lowp/tensor/torch_tensor.h"

namespace lowp {
namespace {

// What torch.save wrote before zip, and other zips of torch, in words.
std::optional<Error> unread_kind(const File& file) {
  std::array<std::byte, 512> bytes{};
  const auto head =
      std::span(bytes).first(static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), file.size())));
  if (const auto done = file.read(0, head); !done) return done.error();
  if (is_zip(head)) return std::nullopt;
  const auto fault = [&](std::string found) {
    return Error{file.path(), 0, "torch.save's zip format (load it and torch.save it again)", std::move(found)};
  };
  if (is_legacy_torch(head)) return fault("the format from before torch 1.6");
  if (is_tar(head)) return fault("the tar format of torch 0.1");
  return fault("neither a zip nor an older torch format");
}

// What a zip without data.pkl is instead.
std::string what_else(const ZipArchive& archive) {
  for (const ZipEntry& entry : archive.entries()) {
    const std::string_view name = std::string_view(entry.name).substr(entry.name.rfind('/') + 1);
    if (name == "archive_format" || name == "serialized_exported_program.json")
      return "a program of torch.export (torch.save the state_dict of its module instead)";
  }
  return "none";
}

Result<std::string> find_root(const ZipArchive& archive) {
  constexpr std::string_view pickle = "/data.pkl";
  const auto fault = [&](std::string wanted, std::string found) {
    return Error{archive.file().path(), std::nullopt, std::move(wanted), std::move(found)};
  };
  std::optional<std::string> root;
  for (const ZipEntry& entry : archive.entries()) {
    const auto slash = entry.name.find('/');
    if (slash == std::string::npos || entry.name.substr(slash) != pickle) continue;
    if (root) return fault("one data.pkl", "two");
    root = entry.name.substr(0, slash);
  }
  if (!root) return fault("a record NAME/data.pkl", what_else(archive));
  if (archive.find(*root + "/constants.pkl") != nullptr) {
    return fault("tensors saved by torch.save", "a TorchScript program (torch.save its state_dict instead)");
  }
  return *root;
}

Result<bool> is_big_endian(const ZipArchive& archive, const std::string& root) {
  const ZipEntry* record = archive.find(root + "/byteorder");
  if (record == nullptr) return false;
  const auto order = archive.read_all(*record, 16);
  if (!order) return order.error();
  if (*order == "little" || *order == "big") return *order == "big";
  return Error{archive.where(*record), 0, "'little' or 'big'", "'" + *order + "'"};
}

}  // namespace

Result<std::unique_ptr<const TorchFile>> open_torch_archive(std::shared_ptr<const File> file,
                                                            const OpenOptions& options) {
  if (auto error = unread_kind(*file)) return *std::move(error);
  auto archive = ZipArchive::open(std::move(file), options.strict ? Checksums::enforced : Checksums::noted);
  if (!archive) return archive.error();
  auto torch = std::make_unique<TorchFile>();
  torch->archive = *std::move(archive);
  auto root = find_root(*torch->archive);
  if (!root) return root.error();
  torch->root = *std::move(root);
  const auto big_endian = is_big_endian(*torch->archive, torch->root);
  if (!big_endian) return big_endian.error();
  torch->big_endian = *big_endian;
  const ZipEntry& record = *torch->archive->find(torch->root + "/data.pkl");
  auto pickle = torch->archive->read_all(record, max_pickle_bytes);
  if (!pickle) return pickle.error();
  torch->pickle = *std::move(pickle);
  auto graph = read_pickle(torch->pickle, torch->archive->where(record));
  if (!graph) return graph.error();
  torch->graph = *std::move(graph);
  return std::unique_ptr<const TorchFile>(std::move(torch));
}

}  // namespace lowp
