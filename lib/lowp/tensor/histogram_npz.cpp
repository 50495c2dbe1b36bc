// SPDX-License-Identifier: Apache-2.0
// npz archives of edges and counts.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/histogram_csv.h"
#include "lowp/tensor/histogram_json.h"
#include "lowp/tensor/npy.h"
#include "lowp/tensor/skip_log.h"
#include "lowp/tensor/sniff.h"
#include "lowp/tensor/zip.h"

namespace lowp {
namespace {

constexpr std::uint64_t max_bins = 1 << 24;

// Little-endian numbers of a numpy descriptor, all of which float64 holds exactly below 2^53; nothing for other kinds.
std::optional<double> element(std::string_view descr, std::span<const std::byte> bytes) {
  const std::uint64_t bits = little_endian(bytes);
  switch (descr[1]) {
    case 'u': return static_cast<double>(bits);
    case 'i': {
      const unsigned unused = 64 - 8 * static_cast<unsigned>(bytes.size());
      return static_cast<double>(static_cast<std::int64_t>(bits << unused) >> unused);
    }
    case 'f':
      if (bytes.size() == 8) return std::bit_cast<double>(bits);
      if (bytes.size() == 4) return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
      return {};
    default: return {};
  }
}

// A list of numbers, or why the array is none.
Result<std::vector<double>> read_list(const ZipArchive& archive, const ZipEntry& entry) {
  const auto stream = archive.range(entry, 0, entry.bytes)->stream(0);
  if (!stream) return stream.error();
  const std::string where = archive.where(entry);
  const auto header = read_npy_header(**stream, entry.bytes, where, 0, {});
  if (!header) return header.error();
  const std::string& descr = header->elements.descr;
  const bool known = descr.size() == 3 && (descr[0] == '<' || descr[0] == '|') && descr[2] >= '1' && descr[2] <= '8';
  if (!known || header->shape.size() != 1)
    return Error{where, {}, "a list of numbers", fmt::format("dtype '{}', {} axes", descr, header->shape.size())};
  const auto bytes = static_cast<std::size_t>(descr[2] - '0');
  const std::uint64_t count = header->shape[0];
  if (count > max_bins || count * bytes != entry.bytes - header->data_begin)
    return Error{
        where, {}, fmt::format("at most {} numbers and nothing after them", max_bins), fmt::format("{}", count)};
  std::vector<std::byte> data(count * bytes);
  if (auto done = (*stream)->read(data); !done) return done.error();
  std::vector<double> numbers;
  for (std::size_t at = 0; at < data.size(); at += bytes) {
    const auto number = element(descr, std::span(data).subspan(at, bytes));
    if (!number) return Error{where, {}, "integers, float32 or float64", fmt::format("dtype '{}'", descr)};
    numbers.push_back(*number);
  }
  return numbers;
}

// "grad/fc.weight/counts" is counts of grad/fc.weight.
struct Part {
  std::string name;
  bool counts = false;
};
std::optional<Part> part_of(std::string_view array) {
  if (array == "arr_0") return Part{"histogram", true};
  if (array == "arr_1") return Part{"histogram", false};
  if (names_counts(array)) return Part{"histogram", true};
  if (names_edges(array)) return Part{"histogram", false};
  // The longest ending that is known: "bin_edges" before "edges".
  for (std::size_t at = array.find_first_of("/._"); at != std::string_view::npos;
       at = array.find_first_of("/._", at + 1)) {
    const std::string_view ending = array.substr(at + 1);
    if (names_counts(ending)) return Part{std::string(array.substr(0, at)), true};
    if (names_edges(ending)) return Part{std::string(array.substr(0, at)), false};
  }
  return {};
}

std::optional<Part> part_of(const ZipEntry& entry) {
  constexpr std::string_view suffix = ".npy";
  if (!entry.name.ends_with(suffix)) return {};
  return part_of(std::string_view(entry.name).substr(0, entry.name.size() - suffix.size()));
}

}  // namespace

bool is_histogram_npz(const std::shared_ptr<const File>& file) {
  std::byte head[4];
  if (file->size() < sizeof head || !file->read(0, head) || !is_zip(head)) return false;
  const auto archive = ZipArchive::open(file, Checksums::enforced);
  if (!archive || (*archive)->entries().empty()) return false;
  std::map<std::string, int> halves;
  for (const ZipEntry& entry : (*archive)->entries()) {
    const auto part = part_of(entry);
    if (!part) return false;
    halves[part->name] |= part->counts ? 1 : 2;
  }
  return std::ranges::all_of(halves, [](const auto& pair) { return pair.second == 3; });
}

Result<LoggedRun> read_histogram_npz(const std::shared_ptr<const File>& file) {
  const auto archive = ZipArchive::open(file, Checksums::enforced);
  if (!archive) return archive.error();
  struct Pair {
    std::optional<std::vector<double>> counts, edges;
  };
  std::map<std::string, Pair> pairs;
  LoggedRun run;
  SkipLog skips;
  for (const ZipEntry& entry : (*archive)->entries()) {
    const auto part = part_of(entry);
    if (!part) {
      skips.skip(entry.name, "neither counts nor edges");
      continue;
    }
    auto list = read_list(**archive, entry);
    if (!list) return list.error();
    Pair& pair = pairs[part->name];
    (part->counts ? pair.counts : pair.edges) = std::move(*list);
  }
  for (auto& [name, pair] : pairs) {
    if (!pair.counts || !pair.edges) {
      skips.skip(name, pair.counts ? "counts without edges" : "edges without counts");
      continue;
    }
    LoggedHistogram histogram;
    histogram.name = name;
    const auto counts = whole_counts(*pair.counts);
    if (!counts) {
      skips.skip(name, "a count is not a whole number: densities cannot be read");
      continue;
    }
    histogram.counts = *counts;
    histogram.edges = std::move(*pair.edges);
    if (const auto fault = fault_of(histogram)) {
      skips.skip(name, *fault);
    } else {
      run.histograms.push_back(std::move(histogram));
    }
  }
  run.notes = skips.notes();
  if (run.histograms.empty())
    return Error{file->path(), {}, "counts and edges", run.notes.empty() ? "none" : run.notes.front()};
  return run;
}

}  // namespace lowp
