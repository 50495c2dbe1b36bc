// SPDX-License-Identifier: Apache-2.0
// precision-audit cast VALUE...: words to exact numbers, one explanation each.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <bit>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "arguments.h"
#include "cast_explained.h"
#include "command_line.h"
#include "commands.h"
#include "format_text.h"
#include "lowp/core/profiles.h"
#include "lowp/exact/exact_number.h"
#include "lowp/report/writers.h"
#include "terminal.h"

namespace lowp::tool {
namespace {

struct Words {
  std::vector<std::string> values;
  std::string to = "fp16", from, rounding = "nearest_even", overflow = "ieee", profile, scale = "1", random = "0/0";
  std::string output = "text";
};

struct Settings {
  std::vector<CastRules> targets;
  std::optional<Format> from;
  int scale_log2 = 0;
  const Writer* writer = nullptr;
};

using Wrong = std::optional<std::string>;

void declare_options(CLI::App& app, Words& words) {
  app.add_option("VALUE", words.values,
                 "a decimal (1.2e-7), a hexadecimal float (0x1.8p-25), 2^-25, 3*2^-24, inf, nan; or a bit pattern of "
                 "--from (0x3c00). Put -- before negative numbers")
      ->required();
  app.add_option("--to", words.to, "formats, separated by commas: " + names_of(format_table) + ", or any eXmY")
      ->capture_default_str();
  app.add_option("--from", words.from, "the format the values are stored in: numbers are first rounded to it");
  app.add_option("--rounding", words.rounding, names_of(rounding_names))->capture_default_str();
  app.add_option("--overflow", words.overflow, names_of(overflow_names))->capture_default_str();
  app.add_option("--profile", words.profile, "the rules of a library or standard instead: " + names_of(profile_table));
  app.add_option("--scale", words.scale, "multiply by this power of two first (2^16 or 65536)")->capture_default_str();
  app.add_option("--random", words.random, "R/N: the N random bits R for stochastic modes, for example 5/8")
      ->capture_default_str();
  app.add_option("--output", words.output, names_of(writers()))->capture_default_str();
}

std::optional<RandomBits> parse_random(std::string_view word) {
  const std::vector<std::string> parts = split(word, '/');
  if (parts.size() != 2) return {};
  const auto bits = parse_integer(parts[0]);
  const auto count = parse_integer(parts[1]);
  if (!bits || !count || *count < 0 || *count > 32 || *bits < 0 || *bits >> *count != 0) return {};
  return RandomBits{static_cast<std::uint32_t>(*bits), static_cast<int>(*count)};
}

Wrong read_rules(const Words& words, Settings& settings) {
  const RoundingName* rounding = find_rounding(words.rounding);
  if (!rounding) return fmt::format("--rounding: unknown '{}'; known: {}", words.rounding, names_of(rounding_names));
  const OverflowName* overflow = find_overflow(words.overflow);
  if (!overflow) return fmt::format("--overflow: unknown '{}'; known: {}", words.overflow, names_of(overflow_names));
  const Profile* profile = find_profile(words.profile);
  if (!words.profile.empty() && !profile)
    return fmt::format("--profile: unknown '{}'; known: {}", words.profile, names_of(profile_table));
  const auto random = parse_random(words.random);
  if (!random) return fmt::format("--random: wanted R/N with N from 0 to 32 and R below 2^N, found '{}'", words.random);
  for (const std::string& name : split(words.to, ',')) {
    const FormatLookup found = find_format(name);
    if (!found.found) return fmt::format("--to: unknown '{}'; known: {}, and eXmY", name, names_of(format_table));
    const Conversion how = profile ? profile->conversion(found.format)
                                   : Conversion{.rounding = rounding->mode, .overflow = overflow->rule};
    settings.targets.push_back({name, found.format, how, *random});
  }
  return {};
}

Wrong read_words(const Words& words, Settings& settings) {
  if (Wrong wrong = read_rules(words, settings)) return wrong;
  if (!words.from.empty()) {
    const FormatLookup found = find_format(words.from);
    if (!found.found)
      return fmt::format("--from: unknown '{}'; known: {}, and eXmY", words.from, names_of(format_table));
    settings.from = found.format;
  }
  const auto scale = parse_power_of_two(words.scale);
  if (!scale || *scale < -scale_log2_limit || *scale > scale_log2_limit)
    return fmt::format("--scale: wanted a power of two such as 65536 or 2^16, found '{}'", words.scale);
  settings.scale_log2 = *scale;
  settings.writer = find_writer(words.output);
  if (!settings.writer) return fmt::format("--output: unknown '{}'; known: {}", words.output, names_of(writers()));
  return {};
}

// 0x and hexadecimal digits alone are a bit pattern; with a p they are a number.
bool is_bit_pattern(std::string_view word) {
  return (word.starts_with("0x") || word.starts_with("0X")) && word.find_first_of("pP.") == word.npos;
}

Wrong read_value(const std::string& word, const Settings& settings, Exact& value) {
  if (is_bit_pattern(word)) {
    if (!settings.from) return fmt::format("{}: a bit pattern needs --from FORMAT (a hexadecimal float has a p)", word);
    std::uint64_t code = 0;
    const auto [end, error] = std::from_chars(word.data() + 2, word.data() + word.size(), code, 16);
    if (error != std::errc{} || end != word.data() + word.size() || code > code_mask(*settings.from))
      return fmt::format("{}: no bit pattern of {} bits", word, settings.from->width);
    value = decode(*settings.from, code);
    return {};
  }
  const auto parsed = parse_exact(word);
  if (!parsed) return fmt::format("{}: wanted a number such as 1.2e-7, 0x1.8p-25 or 2^-25", word);
  value = *parsed;
  if (settings.from) value = decode(*settings.from, encode(*settings.from, {}, value));
  return {};
}

// 2^-23 (1.1920929e-07); a short decimal stands alone.
std::string value_text(Exact x) {
  const std::string exact = exact_text(x);
  return exact.find('^') == exact.npos ? exact : fmt::format("{} ({})", exact, short_text(x));
}

GridRow neighbour_row(std::string_view name, Format f, std::uint64_t code) {
  return {{std::string(name), code_text(f, code), bits_text(f, code), value_text(decode(f, code))}, {}};
}

// The finite numbers next to the result, in the order of values. Codes of one sign are in order of magnitude.
Grid neighbours(const CastRules& rules, const Cast& cast) {
  const Format f = rules.format;
  Grid grid{"", {"", "code", fields_text(f), "value"}, 4, {}};
  const Kind kind = cast.result.kind;
  const bool steps = (kind == Kind::finite || kind == Kind::zero) && f.sign != SignRule::complement;
  const std::uint64_t magnitude = cast.code & magnitude_mask(f);
  const std::uint64_t sign = cast.code & sign_bit(f);
  if (steps && magnitude < max_finite_code(f))
    grid.rows.push_back(neighbour_row("farther from zero", f, sign | (magnitude + 1)));
  grid.rows.push_back(neighbour_row("result", f, cast.code));
  if (steps && magnitude > (sign != 0 && !has_negative_zero(f) ? 1 : 0))
    grid.rows.push_back(neighbour_row("nearer to zero", f, sign | (magnitude - 1)));
  return grid;
}

std::string scale_text(int scale_log2) {
  return scale_log2 < 63 && scale_log2 >= 0 ? fmt::format("2^{} ({})", scale_log2, std::uint64_t{1} << scale_log2)
                                            : fmt::format("2^{}", scale_log2);
}

std::string rescue_text(const Cast& cast) {
  std::string text;
  if (cast.outcome == CastClass::flushed && cast.survives_at)
    text = fmt::format("A loss scale of {} keeps it from zero", scale_text(*cast.survives_at));
  if (cast.normal_at)
    text +=
        fmt::format("{} {} keeps full precision.", text.empty() ? "A loss scale of" : ";", scale_text(*cast.normal_at));
  else if (!text.empty())
    text += ".";
  if (cast.fits_at) text = fmt::format("A scale of {} would bring it into range.", scale_text(*cast.fits_at));
  return text;
}

void tell(const std::string& word, const Settings& settings, const CastRules& rules, const Cast& cast, Report& report) {
  const std::string scale = settings.scale_log2 == 0 ? "" : fmt::format(" times 2^{}", settings.scale_log2);
  const bool after_text = !report.story.empty() && std::holds_alternative<Paragraph>(report.story.back());
  if (after_text) report.story.push_back(Paragraph{});
  report.story.push_back(Paragraph{
      fmt::format("{}{} in {} becomes {}: {}", word, scale, rules.to, value_text(cast.result), why(rules, cast)), 0,
      2});
  report.story.push_back(neighbours(rules, cast));
  if (cast.ulps && *cast.ulps != 0) {
    report.story.push_back(Paragraph{fmt::format("Error: {:+.3g} units in the last place.", *cast.ulps), 2, 0});
  }
  if (const std::string rescue = rescue_text(cast); !rescue.empty()) report.story.push_back(Paragraph{rescue, 2, 0});
}

template <class T>
Cell optional_cell(const std::optional<T>& value, std::string_view reason) {
  if (!value) return {Null{std::string(reason)}};
  if constexpr (std::is_same_v<T, double>) {
    return {*value};
  } else {
    return {static_cast<std::int64_t>(*value)};
  }
}

Table cast_table() {
  return {"casts",
          {"value", "to", "applied_scale_log2", "code", "bits", "result", "result_decimal", "class", "exact",
           "error_ulps", "scale_log2.survives", "scale_log2.normal", "scale_log2.fits", "why"},
          {}};
}

std::vector<Cell> record(const std::string& word, const Settings& settings, const CastRules& rules, const Cast& cast) {
  return {{word},
          {rules.to},
          {std::int64_t{settings.scale_log2}},
          {code_text(rules.format, cast.code)},
          {bits_text(rules.format, cast.code)},
          {exact_text(cast.result)},
          {decimal_text(cast.result)},
          {std::string(class_name(cast.outcome))},
          {cast.exact},
          optional_cell(cast.ulps, "not a finite result"),
          optional_cell(cast.survives_at, "not flushed or subnormal"),
          optional_cell(cast.normal_at, "not flushed or subnormal"),
          optional_cell(cast.fits_at, "in range"),
          {why(rules, cast)}};
}

int cast_all(const Words& words, const Settings& settings) {
  Report report;
  Table table = cast_table();
  for (const std::string& word : words.values) {
    Exact value;
    if (const Wrong wrong = read_value(word, settings, value)) {
      complain(*wrong);
      return exit_usage;
    }
    for (const CastRules& rules : settings.targets) {
      const Cast cast = cast_number(rules, scaled(value, settings.scale_log2));
      tell(word, settings, rules, cast, report);
      table.rows.push_back(record(word, settings, rules, cast));
    }
  }
  report.tables.push_back(std::move(table));
  std::string document;
  settings.writer->write(report, stdout_style(), document);
  const std::string error = write_stdout(document);
  if (!error.empty()) complain(error);
  return error.empty() ? exit_fine : exit_input;
}

}  // namespace

int cmd_cast(int argc, char** argv) {
  Words words;
  CLI::App app{"What a number becomes in a format, and why.", argv[0]};
  declare_options(app, words);
  if (const auto code = parse_or_refuse(app, argc, argv)) return *code;
  Settings settings;
  if (const Wrong wrong = read_words(words, settings)) {
    complain(*wrong);
    return exit_usage;
  }
  return cast_all(words, settings);
}

}  // namespace lowp::tool
