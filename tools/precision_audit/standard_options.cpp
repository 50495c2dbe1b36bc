// SPDX-License-Identifier: Apache-2.0
#include "standard_options.h"

#include <fmt/format.h>

#include <array>
#include <cstdlib>

#include "arguments.h"
#include "lowp/core/dtype.h"
#include "lowp/report/html.h"
#include "lowp/tensor/readers.h"
#include "safe_file.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

struct ProgressName {
  std::string_view name;
  ShowProgress when;
};
constexpr std::array progress_names{
    ProgressName{"auto", ShowProgress::automatic},
    ProgressName{"always", ShowProgress::always},
    ProgressName{"never", ShowProgress::never},
};

struct EndianName {
  std::string_view name;
  bool is_big;
};
constexpr std::array endian_names{EndianName{"little", false}, EndianName{"big", true}};

const Writer* address_of(const Writer& writer) {
  return &writer;
}

// Pictures only for those who draw some.
OneOf<const Writer*> writers_for(const Uses& uses) {
  OneOf<const Writer*> choice = one_of<const Writer*>(writers(), address_of);
  if (uses.figures) return choice;
  std::erase_if(choice.names, [](const std::string& name) { return find_writer(name)->reads_figures; });
  choice.find = [all = choice.find](std::string_view word) -> std::optional<const Writer*> {
    const auto found = all(word);
    return found && !(*found)->reads_figures ? found : std::nullopt;
  };
  return choice;
}

// By their names, and by those of their formats: "float32".
OneOf<const Dtype*> dtypes() {
  OneOf<const Dtype*> choice;
  choice.names = names_in(dtype_table);
  choice.find = [](std::string_view word) -> std::optional<const Dtype*> {
    const FormatLookup format = find_format(word);
    for (const Dtype& dtype : dtype_table) {
      if (same_word(word, dtype.name) || (format.found && format.format == dtype.format)) return &dtype;
    }
    return {};
  };
  return choice;
}

OneOf<std::string> reader_names() {
  return one_of<std::string>(readers(), [](const Reader& reader) { return std::string(reader.name); });
}

std::string picture_endings() {
  std::string endings;
  for (const Writer& writer : writers()) {
    if (writer.reads_figures) endings += (endings.empty() ? "" : " or ") + std::string(writer.extension);
  }
  return endings;
}

constexpr std::string_view page_ending = ".html";

std::string reader_help() {
  std::string text = "File kinds:\n";
  for (const Reader& reader : readers()) text += fmt::format("  {:<20} {}\n", reader.name, reader.what);
  return text + "\n";
}

}  // namespace

void StandardOptions::declare(const Uses& uses, Options& options) {
  options.group("");
  if (uses.dump) declare_paths(uses, options);
  declare_answer(uses, options);
  if (!uses.dump) return;
  open.pipes = uses.pipes;
  declare_files(options);
}

void StandardOptions::declare_paths(const Uses& uses, Options& options) {
  if (uses.pair) {
    const auto one_path = [](std::string_view word) -> Result<std::vector<std::string>> {
      return std::vector{std::string(word)};
    };
    const std::string help = "a file, or a directory with one file per step";
    options.value({.name = "A", .help = help, .required = true}, paths, one_path).is_file = true;
    options.value({.name = "B", .help = "likewise", .required = true}, paths_b, one_path).is_file = true;
    return;
  }
  options
      .repeated({.name = "PATH",
                 .help = uses.pipes ? "files, directories with one file per step, or - for npy or raw data from a pipe"
                                    : "files, or directories with one file per step or rank",
                 .required = !uses.may_lack_dump},
                paths, any_text)
      .is_file = true;
}

void StandardOptions::declare_answer(const Uses& uses, Options& options) {
  options.group("How to answer");
  options.choice({.name = "--output", .help = "how the answer is written", .initial = "text"}, writer,
                 writers_for(uses));
  options.value({.name = "--table", .value = "NAME", .help = "of csv and json only this table of records"}, table,
                any_text);
  if (uses.figures) {
    options
        .value({.name = "--plot",
                .value = "FILE",
                .help = "also write the picture to this file, " + picture_endings() +
                        "; never over an input or a file that this program did not make"},
               plot, any_text)
        .is_file = true;
  }
  if (uses.page) {
    options
        .value(
            {.name = "--report",
             .value = "FILE",
             .help = "also write the answer and its pictures as a web page to this file, .html; it needs no network; "
                     "of `audit` every tensor, step and scale to look at"},
            page, any_text)
        .is_file = true;
  }
  if (uses.threads)
    options.value({.name = "--threads", .value = "N", .help = "0: one per processor", .initial = "0"}, threads,
                  integer_between<int>(0, 256));
  if (uses.dump)
    options.choice({.name = "--progress", .help = "progress bar on stderr", .initial = "auto"}, progress,
                   one_of<ShowProgress>(progress_names, &ProgressName::when));
}

void StandardOptions::declare_files(Options& options) {
  const char* bytes = std::getenv("LOWP_CHUNK_BYTES");
  options.group("Files");
  options.repeated({.name = "--select",
                    .value = "GLOB",
                    .help = "only tensors whose name matches, for example 'act_grad/*'; may be repeated"},
                   open.select, any_text);
  options.choice({.name = "--reader", .help = "read every file as this kind instead of recognising it"}, open.reader,
                 reader_names());
  options.choice({.name = "--dtype", .help = "element type of raw files"}, open.raw_dtype, dtypes());
  options.value({.name = "--offset", .value = "BYTES", .help = "bytes before the first element of raw files"},
                open.raw_offset, count_word);
  options.value({.name = "--count", .value = "N", .help = "elements to read of raw files; default all"}, open.raw_count,
                optional_count_word);
  options.choice({.name = "--endian", .help = "byte order of raw files", .initial = "little"}, open.raw_big_endian,
                 one_of<bool>(endian_names, &EndianName::is_big));
  options.choice({.name = "--assume-dtype", .help = "element type of npy files that lost its name (V1, V2)"},
                 open.assume_dtype, dtypes());
  options.flag(
      {.name = "--strict", .help = "torch checksums that do not match and unreadable files of a directory are errors"},
      open.strict);
  options.value({.name = "--chunk-bytes",
                 .value = "BYTES",
                 .help = "bytes of one read",
                 .initial = bytes != nullptr && *bytes != '\0' ? bytes : "1048576"},
                chunk_bytes, integer_between<std::size_t>(1, std::int64_t{1} << 32));
  options.footer() += reader_help();
}

std::optional<Error> StandardOptions::check() const {
  if (!plot.empty() && plot_writer() == nullptr) {
    const char* instead = plot == "-" ? "; --output svg writes it to standard output" : "";
    return Error{"--plot", std::nullopt, "a file name that ends in " + picture_endings(),
                 fmt::format("'{}'{}", plot, instead)};
  }
  if (!page.empty() && (!page.ends_with(page_ending) || page.size() == page_ending.size()))
    return Error{"--report", std::nullopt, "a file name that ends in .html", fmt::format("'{}'", page)};
  if (!table.empty() && !writer->reads_tables)
    return Error{"--table", std::nullopt, "--output csv or json beside it", fmt::format("--output {}", writer->name)};
  return {};
}

std::optional<Error> StandardOptions::why_not_written(const std::vector<std::string>& inputs) const {
  const auto fault = [&](std::string_view option, const std::string& path,
                         std::string_view mark) -> std::optional<Error> {
    auto wrong = path.empty() ? std::nullopt : why_not_over(path, mark, inputs);
    if (wrong) wrong->file = option;
    return wrong;
  };
  if (auto wrong = fault("--report", page, page_mark)) return wrong;
  return plot.empty() ? std::nullopt : fault("--plot", plot, plot_writer()->mark);
}

bool StandardOptions::shows_progress() const {
  return progress == ShowProgress::always || (progress == ShowProgress::automatic && stderr_is_terminal());
}

const Writer* StandardOptions::plot_writer() const {
  for (const Writer& row : writers()) {
    if (row.reads_figures && plot.size() > row.extension.size() && plot.ends_with(row.extension)) return &row;
  }
  return nullptr;
}

}  // namespace lowp::tool
