// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/recognise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lowp/tensor/file.h"
#include "lowp/tensor/sniff.h"

namespace lowp {
namespace {

// Files that are no dumps, by how they begin. Those with a short magic are believed only where no dtype was given.
struct Foreign {
  std::string_view magic;
  std::string_view what;
};
using namespace std::string_view_literals;
constexpr std::array foreign_files{
    Foreign{"version https://git-lfs.github.com"sv,
            "a pointer of Git LFS in place of the file (git lfs pull fetches it)"},
    Foreign{"<!doctype html"sv, "a web page (the download went wrong?)"},
    Foreign{"<html"sv, "a web page (the download went wrong?)"},
    Foreign{"\x89HDF\r\n\x1a\n"sv, "an HDF5 file (save the arrays with numpy.savez)"},
    Foreign{"\xfd"
            "7zXZ\0"sv,
            "xz data (unpack it first)"},
    Foreign{"GGUF"sv, "a GGUF file"},
    Foreign{"\x28\xb5\x2f\xfd"sv, "zstd data (unpack it first)"},
    Foreign{"\x1f\x8b\x08"sv, "gzip data (unpack it first)"},
    Foreign{"BZh"sv, "bzip2 data (unpack it first)"},
    Foreign{"\x80\x02"sv, "a Python pickle (torch.save or numpy.savez the arrays)"},
    Foreign{"\x80\x03"sv, "a Python pickle (torch.save or numpy.savez the arrays)"},
    Foreign{"\x80\x04"sv, "a Python pickle (torch.save or numpy.savez the arrays)"},
    Foreign{"\x80\x05"sv, "a Python pickle (torch.save or numpy.savez the arrays)"},
};
constexpr std::size_t certain_magic = 5;

bool begins_with(std::span<const std::byte> head, std::string_view magic) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  const bool is_text = magic.front() == '<';  // whose case, and blanks before it, mean nothing
  const std::string_view begin = is_text ? text.substr(std::min(text.find_first_not_of(" \t\r\n"), text.size())) : text;
  return begin.size() >= magic.size() &&
         std::ranges::equal(begin.substr(0, magic.size()), magic, {}, [&](char c) { return is_text ? lower(c) : c; });
}

const Foreign* foreign_kind(std::span<const std::byte> head, bool certain) {
  const auto row = std::ranges::find_if(foreign_files, [&](const Foreign& kind) {
    return (!certain || kind.magic.size() >= certain_magic) && begins_with(head, kind.magic);
  });
  return row == foreign_files.end() ? nullptr : &*row;
}

}  // namespace

Result<const Reader*> recognise_head(const std::string& path, std::span<const std::byte> head,
                                     const OpenOptions& options, bool named_by_user) {
  const auto row = [](auto fits) -> const Reader* {
    const auto found = std::ranges::find_if(readers(), fits);
    return found == readers().end() ? nullptr : &*found;
  };
  if (!options.reader.empty()) return row([&](const Reader& reader) { return reader.name == options.reader; });
  const bool known = has_known_magic(head), raw = options.raw_dtype != nullptr;
  const Reader* sniffed = row([&](const Reader& reader) { return reader.sniff(path, head); });
  if (sniffed != nullptr && (known || sniffed->claims_files)) return sniffed;
  if (const Foreign* kind = known ? nullptr : foreign_kind(head, raw)) {
    return Error{path, std::nullopt, fmt::format("a dump ({})", reader_names()), std::string(kind->what)};
  }
  const Reader* any = row([](const Reader& reader) { return reader.takes_any_bytes; });
  if (raw && (named_by_user || has_extension(path, any->extensions))) return any;
  return sniffed;
}

Result<const Reader*> recognise(const std::string& path, const OpenOptions& options, bool named_by_user) {
  const auto file = File::open(path);
  if (!file) return file.error();
  if (has_extension(path, ".distcp") && options.reader.empty()) {
    return Error{path, std::nullopt, "a dump of its own",
                 "one file of a torch.distributed.checkpoint (name its directory, which holds .metadata)"};
  }
  std::vector<std::byte> head(static_cast<std::size_t>(std::min<std::uint64_t>(head_bytes, (*file)->size())));
  if (const auto done = (*file)->read(0, head); !done) return done.error();
  return recognise_head(path, head, options, named_by_user);
}

}  // namespace lowp
