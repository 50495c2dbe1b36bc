// SPDX-License-Identifier: Apache-2.0
// precision-audit formats [NAME...]: the table of formats, one format in full, block formats, profiles.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "commands.h"
#include "exact_number.h"
#include "format_text.h"
#include "lowp/core/convert.h"
#include "lowp/core/profiles.h"
#include "lowp/report/humanize.h"
#include "lowp/report/writers.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

struct Words {
  std::vector<std::string> names;
  bool profiles = false;
  std::string output = "text";
};

// The codes worth knowing, each with the words that name it; those a format does not have are left out.
struct Landmark {
  std::string_view name;
  std::uint64_t code;
};

std::vector<Landmark> landmarks(Format f) {
  std::vector<Landmark> marks;
  if (f.has_zero) marks.push_back({"zero", 0});
  if (has_negative_zero(f)) marks.push_back({"-0", sign_bit(f)});
  marks.push_back({"smallest", f.has_zero ? std::uint64_t{1} : 0});
  if (is_subnormal(f, 1)) {
    marks.push_back({"largest subnormal", min_normal_ordinal(f) - 1});
    marks.push_back({"smallest normal", min_normal_ordinal(f)});
  }
  marks.push_back({"one", encode(f, {}, exact_finite(false, 1, 0))});
  marks.push_back({"largest", max_finite_code(f)});
  if (f.sign == SignRule::complement) marks.push_back({"lowest, never written", sign_bit(f)});
  if (f.has_inf) marks.push_back({"Inf", inf_code(f)});
  if (has_nan(f)) marks.push_back({"NaN", nan_code(f)});
  return marks;
}

std::string value_text(Exact x) {
  const std::string exact = exact_text(x);
  return exact.find('^') == exact.npos ? exact : fmt::format("{} ({})", exact, short_text(x));
}

std::string nan_text(Format f) {
  if (!has_nan(f)) return "-";
  if (f.width > 32) return "yes";
  if (f.nan != NanRule::ieee) return code_text(f, nan_code(f));
  return fmt::format("{}..", code_text(f, inf_code(f) + 1));
}

std::string fields_widths(Format f) {
  return fmt::format("{}-{}-{}", f.width - magnitude_bits(f), exponent_bits(f), fraction_bits(f));
}

GridRow overview_row(std::string_view name, Format f) {
  return {{std::string(name), fields_widths(f), short_text(decode(f, max_finite_code(f))),
           f.sign == SignRule::complement ? "-" : power_text(min_exponent(f)), power_text(quantum_exponent(f)),
           !f.has_inf     ? "-"
           : f.width > 32 ? "yes"
                          : code_text(f, inf_code(f)),
           nan_text(f), has_negative_zero(f) ? "yes" : "-"},
          {}};
}

std::vector<Cell> format_record(std::string_view name, std::string_view alias, Format f, std::string_view source) {
  const auto text = [](std::string_view word) { return Cell{std::string(word)}; };
  const auto code = [&](bool there, std::uint64_t value) {
    return there ? Cell{code_text(f, value)} : Cell{Null{"the format has none"}};
  };
  const Exact largest = decode(f, max_finite_code(f));
  return {text(name),
          text(alias),
          {std::int64_t{f.width}},
          {std::int64_t{exponent_bits(f)}},
          {std::int64_t{f.precision}},
          {std::int64_t{f.bias}},
          {is_signed(f)},
          {exact_text(largest)},
          {std::int64_t{max_exponent(f)}},
          {std::int64_t{min_exponent(f)}},
          {exact_text(decode(f, f.has_zero ? 1 : 0))},
          code(true, max_finite_code(f)),
          code(f.has_inf, inf_code(f)),
          code(has_nan(f), nan_code(f)),
          code(has_negative_zero(f), sign_bit(f)),
          text(source)};
}

Table format_records() {
  return {"formats",
          {"name", "alias", "width", "exponent_bits", "precision", "bias", "signed", "largest", "max_exponent",
           "min_exponent", "smallest", "code.largest", "code.inf", "code.nan", "code.negative_zero", "source"},
          {}};
}

void tell_all(Report& report) {
  Grid grid{"", {"name", "s-e-f", "largest", "normal from", "smallest", "Inf", "NaN", "-0"}, 8, {}};
  Table table = format_records();
  for (const NamedFormat& row : format_table) {
    grid.rows.push_back(overview_row(row.name, row.format));
    table.rows.push_back(format_record(row.name, row.alias, row.format, row.source));
  }
  report.story.push_back(std::move(grid));
  Grid blocks{"Block formats", {"name", "elements", "scale", "block", "source"}, 5, {}};
  Table block_table{"block_formats", {"name", "element", "scale", "size", "tensor_scale", "source"}, {}};
  for (const BlockFormat& row : block_format_table) {
    blocks.rows.push_back({{std::string(row.name), std::string(row.element),
                            std::string(row.scale) + (row.tensor_scale ? " and one fp32" : ""),
                            std::to_string(row.size), std::string(row.source)},
                           {}});
    block_table.rows.push_back({{std::string(row.name)},
                                {std::string(row.element)},
                                {std::string(row.scale)},
                                {std::int64_t{row.size}},
                                {row.tensor_scale},
                                {std::string(row.source)}});
  }
  report.story.push_back(std::move(blocks));
  report.story.push_back(
      Paragraph{"Also: eXmY[bB][fn|fnuz|fin] (X exponent and Y fraction bits, bias B; fn, fnuz: no Inf, one NaN; fin: "
                "numbers only) and P3109's binaryKpP{s,u}{e,f}, K from 3 to 16. `formats NAME` shows one in full."});
  report.tables.push_back(std::move(table));
  report.tables.push_back(std::move(block_table));
}

void tell_one(std::string_view name, Format f, Report& report, Table& table) {
  std::string alias, source = "by its name";
  for (const NamedFormat& row : format_table) {
    if (row.format != f) continue;
    alias = row.alias;
    source = row.source;
  }
  report.story.push_back(
      Heading{fmt::format("{}: {} bits, precision {}, bias {}", name, f.width, f.precision, f.bias)});
  const std::string range =
      f.sign == SignRule::complement
          ? fmt::format("fixed point in steps of 2^{}", quantum_exponent(f))
          : fmt::format("normal numbers from 2^{}, the largest in binade 2^{}", min_exponent(f), max_exponent(f));
  report.story.push_back(
      Paragraph{fmt::format("{}{}; {}", source, alias.empty() ? "" : ", also called " + alias, range)});
  Grid grid{"", {"", "code", fields_text(f), "value"}, 4, {}};
  for (const Landmark& mark : landmarks(f)) {
    grid.rows.push_back(
        {{std::string(mark.name), code_text(f, mark.code), bits_text(f, mark.code), value_text(decode(f, mark.code))},
         {}});
  }
  report.story.push_back(std::move(grid));
  table.rows.push_back(format_record(name, alias, f, source));
}

void tell_profiles(Report& report) {
  Table table{"profiles", {"name", "meaning", "source"}, {}};
  for (const Profile& row : profile_table) {
    report.story.push_back(Paragraph{fmt::format("{}: {} [{}]", row.name, row.meaning, row.source), 0, 2});
    table.rows.push_back({{std::string(row.name)}, {std::string(row.meaning)}, {std::string(row.source)}});
  }
  report.tables.push_back(std::move(table));
}

int print(const Report& report, const Writer& writer) {
  std::string document;
  writer.write(report, stdout_style(), document);
  const std::string error = write_stdout(document);
  if (!error.empty()) complain(error);
  return error.empty() ? exit_fine : exit_input;
}

int formats(const Words& words) {
  const Writer* writer = find_writer(words.output);
  if (writer == nullptr) {
    complain(fmt::format("--output: unknown '{}'", words.output));
    return exit_usage;
  }
  Report report;
  if (words.profiles) tell_profiles(report);
  Table table = format_records();
  for (const std::string& name : words.names) {
    const FormatLookup found = find_format(name);
    if (!found.found) {
      complain(fmt::format("unknown format '{}'; `precision-audit formats` lists them", name));
      return exit_usage;
    }
    tell_one(name, found.format, report, table);
  }
  if (!table.rows.empty()) report.tables.push_back(std::move(table));
  if (words.names.empty() && !words.profiles) tell_all(report);
  return print(report, *writer);
}

}  // namespace

int cmd_formats(int argc, char** argv) {
  Words words;
  CLI::App app{"The number formats: ranges, precision, and what their bits mean.", argv[0]};
  app.add_option("NAME", words.names, "formats to show in full");
  app.add_flag("--profiles", words.profiles, "the conversion rules of libraries and standards");
  app.add_option("--output", words.output, "text, json, csv, markdown")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    complain(fmt::format("{} (see {} --help)", error.what(), argv[0]));
    return exit_usage;
  }
  return formats(words);
}

}  // namespace lowp::tool
