// SPDX-License-Identifier: Apache-2.0
// Words of the command line and the options that take them.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "did_you_mean.h"
#include "lowp/core/rounding.h"
#include "options.h"

namespace {

using namespace lowp;
using namespace lowp::tool;

Result<std::string> any(std::string_view word) {
  return std::string(word);
}
Result<int> digit(std::string_view word) {
  if (word.size() == 1 && word[0] >= '0' && word[0] <= '9') return word[0] - '0';
  return Error{"", std::nullopt, "a digit", "'" + std::string(word) + "'"};
}

struct Words {
  bool loud = false;
  int size = -1;
  std::vector<int> sizes;
  std::vector<std::string> select, pair, rest;
  std::string first, out;
  Rounding rounding{};

  void declare(Options& o) {
    o.value({.name = "FIRST", .help = ""}, first, any);
    o.repeated({.name = "REST", .help = ""}, rest, any);
    o.flag({.name = "--loud", .help = ""}, loud);
    o.value({.name = "--size", .help = "", .initial = "3"}, size, digit);
    o.list({.name = "--sizes", .help = "", .initial = "1,2"}, sizes, digit);
    o.repeated({.name = "--select", .help = ""}, select, any);
    o.value({.name = "--out", .help = "", .letter = 'o'}, out, any);
    o.choice({.name = "--rounding", .help = "", .initial = "nearest_even"}, rounding,
             one_of<Rounding>(rounding_names, &RoundingName::mode));
    OneOf<std::string> among;
    among.names = {"a", "b"};
    among.find = [](std::string_view word) -> std::optional<std::string> {
      return word == "a" || word == "b" ? std::optional(std::string(word)) : std::nullopt;
    };
    o.several({.name = "--pair", .help = ""}, 2, pair, among);
  }
};

std::string fault_of(const std::vector<std::string>& words) {
  Words w;
  Options o;
  w.declare(o);
  const auto wrong = o.parse(words);
  return wrong ? wrong->message() : "";
}

Words parsed(const std::vector<std::string>& words) {
  Words w;
  Options o;
  w.declare(o);
  const auto wrong = o.parse(words);
  REQUIRE_MESSAGE(!wrong, wrong->message());
  return w;
}

}  // namespace

TEST_CASE("values, defaults and places") {
  CHECK(parsed({}).size == 3);
  CHECK(parsed({}).sizes == std::vector{1, 2});
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"a", "b", "--size", "5", "--loud"}, {"--loud", "--size=5", "a", "b"},
        {"a", "--size", "5", "--loud", "--", "b"}}) {
    const Words w = parsed(words);
    CHECK(w.size == 5);
    CHECK(w.loud);
    CHECK(w.first == "a");
    CHECK(w.rest == std::vector<std::string>{"b"});
  }
  CHECK(parsed({"--sizes", "4, 5"}).sizes == std::vector{4, 5});
  CHECK(parsed({"--select", "x", "a", "--select=y"}).select == std::vector<std::string>{"x", "y"});
  CHECK(parsed({"--pair", "a", "b", "c"}).pair == std::vector<std::string>{"a", "b"});
  CHECK(parsed({"--pair", "a", "b", "c"}).first == "c");
  CHECK(parsed({"-o", "x"}).out == "x");
  CHECK(parsed({"-ox"}).out == "x");
  CHECK(parsed({"-1.5", "-.5"}).first == "-1.5");
  CHECK(parsed({"-"}).first == "-");
  CHECK(parsed({"--", "--loud"}).first == "--loud");
  CHECK(parsed({"--select", "-8:32"}).select.front() == "-8:32");
  CHECK(parsed({"--rounding", "Toward-Zero"}).rounding == Rounding::toward_zero);
}

TEST_CASE("faults are one line that names the option") {
  CHECK(fault_of({"--size=x"}) == "--size: wanted a digit, found 'x'");
  CHECK(fault_of({"--size="}) == "--size= has no value");
  CHECK(fault_of({"--size"}) == "--size has no value");
  CHECK(fault_of({"--size", "--loud"}) == "--size has no value");  // eats nothing
  CHECK(fault_of({"--size", ""}) == "--size has no value");
  CHECK(fault_of({"--size=1", "--size=2"}) == "--size is given twice");
  CHECK(fault_of({"--loud=1"}) == "--loud takes no value");
  CHECK(fault_of({"--sizes", "1,1"}) == "--sizes: wanted each once, found '1' twice");
  CHECK(fault_of({"--pair", "a"}) == "--pair has no value");
  CHECK(fault_of({"--luod"}) == "unknown option --luod; did you mean '--loud'?");
  CHECK(fault_of({"-x"}) == "unknown option -x");
  CHECK(fault_of({""}) == "FIRST: wanted a word, found nothing");
  CHECK(fault_of({"--rounding", "nearest_evn"}).ends_with("found 'nearest_evn'; did you mean 'nearest_even'?"));
}

TEST_CASE("help is an answer even beside a mistake") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--help"}, {"-h"}, {"a", "--help", "--bogus"}, {"--bogus", "--help"}}) {
    Words w;
    Options o;
    w.declare(o);
    CHECK_FALSE(o.parse(words));
    CHECK(o.wants_help());
  }
}

TEST_CASE("the nearest word") {
  CHECK(word_distance("audit", "adit") == 1);
  CHECK(word_distance("audit", "uadit") == 1);
  CHECK(word_distance("", "abc") == 3);
  CHECK(word_distance("ABC", "abc") == 0);
  const std::vector<std::string> known{"fp16", "bf16", "e4m3", "toward_zero"};
  CHECK(nearest_word("fp61", known) == "fp16");
  CHECK(nearest_word("tow", known) == "toward_zero");
  CHECK(nearest_word("towards-zero", known) == "toward_zero");
  CHECK_FALSE(nearest_word("clip", known));
  CHECK_FALSE(nearest_word("", known));
  CHECK_FALSE(nearest_word(std::string(1000, 'x'), known));
}
