// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "lowp/compare/compare.h"
#include "lowp/compare/difference_measures.h"
#include "lowp/compare/ulps.h"
#include "lowp/core/convert.h"
#include "lowp/core/formats.h"
#include "tensor_bytes.h"

namespace {

using namespace lowp;
using namespace lowp::compare;

Format format(std::string_view name) {
  return find_format(name).format;
}
double value(Format f, std::uint64_t code) {
  return std::bit_cast<double>(convert(f, format("fp64"), {}, code));
}

// Position and rank among all finite values, sorted: the definition taken at its word.
TEST_CASE("ulp positions count the numbers of a format") {
  for (const char* name : {"fp16", "bf16", "e4m3", "e5m2", "e2m1", "e4m3fnuz", "e3m4"}) {
    const Format f = format(name);
    std::vector<double> numbers;
    bool of_codes = true;
    for (std::uint64_t code = 0; code <= code_mask(f); ++code) {
      const double x = value(f, code);
      if (!std::isfinite(x)) continue;
      numbers.push_back(x == 0 ? 0.0 : x);
      of_codes = of_codes && code_position(f, code) == ulp_position(f, x);
    }
    CHECK_MESSAGE(of_codes, name);
    std::ranges::sort(numbers);
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    const auto zero = std::ranges::find(numbers, 0.0) - numbers.begin();
    bool all = true;
    for (std::size_t i = 0; i < numbers.size(); ++i)
      all = all && ulp_position(f, numbers[i]) == static_cast<std::int64_t>(i) - zero;
    CHECK_MESSAGE(all, name);
    const auto last = static_cast<std::int64_t>(numbers.size()) - zero;
    CHECK(ulp_position(f, std::numeric_limits<double>::infinity()) == last);
    CHECK(ulp_position(f, -1e308) == -last);
    CHECK(ulp_position(f, -0.0) == 0);
  }
  CHECK(ulp_position(format("fp64"), 5e-324) == 1);
  CHECK(ulp_distance(ulp_position(format("fp64"), -5e-324), ulp_position(format("fp64"), 5e-324)) == 2);
  CHECK(ulp_distance(ulp_position(format("fp64"), -1e308), ulp_position(format("fp64"), 1e308)) ==
        2 * std::bit_cast<std::uint64_t>(1e308));
}

TEST_CASE("ulp positions never fall as values rise") {
  std::mt19937_64 random(7);
  for (const char* name : {"fp32", "fp16", "bf16", "e4m3", "e5m2"}) {
    std::vector<double> values;
    for (int i = 0; i < 20000; ++i)
      values.push_back(std::ldexp(static_cast<double>(static_cast<std::int64_t>(random())), static_cast<int>(random() % 300) - 220));
    std::ranges::sort(values);
    bool rises = true;
    for (std::size_t i = 1; i < values.size(); ++i)
      rises = rises && ulp_position(format(name), values[i - 1]) <= ulp_position(format(name), values[i]);
    CHECK(rises);
  }
}

TEST_CASE("the narrower format") {
  CHECK(narrower(format("fp32"), format("fp16")) == format("fp16"));
  CHECK(narrower(format("bf16"), format("fp16")) == format("bf16"));
  CHECK(narrower(format("e4m3"), format("e5m2")) == format("e5m2"));
  CHECK(narrower(format("fp32"), format("fp64")) == format("fp32"));
}

Quantiles sorted_quantiles(std::vector<std::uint64_t> keys) {
  Quantiles q;
  if (keys.empty()) return q;
  std::ranges::sort(keys);
  q.count = keys.size();
  q.most = keys.back();
  for (std::size_t i = 0; i < percents.size(); ++i) {
    std::size_t rank = 0;  // the least key that so many do not exceed
    while (100 * (rank + 1) < static_cast<std::size_t>(percents[i]) * keys.size()) ++rank;
    q.at[i] = keys[rank];
  }
  return q;
}

TEST_CASE("quantiles are those of the sorted keys, however few keys are held") {
  std::mt19937_64 random(11);
  for (const std::size_t count : {0, 1, 2, 3, 9, 10, 99, 100, 101, 1000, 4001}) {
    for (int kind = 0; kind < 5; ++kind) {
      std::vector<std::uint64_t> keys(count);
      for (std::uint64_t& key : keys) {
        switch (kind) {
          case 0: key = random(); break;
          case 1: key = random() % 5; break;
          case 2: key = 42; break;
          case 3: key = (random() % 3) << 62 | (random() % 2); break;  // close together and far apart
          default: key = std::bit_cast<std::uint64_t>(std::ldexp(1.0, -static_cast<int>(random() % 40))); break;
        }
      }
      for (const std::size_t held : {0, 1, 7, 500, 100000}) {
        QuantileSearch search(held);
        int passes = 0;
        do {
          for (const std::uint64_t key : keys) search.add(key);
          ++passes;
        } while (search.needs_another_pass());
        for (const std::uint64_t key : keys) search.add(key);  // nothing once it is done
        CHECK(search.result() == sorted_quantiles(keys));
        CHECK(passes <= (held >= count ? 1 : 4));
      }
    }
  }
}

using lowp_test::Folder;

std::string f32_bytes(const std::vector<float>& values) {
  std::string bytes;
  for (const float x : values) bytes += lowp_test::le(std::bit_cast<std::uint32_t>(x), 4);
  return bytes;
}

// One tensor "w" of FP32.
std::string dump(const std::vector<float>& values, const std::string& metadata = "") {
  const std::string bytes = f32_bytes(values), size = std::to_string(bytes.size());
  return lowp_test::safetensors("{" + metadata + "\"w\":{\"dtype\":\"F32\",\"shape\":[" + std::to_string(values.size()) +
                                    "],\"data_offsets\":[0," + size + "]}}",
                                bytes);
}

StepSeries opened(const std::string& path) {
  const std::vector<std::string> paths{path};
  auto series = open_series(paths, {});
  REQUIRE(series);
  return *series;
}

TEST_CASE("more elements than are held give the same quantiles") {
  std::mt19937 random(3);
  std::vector<float> a, b;
  for (int i = 0; i < 40000; ++i) {
    const float x = std::ldexp(static_cast<float>(static_cast<int>(random() % 4097) - 2048), static_cast<int>(random() % 60) - 50);
    a.push_back(x);
    b.push_back(i % 3 == 0 ? x : x * (1 + static_cast<float>(random() % 100) * 1e-6f));
  }
  const Folder folder;
  const StepSeries left = opened(folder.write("a.safetensors", dump(a))), right = opened(folder.write("b.safetensors", dump(b)));
  Settings settings;
  const auto held = compare_dumps(left, right, settings);
  REQUIRE(held);
  for (const std::size_t few : {0, 100, 20000}) {
    settings.held_keys = few;
    const auto passes = compare_dumps(left, right, settings);
    REQUIRE(passes);
    const Differences &x = held->tensors.front().differences, &y = passes->tensors.front().differences;
    CHECK(x.ulps == y.ulps);
    CHECK(x.absolute == y.absolute);
    CHECK(x.relative == y.relative);
    CHECK(x.differing == y.differing);
    CHECK(x.squared_differences == y.squared_differences);
  }
}

TEST_CASE("classes of pairs") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const Folder folder;
  const std::vector<float> a{0.0f, 1.0f, -1.0f, 0.0f, nan, nan, 1.0f, inf, inf, inf, nan, -0.0f, 2.0f},
      b{1.0f, 0.0f, 1.0f, -0.0f, nan, 1.0f, nan, inf, -inf, 1.0f, inf, -0.0f, 2.0f};
  const StepSeries left = opened(folder.write("a.safetensors", dump(a))), right = opened(folder.write("b.safetensors", dump(b)));
  const auto all = compare_dumps(left, right, {});
  REQUIRE(all);
  const Differences& d = all->tensors.front().differences;
  CHECK(d.elements == 13);
  CHECK(d.finite == 6);
  CHECK(d.gained == 1);
  CHECK(d.lost == 1);
  CHECK(d.sign_flips == 2);  // -1 and 1, Inf and -Inf
  CHECK(d.equal_bits == 4);  // NaN, Inf, -0, 2; not 0 and -0
  CHECK((d.nan_a == 3 && d.nan_b == 2 && d.nan_only_a == 2 && d.nan_only_b == 1));
  CHECK((d.inf_only_a == 1 && d.inf_only_b == 1));
  CHECK(d.one_sided() == 5);
  CHECK(d.differing == 8);
  REQUIRE(d.first);
  CHECK((d.first->index == 0 && d.first->a == 0 && d.first->b == 1 && d.first->ulps == 0x3f800000u));
  CHECK(d.squares == 6);              // 1, 1, 2^2
  CHECK(d.squared_differences == 6);  // 1, 1, 2^2
  const auto row = std::ranges::find(difference_measures(), std::string_view("snr_db"), &DifferenceMeasure::name);
  CHECK(row->value(d).why == "5 NaN or Inf on one side only");
}

// The difference 1 - 2^-60 has no double. (1 - 2^-60)^2 + 2^-53 is below the tie 1 + 2^-53 and rounds to 1; were the
// difference rounded first, the sum would be the tie, and with 2^-110 beside it be rounded up.
TEST_CASE("squared differences are exact") {
  const Folder folder;
  const auto f64_dump = [](const std::vector<double>& values) {
    std::string bytes;
    for (const double x : values) bytes += lowp_test::le(std::bit_cast<std::uint64_t>(x), 8);
    return lowp_test::safetensors("{\"w\":{\"dtype\":\"F64\",\"shape\":[" + std::to_string(values.size()) +
                                      "],\"data_offsets\":[0," + std::to_string(bytes.size()) + "]}}",
                                  bytes);
  };
  const auto together = [&](const std::vector<double>& a, const std::vector<double>& b) {
    const StepSeries left = opened(folder.write("a.safetensors", f64_dump(a))), right = opened(folder.write("b.safetensors", f64_dump(b)));
    const auto all = compare_dumps(left, right, {});
    REQUIRE(all);
    return all->total;
  };
  const double quarter = std::ldexp(1, -27);  // squared 2^-54, twice
  CHECK(together({1, 0, 0, 0}, {std::ldexp(1, -60), quarter, quarter, std::ldexp(1, -55)}).squared_differences == 1);
  CHECK(together({1, 0, 0, 0}, {0, quarter, quarter, std::ldexp(1, -55)}).squared_differences == 1 + std::ldexp(1, -52));
  // Differences beyond the range of a double are summed all the same.
  const Differences far = together({1.7e308, 0}, {-1.7e308, 0});
  REQUIRE(far.snr_db);
  CHECK(*far.snr_db == doctest::Approx(-6.0205999132796239));
  CHECK(std::isinf(far.squared_differences));
  const Differences near = together({5e-324}, {1e-323});
  REQUIRE(near.snr_db);
  CHECK(*near.snr_db == doctest::Approx(0));
}

TEST_CASE("which inputs are compared") {
  const Folder folder;
  const auto at = [&](const std::string& name, const char* step) {
    return folder.write(name, dump({1, 2}, step == nullptr ? "" : std::string("\"__metadata__\":{\"step\":\"") + step + "\"},"));
  };
  const auto series = [](const std::vector<std::string>& paths) {
    auto opened_paths = open_series(paths, {});
    REQUIRE(opened_paths);
    return *opened_paths;
  };
  const StepSeries one = series({at("x1.safetensors", "50")}), other = series({at("x2.safetensors", "200")});
  auto pairs = pair_inputs(one, other);
  REQUIRE(pairs);
  CHECK(pairs->size() == 1);  // two files are compared, whatever their steps
  const StepSeries many = series({at("y1.safetensors", "50"), at("y2.safetensors", "100"), at("y3.safetensors", "100")});
  const StepSeries few = series({at("z1.safetensors", "100"), at("z2.safetensors", "300")});
  pairs = pair_inputs(many, few);
  REQUIRE(pairs);
  REQUIRE(pairs->size() == 4);
  CHECK((*pairs)[0].b == nullptr);
  CHECK((*pairs)[1].b == &few.inputs[0]);
  CHECK((*pairs)[2].b == nullptr);
  CHECK((*pairs)[3].a == nullptr);
  CHECK(!pair_inputs(many, other));
  const StepSeries unnamed = series({at("u.safetensors", nullptr), at("v.safetensors", nullptr)});
  pairs = pair_inputs(unnamed, few);
  REQUIRE(pairs);
  CHECK((pairs->size() == 2 && (*pairs)[1].a == &unnamed.inputs[1] && (*pairs)[1].b == &few.inputs[1]));
}

TEST_CASE("every measure has a name, a key and words of its own") {
  std::vector<std::string_view> names, keys;
  for (const DifferenceMeasure& row : difference_measures()) {
    CHECK((!row.what.empty() && row.value != nullptr));
    names.push_back(row.name);
    keys.push_back(row.key);
  }
  for (std::vector<std::string_view>* words : {&names, &keys}) {
    std::ranges::sort(*words);
    CHECK(std::ranges::adjacent_find(*words) == words->end());
  }
}

}  // namespace
