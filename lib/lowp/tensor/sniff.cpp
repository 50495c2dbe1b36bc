// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/sniff.h"

#include <algorithm>
#include <cstdint>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/reader_rows.h"

namespace lowp {
namespace {

constexpr std::string_view torch_extensions = ".pt .pth .ckpt";

std::string_view as_text(Head head) {
  return {reinterpret_cast<const char*>(head.data()), head.size()};
}

bool starts_with(Head head, std::string_view magic) {
  return as_text(head).starts_with(magic);
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool ends_with_ignoring_case(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && std::ranges::equal(text.substr(text.size() - end.size()), end, {}, lower, lower);
}

// A zip is npz or torch by its first entry; an undecided one by the name of the file.
bool is_npz_name(std::string_view entry) {
  return entry.ends_with(".npy");
}
bool is_torch_name(std::string_view entry) {
  return entry.ends_with("/data.pkl") || entry.ends_with("/version") || entry.ends_with("/byteorder") ||
         entry.find("/data/") != std::string_view::npos;
}

}  // namespace

bool is_npy(Head head) {
  return starts_with(head, "\x93NUMPY");
}

bool is_zip(Head head) {
  return starts_with(head, "PK\x03\x04") || starts_with(head, "PK\x05\x06");
}

bool is_tar(Head head) {
  return head.size() >= 262 && as_text(head).substr(257, 5) == "ustar";
}

// Protocol 2, then LONG1 0x1950a86a20f9469cfc6c: the first of the five pickles.
bool is_legacy_torch(Head head) {
  return starts_with(head, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19");
}

// The shortest header is "{}"; in a longer one a name follows the brace.
bool is_safetensors(Head head) {
  if (head.size() < 10 || little_endian(head.first(8)) < 2 || little_endian(head.first(8)) > 100'000'000) return false;
  const std::string_view json = as_text(head).substr(8);
  const auto first = json.find_first_not_of(" \t\r\n", 1);
  return json[0] == '{' && first != std::string_view::npos && (json[first] == '"' || json[first] == '}');
}

bool has_known_magic(Head head) {
  return is_npy(head) || is_zip(head) || is_legacy_torch(head) || is_safetensors(head);
}

std::string_view first_zip_name(Head head) {
  if (!starts_with(head, "PK\x03\x04") || head.size() < 30) return {};
  return as_text(head).substr(30, static_cast<std::size_t>(little_endian(head.subspan(26, 2))));
}

bool has_extension(std::string_view path, std::string_view extensions) {
  while (!extensions.empty()) {
    const std::string_view extension = extensions.substr(0, extensions.find(' '));
    if (ends_with_ignoring_case(path, extension)) return true;
    extensions.remove_prefix(std::min(extension.size() + 1, extensions.size()));
  }
  return false;
}

bool is_binades(Head head) {
  constexpr std::string_view beginning = R"({"__metadata__":{"binades":")";
  return is_safetensors(head) && head.size() > 8 && as_text(head.subspan(8)).starts_with(beginning);
}

bool sniff_binades(std::string_view path, Head head) {
  return is_binades(head) || (has_extension(path, ".binades") && !has_known_magic(head));
}

bool sniff_safetensors(std::string_view path, Head head) {
  if (sniff_binades(path, head)) return false;
  return is_safetensors(head) || (has_extension(path, ".safetensors") && !has_known_magic(head));
}

bool sniff_safetensors_index(std::string_view path, Head head) {
  return has_extension(path, ".index.json") && !sniff_torch_index(path, head) && !has_known_magic(head);
}

bool sniff_torch_index(std::string_view path, Head head) {
  return has_extension(path, ".bin.index.json") && !has_known_magic(head);
}

bool sniff_npy(std::string_view path, Head head) {
  return is_npy(head) || (has_extension(path, ".npy") && !has_known_magic(head));
}

bool sniff_npz(std::string_view path, Head head) {
  const bool named = has_extension(path, ".npz");
  if (!is_zip(head)) return named && !has_known_magic(head);
  const std::string_view entry = first_zip_name(head);
  return is_npz_name(entry) || (named && !is_torch_name(entry));
}

bool sniff_torch(std::string_view path, Head head) {
  const bool named = has_extension(path, torch_extensions);
  if (is_legacy_torch(head)) return true;
  if (!is_zip(head)) return named && !has_known_magic(head);
  const std::string_view entry = first_zip_name(head);
  return is_torch_name(entry) || (named && !is_npz_name(entry));
}

bool sniff_torch_dcp(std::string_view path, Head head) {
  return path.substr(path.rfind('/') + 1) == ".metadata" && (head.empty() || starts_with(head, "\x80"));
}

bool sniff_raw(std::string_view, Head) {
  return false;
}

}  // namespace lowp
