// SPDX-License-Identifier: Apache-2.0
// precision-audit formats [NAME...]: the table of formats, one format in full, block formats, profiles.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "command_line.h"
#include "commands.h"
#include "format_text.h"
#include "lowp/core/convert.h"
#include "lowp/core/profiles.h"
#include "lowp/exact/exact_number.h"
#include "lowp/report/humanize.h"
#include "lowp/report/writers.h"
#include "profile_diff.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

struct Words {
  std::vector<std::string> names;
  bool profiles = false, full = false;
  std::vector<std::string> diff;
  std::string diff_format;
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

// What a profile does to a value that is beyond the range, and to Inf.
std::string overflow_text(Format f, Overflow rule, bool infinite) {
  if (infinite ? rule.saturate_inf : rule.saturate_finite) return "max";
  return f.has_inf ? "Inf" : has_nan(f) ? "NaN" : "max";
}

GridRow profile_row(const Profile& row) {
  const Format e4m3 = find_format("e4m3").format, e5m2 = find_format("e5m2").format;
  const Format e8m0 = find_format("e8m0").format, e2m1 = find_format("e2m1").format;
  const auto pair = [&](bool infinite) {
    return fmt::format("{} {}", overflow_text(e4m3, row.conversion(e4m3).overflow, infinite),
                       overflow_text(e5m2, row.conversion(e5m2).overflow, infinite));
  };
  const auto value = [&](Format f, Exact x) {
    const Exact result = decode(f, encode(f, row.conversion(f), x));
    return result.kind == Kind::finite && exponent_of(result) < -9 ? power_text(exponent_of(result))
                                                                   : short_text(result);
  };
  const bool flushes = row.conversion(find_format("bf16").format).subnormals != Subnormals{};
  return {{std::string(row.name), pair(false), pair(true), value(e8m0, exact_finite(false, 5, -2)),
           value(e8m0, exact_finite(false, 3, -1)), value(e8m0, exact_finite(true, 1, 0)),
           value(e8m0, exact_special(Kind::zero, false)), value(e2m1, exact_special(Kind::nan, false)),
           flushes ? "yes" : "-"},
          {}};
}

void tell_profiles(Report& report) {
  Grid grid{"What becomes of values in e4m3 and e5m2 | in e8m0 | in e2m1",
            {"profile", "overflow", "Inf", "1.25", "1.5", "-1", "0", "NaN", "FTZ"},
            1,
            {}};
  Table table{"profiles", {"name", "meaning", "source"}, {}};
  for (const Profile& row : profile_table) {
    grid.rows.push_back(profile_row(row));
    table.rows.push_back({{std::string(row.name)}, {std::string(row.meaning)}, {std::string(row.source)}});
  }
  report.story.push_back(std::move(grid));
  for (const Profile& row : profile_table) {
    report.story.push_back(Paragraph{fmt::format("{}: {} [{}]", row.name, row.meaning, row.source), 0, 2});
  }
  report.tables.push_back(std::move(table));
}

std::string example_text(Format target, const ProfileDifference& d) {
  const std::string_view source = d.source.width == 32 ? "fp32" : d.source.precision == 11 ? "fp16" : "bf16";
  const auto result = [&](std::uint64_t code) {
    return fmt::format("{} ({})", code_text(target, code), short_text(decode(target, code)));
  };
  return fmt::format("{} {} ({}): {} and {}", source, code_text(d.source, d.code), short_text(decode(d.source, d.code)),
                     result(d.by_a), result(d.by_b));
}

void tell_diff_of(const Profile& a, const Profile& b, std::string_view name, Format target, bool full, Report& report,
                  Table& table) {
  const ProfileDiff diff = diff_profiles(a, b, target, full);
  report.story.push_back(
      Heading{fmt::format("{}: {} of {} inputs differ", name, grouped(diff.differ), grouped(diff.inputs))});
  for (std::size_t kind = 0; kind < diff.kinds.size(); ++kind) {
    const KindOfDifference& k = diff.kinds[kind];
    CellList examples;
    for (const ProfileDifference& d : k.first) examples.push_back({example_text(target, d)});
    if (k.differ != 0) {
      report.story.push_back(
          Paragraph{fmt::format("{}: {} of {}", input_kind_names[kind], grouped(k.differ), grouped(k.inputs)), 2, 2});
    }
    for (const ProfileDifference& d : k.first) report.story.push_back(Paragraph{example_text(target, d), 4, 2});
    table.rows.push_back(
        {{std::string(name)}, {std::string(input_kind_names[kind])}, {k.inputs}, {k.differ}, {std::move(examples)}});
  }
}

int tell_diff(const Words& words, Report& report) {
  const Profile* a = find_profile(words.diff[0]);
  const Profile* b = find_profile(words.diff[1]);
  if (a == nullptr || b == nullptr) {
    complain(fmt::format("--diff: unknown profile '{}'; `precision-audit formats --profiles` lists them",
                         words.diff[a == nullptr ? 0 : 1]));
    return exit_usage;
  }
  Table table{"profile_diff", {"format", "kind", "inputs", "differ", "examples"}, {}};
  if (!words.diff_format.empty()) {
    const FormatLookup found = find_format(words.diff_format);
    if (!found.found) {
      complain(fmt::format("--format: unknown '{}'; `precision-audit formats` lists them", words.diff_format));
      return exit_usage;
    }
    tell_diff_of(*a, *b, words.diff_format, found.format, words.full, report, table);
  } else {
    for (const NamedFormat& row : format_table) {
      if (row.format.width <= 16) tell_diff_of(*a, *b, row.name, row.format, words.full, report, table);
    }
  }
  report.tables.push_back(std::move(table));
  return exit_fine;
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
  if (!words.diff.empty()) {
    if (const int code = tell_diff(words, report); code != exit_fine) return code;
  }
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
  if (words.names.empty() && !words.profiles && words.diff.empty()) tell_all(report);
  return print(report, *writer);
}

}  // namespace

int cmd_formats(int argc, char** argv) {
  Words words;
  CLI::App app{"The number formats: ranges, precision, and what their bits mean.", argv[0]};
  app.add_option("NAME", words.names, "formats to show in full");
  app.add_flag("--profiles", words.profiles, "the conversion rules of libraries and standards");
  app.add_option("--diff", words.diff, "two profiles: for which inputs they give different codes, and why")
      ->expected(2);
  app.add_option("--format", words.diff_format, "with --diff: this format only");
  app.add_flag("--full", words.full, "with --diff: all 2^32 fp32 inputs, not only the edges of binades (minutes)");
  app.add_option("--output", words.output, "text, json, csv, markdown")->capture_default_str();
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  return formats(words);
}

}  // namespace lowp::tool
