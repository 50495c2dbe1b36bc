// SPDX-License-Identifier: Apache-2.0
// precision-audit cast VALUE...: words to exact numbers, one explanation each.
#include <fmt/format.h>

#include <charconv>

#include "arguments.h"
#include "cast_story.h"
#include "commands.h"
#include "format_words.h"
#include "lowp/core/profiles.h"
#include "lowp/exact/exact_number.h"

namespace lowp::tool {
namespace {

Result<RandomBits> random_bits(std::string_view word) {
  const std::vector<std::string> parts = split(word, '/');
  if (parts.size() == 2) {
    const auto bits = parse_integer(parts[0]), count = parse_integer(parts[1]);
    if (bits && count && *count >= 0 && *count <= 32 && *bits >= 0 && *bits >> *count == 0)
      return RandomBits{static_cast<std::uint32_t>(*bits), static_cast<int>(*count)};
  }
  return Error{"", std::nullopt, "R/N with N from 0 to 32 and R below 2^N", quoted(word)};
}

// 0x and hexadecimal digits alone are a bit pattern; with a p they are a number.
bool is_bit_pattern(std::string_view word) {
  return (word.starts_with("0x") || word.starts_with("0X")) && word.find_first_of("pP.") == word.npos;
}

Result<Exact> exact_value(const std::string& word, const std::optional<ChosenFormat>& from) {
  if (!is_bit_pattern(word)) {
    const auto parsed = parse_exact(word);
    if (!parsed) return Error{word, std::nullopt, "a number such as 1.2e-7, 0x1.8p-25 or 2^-25", ""};
    return from ? decode(from->format, encode(from->format, {}, *parsed)) : *parsed;
  }
  if (!from) return Error{word, std::nullopt, "--from FORMAT with a bit pattern (a hexadecimal float has a p)", ""};
  std::uint64_t code = 0;
  const auto [end, error] = std::from_chars(word.data() + 2, word.data() + word.size(), code, 16);
  if (error != std::errc{} || end != word.data() + word.size() || code > code_mask(from->format))
    return Error{word, std::nullopt, fmt::format("a bit pattern of {} bits", from->format.width), ""};
  return decode(from->format, code);
}

struct CastTask final : Task {
  std::vector<std::string> words;
  std::vector<ChosenFormat> to;
  std::optional<ChosenFormat> from;
  Rounding rounding{};
  Overflow overflow{};
  const Profile* profile = nullptr;
  int scale_log2 = 0;
  RandomBits random{};
  std::vector<Exact> values;

  explicit CastTask(Options& o) {
    o.repeated({.name = "VALUE",
                .help = "a decimal (1.2e-7), a hexadecimal float (0x1.8p-25), 2^-25, 3*2^-24, inf, nan; or a bit "
                        "pattern of --from (0x3c00). Put -- before -inf",
                .required = true},
               words, any_text);
    o.list({.name = "--to", .value = "NAME", .help = "formats: " + all_format_names() + ", or any eXmY", .initial = "fp16"},
           to, any_format);
    o.value({.name = "--from", .value = "NAME", .help = "the format of the values: numbers are first rounded to it"},
            from, optionally(any_format));
    o.choice({.name = "--rounding", .help = "rounding mode", .initial = "nearest_even"}, rounding,
             one_of<Rounding>(rounding_names, &RoundingName::mode));
    o.choice({.name = "--overflow", .help = "what overflow gives", .initial = "ieee"}, overflow,
             one_of<Overflow>(overflow_names, &OverflowName::rule));
    o.choice({.name = "--profile", .help = "the rules of a library or standard instead"}, profile,
             one_of<const Profile*>(profile_table, [](const Profile& row) { return &row; }));
    o.value({.name = "--scale",
             .value = "SCALE",
             .help = "multiply by this power of two first (2^16 or 65536)",
             .initial = "1"},
            scale_log2, power_of_two_word);
    o.value({.name = "--random",
             .value = "R/N",
             .help = "the N random bits R for stochastic modes, for example 5/8",
             .initial = "0/0"},
            random, random_bits);
  }

  std::optional<Error> check() override {
    for (const std::string& word : words) {
      auto value = exact_value(word, from);
      if (!value) return value.error();
      values.push_back(scaled(*value, scale_log2));
    }
    return {};
  }

  Result<Answer> run(Job&) override {
    Answer answer;
    Table table = cast_table();
    for (std::size_t i = 0; i < words.size(); ++i) {
      for (const ChosenFormat& target : to) {
        const Conversion how = profile != nullptr ? profile->conversion(target.format)
                                                  : Conversion{.rounding = rounding, .overflow = overflow};
        const CastRules rules{target.name, target.format, how, random};
        const Cast cast = cast_number(rules, values[i]);
        tell_cast(words[i], scale_log2, rules, cast, answer.report);
        table.rows.push_back(cast_record(words[i], scale_log2, rules, cast));
      }
    }
    answer.report.tables.push_back(std::move(table));
    return answer;
  }
};

}  // namespace

std::unique_ptr<Task> make_cast(Options& options) {
  return std::make_unique<CastTask>(options);
}

}  // namespace lowp::tool
