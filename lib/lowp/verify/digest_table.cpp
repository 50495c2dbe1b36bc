// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/digest_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>

#include "lowp/tensor/file.h"
#include "recorded_digests.h"

namespace lowp::verify {
namespace {

constexpr std::string_view head =
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# Digests of the codes that all inputs of a source format give in a target format, in order of input codes.\n"
    "# `precision-audit verify conversions` compares with them; --full --write-digests FILE made them, each case "
    "checked\n"
    "# against the oracle at that time. The digest is defined at digest_of in "
    "tools/precision_audit/conversion_sweep.h.\n"
    "# source\ttarget\trounding\toverflow\tdigest\n";

std::string key_of(const SweepCase& what) {
  return fmt::format("{}\t{}\t{}\t{}", what.source, what.target->name, rounding_name(what.rounding),
                     overflow_name(what.overflow));
}

}  // namespace

const DigestTable& DigestTable::recorded() {
  static const DigestTable table = [] {
    std::optional<std::size_t> wrong_line;
    DigestTable parsed = parse(recorded_digests, wrong_line);
    assert(!wrong_line);
    return parsed;
  }();
  return table;
}

DigestTable DigestTable::parse(std::string_view text, std::optional<std::size_t>& wrong_line) {
  DigestTable table;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t last_tab = line.rfind('\t');
    const std::string_view key = line.substr(0, last_tab == line.npos ? 0 : last_tab);
    const std::string_view word = line.substr(key.empty() ? 0 : last_tab + 1);
    std::uint64_t digest = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), digest, 16);
    const bool whole = word.size() == 16 && error == std::errc{} && end == word.data() + word.size();
    if (!whole || std::ranges::count(key, '\t') != 3 || !table.digests_.emplace(key, digest).second) {
      wrong_line = number;
      break;
    }
  }
  return table;
}

Result<DigestTable> DigestTable::read(const std::string& path) {
  constexpr std::uint64_t most = 1 << 24;
  auto file = File::open(path);
  if (!file) return file.error();
  if ((*file)->size() > most) return Error{path, std::nullopt, "a table of digests", "more than 16 MiB"};
  std::string text((*file)->size(), '\0');
  if (auto done = (*file)->read(0, std::as_writable_bytes(std::span(text))); !done) return done.error();
  std::optional<std::size_t> wrong_line;
  DigestTable table = parse(text, wrong_line);
  if (!wrong_line) return table;
  return Error{fmt::format("{}:{}", path, *wrong_line), std::nullopt,
               "source, target, rounding, overflow and 16 hexadecimal digits, once each, with tabs between", ""};
}

std::optional<std::uint64_t> DigestTable::find(const SweepCase& what) const {
  const auto found = digests_.find(key_of(what));
  return found == digests_.end() ? std::nullopt : std::optional(found->second);
}

void DigestTable::set(const SweepCase& what, std::uint64_t digest) {
  digests_[key_of(what)] = digest;
}

std::string DigestTable::text() const {
  std::string text(head);
  for (const auto& [key, digest] : digests_) text += fmt::format("{}\t{:016x}\n", key, digest);
  return text;
}

}  // namespace lowp::verify
