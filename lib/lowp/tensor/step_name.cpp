// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/step_name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace lowp {
namespace {

constexpr int directories_asked = 2;  // those nearest to the file

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

struct Run {
  std::size_t begin;
  std::size_t end;
};

// The last run of digits that ends at or before `before`.
std::optional<Run> last_run(std::string_view name, std::size_t before) {
  while (before > 0 && !is_digit(name[before - 1])) --before;
  if (before == 0) return std::nullopt;
  std::size_t begin = before;
  while (begin > 0 && is_digit(name[begin - 1])) --begin;
  return Run{begin, before};
}

// "step0200", "step-200", "iter_7", "epoch=3".
bool follows_keyword(std::string_view name, Run run) {
  std::size_t end = run.begin;
  if (end > 0 && std::string_view("-_. =").find(name[end - 1]) != std::string_view::npos) --end;
  const std::string_view before = name.substr(0, end);
  return before.ends_with("step") || before.ends_with("iter") || before.ends_with("epoch");
}

// Digits of a number format: "fp16", "bf16", "float32", "tf32", "int8", "e4m3".
bool is_of_format(std::string_view name, Run run) {
  std::size_t letters = run.begin;
  while (letters > 0 && is_letter(name[letters - 1])) --letters;
  const std::string_view word = name.substr(letters, run.begin - letters);
  constexpr std::array<std::string_view, 9> formats{"fp", "bf", "tf", "f", "float", "bfloat", "int", "uint", "mxfp"};
  if (std::ranges::find(formats, word) != formats.end()) return true;
  const bool exponent = word == "e" && run.end < name.size() && name[run.end] == 'm';
  return exponent || (word == "m" && letters > 0 && is_digit(name[letters - 1]));
}

// Digits that number the files of one step: "rank0", "mp_rank_00", "shard-2", "00001-of-00004".
bool is_of_part(std::string_view name, Run run) {
  if (name.substr(run.end).starts_with("-of-")) return true;
  std::size_t end = run.begin;
  if (end > 0 && std::string_view("-_. =").find(name[end - 1]) != std::string_view::npos) --end;
  std::size_t begin = end;
  while (begin > 0 && is_letter(name[begin - 1])) --begin;
  constexpr std::array<std::string_view, 14> parts{"rank",  "shard", "part", "worker", "node", "gpu", "device",
                                                   "world", "size",  "of",   "tp",     "pp",   "dp",  "mp"};
  return std::ranges::find(parts, name.substr(begin, end - begin)) != parts.end();
}

std::optional<std::int64_t> number(std::string_view name, Run run) {
  std::int64_t value = 0;
  const auto [end, fault] = std::from_chars(name.data() + run.begin, name.data() + run.end, value);
  if (fault != std::errc{}) return std::nullopt;
  return value;
}

// The last digits that follow a keyword.
std::optional<Run> keyword_run(std::string_view name) {
  for (auto run = last_run(name, name.size()); run; run = last_run(name, run->begin)) {
    if (follows_keyword(name, *run)) return run;
  }
  return std::nullopt;
}

// File name without directories and without its extension, in lower case.
std::string stem(std::string_view path) {
  path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
  std::string name(path);
  std::ranges::transform(name, name.begin(), lower);
  for (const std::string_view extension : {".index.json", ".safetensors"}) {
    if (name.ends_with(extension)) return name.substr(0, name.size() - extension.size());
  }
  const std::size_t dot = name.rfind('.');
  const bool has_letters =
      dot != std::string::npos && std::any_of(name.begin() + static_cast<std::ptrdiff_t>(dot), name.end(), is_letter);
  return has_letters && dot > 0 ? name.substr(0, dot) : name;  // "grads.17" keeps its number
}

}  // namespace

std::optional<std::int64_t> step_of_name(std::string_view path) {
  const std::string name = stem(path);
  if (const auto run = keyword_run(name)) return number(name, *run);
  for (auto run = last_run(name, name.size()); run; run = last_run(name, run->begin)) {
    if (!is_of_format(name, *run) && !is_of_part(name, *run)) return number(name, *run);
  }
  std::string directories(path.substr(0, path.rfind('/') == std::string_view::npos ? 0 : path.rfind('/')));
  std::ranges::transform(directories, directories.begin(), lower);
  std::string_view rest = directories;
  for (int level = 0; level < directories_asked && !rest.empty(); ++level) {
    const std::string_view directory = rest.substr(rest.rfind('/') + 1);
    if (const auto run = keyword_run(directory)) return number(directory, *run);
    rest = rest.substr(0, rest.rfind('/') == std::string_view::npos ? 0 : rest.rfind('/'));
  }
  return std::nullopt;
}

std::optional<ShardName> shard_of_name(std::string_view path) {
  constexpr std::string_view between = "-of-";
  const std::size_t at = path.rfind(between);
  const auto numbered = at == std::string_view::npos ? std::nullopt : last_run(path, at);
  if (!numbered || numbered->end != at) return std::nullopt;
  std::size_t end = at + between.size();
  while (end < path.size() && is_digit(path[end])) ++end;
  const auto own = number(path, *numbered), all = number(path, {at + between.size(), end});
  if (!own || !all || path.find('/', at) != std::string_view::npos) return std::nullopt;
  return ShardName{std::string(path.substr(0, numbered->begin)) + "*" + std::string(path.substr(at)),
                   static_cast<std::uint64_t>(*own), static_cast<std::uint64_t>(*all)};
}

bool natural_less(std::string_view a, std::string_view b) {
  const std::string_view whole_a = a;
  const std::string_view whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (!is_digit(a[0]) || !is_digit(b[0])) {
      if (a[0] != b[0]) return a[0] < b[0];
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    const auto take = [](std::string_view& text) {
      text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
      const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789"));
      text.remove_prefix(digits.size());
      return digits;
    };
    const std::string_view digits_a = take(a);
    const std::string_view digits_b = take(b);
    if (digits_a.size() != digits_b.size()) return digits_a.size() < digits_b.size();
    if (digits_a != digits_b) return digits_a < digits_b;
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;  // equal but for leading zeros
}

}  // namespace lowp
