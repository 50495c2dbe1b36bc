// SPDX-License-Identifier: Apache-2.0
#include "formats_story.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "format_text.h"
#include "lowp/core/convert.h"
#include "lowp/exact/exact_number.h"
#include "lowp/report/humanize.h"
#include "profile_diff.h"

namespace lowp::tool {
namespace {

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

// The report's table of this name, made when there is none.
Table& table_of(Report& report, Table empty) {
  for (Table& table : report.tables) {
    if (table.name == empty.name) return table;
  }
  return report.tables.emplace_back(std::move(empty));
}

Table format_records() {
  return {"formats",
          {"name", "alias", "width", "exponent_bits", "precision", "bias", "signed", "largest", "max_exponent",
           "min_exponent", "smallest", "code.largest", "code.inf", "code.nan", "code.negative_zero", "source"},
          {}};
}

Table block_records() {
  return {"block_formats", {"name", "element", "scale", "size", "tensor_scale", "source"}, {}};
}
Row block_record(const BlockFormat& row) {
  return {{std::string(row.name)},  {std::string(row.element)}, {std::string(row.scale)}, {std::int64_t{row.size}},
          {row.tensor_scale},       {std::string(row.source)}};
}

}  // namespace

void tell_formats(Report& report) {
  Grid grid{"", {"name", "s-e-f", "largest", "normal from", "smallest", "Inf", "NaN", "-0"}, 8, {}};
  Table table = format_records();
  for (const NamedFormat& row : format_table) {
    grid.rows.push_back(overview_row(row.name, row.format));
    table.rows.push_back(format_record(row.name, row.alias, row.format, row.source));
  }
  report.story.push_back(std::move(grid));
  Grid blocks{"Block formats", {"name", "elements", "scale", "block", "source"}, 5, {}};
  Table block_table = block_records();
  for (const BlockFormat& row : block_format_table) {
    blocks.rows.push_back({{std::string(row.name), std::string(row.element),
                            std::string(row.scale) + (row.tensor_scale ? " and one fp32" : ""),
                            std::to_string(row.size), std::string(row.source)},
                           {}});
    block_table.rows.push_back(block_record(row));
  }
  report.story.push_back(std::move(blocks));
  report.story.push_back(
      Paragraph{"Also: eXmY[bB][fn|fnuz|fin] (X exponent and Y fraction bits, bias B; fn, fnuz: no Inf, one NaN; fin: "
                "numbers only) and P3109's binaryKpP{s,u}{e,f}, K from 3 to 16. `formats NAME` shows one in full."});
  report.tables.push_back(std::move(table));
  report.tables.push_back(std::move(block_table));
}

void tell_format(std::string_view name, Format f, Report& report) {
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
  table_of(report, format_records()).rows.push_back(format_record(name, alias, f, source));
}

void tell_block_format(const BlockFormat& row, Report& report) {
  report.story.push_back(Heading{fmt::format("{}: blocks of {} {} elements with one {} scale{}", row.name, row.size,
                                             row.element, row.scale,
                                             row.tensor_scale ? ", and one fp32 scale for the tensor" : "")});
  report.story.push_back(Paragraph{std::string(row.source)});
  report.story.push_back(Paragraph{
      fmt::format("`formats {} {}` shows both parts. What a block rounds to depends on its largest element, so a dump "
                  "is asked with `accumulate gemm --paths ideal:{}`.",
                  row.element, row.scale, row.name)});
  table_of(report, block_records()).rows.push_back(block_record(row));
}

namespace {

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

}  // namespace

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

namespace {

std::string example_text(Format target, const ProfileDifference& d) {
  const std::string_view source = d.source.width == 32 ? "fp32" : d.source.precision == 11 ? "fp16" : "bf16";
  const auto result = [&](std::uint64_t code) {
    return fmt::format("{} ({})", code_text(target, code), short_text(decode(target, code)));
  };
  return fmt::format("{} {} ({}): {} and {}", source, code_text(d.source, d.code), short_text(decode(d.source, d.code)),
                     result(d.by_a), result(d.by_b));
}

}  // namespace

void tell_profile_diff(const Profile& a, const Profile& b, std::string_view name, Format target, bool full,
                       Report& report) {
  Table& table = table_of(report, {"profile_diff", {"format", "kind", "inputs", "differ", "examples"}, {}});
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

}  // namespace lowp::tool
