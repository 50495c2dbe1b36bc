// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "lowp/base/crc32c.h"
#include "lowp/summary/evidence_columns.h"
#include "lowp/tensor/binades.h"
#include "lowp/tensor/file.h"
#include "lowp/tensor/sniff.h"

namespace lowp {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view dtype_of(const Column& column) {
  return column.width == 1 ? "U8" : column.width == 2 ? "U16" : column.width == 4 ? "U32" : "U64";
}

// What columns do not say; every value is text, lists are JSON.
Json metadata_of(const StepSummary& step, std::span<const Column> columns) {
  Json names = Json::array(), dtypes = names, shapes = names, parts = names, levels = names, digests = names;
  for (const TensorSummary& entry : step.tensors) {
    names.push_back(entry.name);
    dtypes.push_back(entry.dtype->name);
    shapes.push_back(entry.shape);
    parts.push_back(entry.part.text());
    levels.push_back(level_name(level_of(entry.evidence)));
    std::string list;
    for (const std::uint32_t digest : entry.digests) list += fmt::format("{}{:08x}", list.empty() ? "" : " ", digest);
    digests.push_back(list);
  }
  Json source_names = Json::array(), source_bytes = source_names, source_crcs = source_names, crcs = source_names;
  for (const SourceStamp& source : step.sources) {
    source_names.push_back(source.name);
    source_bytes.push_back(source.bytes);
    source_crcs.push_back(fmt::format("{:08x}", source.crc32c));
  }
  for (const Column& column : columns) crcs.push_back(fmt::format("{}:{:08x}", column.name, crc32c(column.bytes)));
  Json metadata{{"binades", "1"}};  // the first key: by it a file is recognised
  if (step.step) metadata["step"] = std::to_string(*step.step);
  metadata["dump"] = step.dump;
  metadata["dump_scale_log2"] = std::to_string(step.dump_scale_log2);
  if (step.loss_dtype) metadata["loss_dtype"] = *step.loss_dtype;
  metadata["names"] = text_of(names);
  metadata["dtypes"] = text_of(dtypes);
  metadata["shapes"] = text_of(shapes);
  metadata["parts"] = text_of(parts);
  metadata["levels"] = text_of(levels);
  metadata["digests"] = text_of(digests);
  metadata["source_names"] = text_of(source_names);
  metadata["source_bytes"] = text_of(source_bytes);
  metadata["source_crc32c"] = text_of(source_crcs);
  metadata["crc32c"] = text_of(crcs);
  return metadata;
}

std::optional<Error> foreign(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  const auto file = File::open(path);
  if (!file) return Error{path, std::nullopt, "no file or a .binades file to replace", "something else"};
  std::vector<std::byte> head(static_cast<std::size_t>(std::min<std::uint64_t>(4096, (*file)->size())));
  if (const auto done = (*file)->read(0, head); !done) return done.error();
  if (is_binades(head)) return {};
  return Error{path, std::nullopt, "no file or a .binades file to replace", "another file"};
}

Result<Done> write_all(int fd, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error(path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return Done{};
}

// The file up to its columns, which follow in this order.
struct Encoded {
  std::string header;
  std::vector<Column> columns;
};

Encoded encoded(const StepSummary& step) {
  std::vector<Column> columns = columns_of(step.tensors);
  std::ranges::stable_sort(columns, std::greater{}, &Column::width);  // wide ones first: every column is aligned
  Json header{{"__metadata__", metadata_of(step, columns)}};
  std::uint64_t at = 0;
  for (const Column& column : columns) {
    header[column.name] = {
        {"dtype", dtype_of(column)}, {"shape", {column.size()}}, {"data_offsets", {at, at + column.bytes.size()}}};
    at += column.bytes.size();
  }
  std::string text = text_of(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  text.insert(0, reinterpret_cast<const char*>(&length), sizeof length);
  return {std::move(text), std::move(columns)};
}

std::string_view bytes_of(const Column& column) {
  return {reinterpret_cast<const char*>(column.bytes.data()), column.bytes.size()};
}

Result<Done> write_step(int fd, const std::string& path, const StepSummary& step) {
  const Encoded file = encoded(step);
  auto done = write_all(fd, path, file.header);
  for (const Column& column : file.columns) {
    if (done) done = write_all(fd, path, bytes_of(column));
  }
  if (done && ::fsync(fd) != 0 && errno != EINVAL) done = system_error(path, errno);
  return done;
}

}  // namespace

std::string binades_bytes(const StepSummary& step) {
  Encoded file = encoded(step);
  for (const Column& column : file.columns) file.header += bytes_of(column);
  return std::move(file.header);
}

Result<Done> write_binades(const std::string& path, const StepSummary& step) {
  if (auto error = foreign(path)) return *std::move(error);
  const std::filesystem::path place(path);
  const std::string beside =
      (place.parent_path() / fmt::format(".{}.{}.part", place.filename().string(), ::getpid())).string();
  const int fd = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return system_error(path, errno);
  auto done = write_step(fd, path, step);
  if (::close(fd) != 0 && done) done = system_error(path, errno);
  if (done && std::rename(beside.c_str(), path.c_str()) != 0) done = system_error(path, errno);
  if (!done) ::unlink(beside.c_str());
  return done;
}

std::string binades_name(const StepSummary& step) {
  std::string name =
      step.step ? fmt::format("step{:010}", *step.step) : std::filesystem::path(step.dump).stem().string();
  if (!step.tensors.empty()) {
    const Part part = step.tensors.front().part;
    const bool all = std::ranges::all_of(step.tensors, [&](const TensorSummary& entry) { return entry.part == part; });
    if (all && part.kind == Part::Kind::part) name += fmt::format(".part{}of{}", part.index, part.count);
    if (all && part.kind == Part::Kind::rank) name += fmt::format(".rank{}of{}", part.index, part.count);
  }
  return name + ".binades";
}

StepSummary joined_parts(StepSummary step) {
  std::vector<TensorSummary> joined;
  for (TensorSummary& entry : step.tensors) {
    if (joined.empty() || joined.back().name != entry.name) {
      joined.push_back(std::move(entry));
      continue;
    }
    auto sum = merged(joined.back().evidence, entry.evidence);
    if (!sum) {
      step.notes.push_back(
          printable(fmt::format("{} of '{}' is left out: {}", entry.part.text(), entry.name, sum.error().message())));
      continue;
    }
    joined.back().evidence = *std::move(sum);
  }
  const auto partial = [](const TensorSummary& entry) { return entry.part.kind != Part::Kind::whole; };
  const auto missing = std::ranges::count_if(joined, partial);
  if (missing != 0) {
    step.notes.push_back(printable(fmt::format("{} of {} tensors are known in part only (first: '{}')", missing,
                                               joined.size(), std::ranges::find_if(joined, partial)->name)));
  }
  step.tensors = std::move(joined);
  return step;
}

}  // namespace lowp
