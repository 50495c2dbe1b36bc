// SPDX-License-Identifier: Apache-2.0
// A whole audit whose elements are counted by the GPU's code, run on the host: the same result as by the processor.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>

#include "emulated_grid.h"
#include "lowp/audit/audit.h"
#include "lowp/core/formats.h"
#include "lowp/gpu_pass/pass_results.h"
#include "lowp/tensor/readers.h"

using namespace lowp;

namespace {

// As BinadePass::count() does, with a source that is read at once.
Result<Done> emulated_count(const TensorView& view, BinadeTable& table) {
  std::vector<std::uint32_t> words(static_cast<std::size_t>(view.source->size() + 3) / 4);
  const std::span bytes(reinterpret_cast<std::byte*>(words.data()), static_cast<std::size_t>(view.source->size()));
  auto stream = view.source->stream(0);
  if (!stream) return stream.error();
  if (auto read = (*stream)->read(bytes); !read) return read.error();
  const gpu::ElementRun run = gpu::run_of(bytes.data(), bytes.size());
  if (view.dtype->bytes == 2) {
    auto sums = std::make_unique<gpu::CodeSums>();
    proof::emulate_codes(run, 2, 64, true, *sums);
    gpu::add_codes(*sums, *view.dtype, view.multiplicity, table);
    return Done{};
  }
  std::vector<gpu::Page> pages(gpu::page_count), kept;
  gpu::PassFacts facts{};
  facts.least_less_one = 0xffffffffu;
  proof::emulate_leaves(run, 2, 64, gpu::plan_pages(words, 28), pages.data(), facts);
  for (std::size_t p = 0; p < pages.size(); ++p) {
    if (facts.pages_touched[p] != 0) kept.push_back(pages[p]);
  }
  gpu::add_pages(kept, facts, view.multiplicity, table);
  return Done{};
}

bool same_number(std::optional<double> a, std::optional<double> b) {
  return a.has_value() == b.has_value() && (!a || std::bit_cast<std::uint64_t>(*a) == std::bit_cast<std::uint64_t>(*b));
}

bool same_outcome(const Outcome& a, const Outcome& b) {
  return a.elements == b.elements && a.zero_in == b.zero_in && a.nan_in == b.nan_in && a.inf_in == b.inf_in &&
         a.counts.of == b.counts.of && a.counts.exact == b.counts.exact &&
         same_number(a.error.sum_abs, b.error.sum_abs) && same_number(a.error.sum_squared, b.error.sum_squared) &&
         same_number(a.error.bias, b.error.bias) && same_number(a.error.snr_db, b.error.snr_db) &&
         a.error.share_of_squared == b.error.share_of_squared;
}

bool same_outcomes(const Outcomes& a, const Outcomes& b) {
  return std::ranges::equal(
      a, b, [](const auto& left, const auto& right) { return std::ranges::equal(left, right, same_outcome); });
}

void check_audit(const std::string& path, Scope by) {
  const auto series = open_series(std::vector{path}, {});
  REQUIRE(static_cast<bool>(series));
  AuditOptions options;
  for (const char* name : {"fp16", "bf16", "e4m3", "e5m2"}) {
    options.targets.push_back({name, find_format(name).format, Rounding::nearest_even, {}});
  }
  options.by = by;
  options.threads = 2;
  const auto want = run_audit(*series, options);
  options.count_tensor = emulated_count;
  const auto got = run_audit(*series, options);
  REQUIRE(static_cast<bool>(want));
  REQUIRE(static_cast<bool>(got));
  CHECK(same_outcomes(got->total, want->total));
  REQUIRE(got->scoped.size() == want->scoped.size());
  for (std::size_t i = 0; i < want->scoped.size(); ++i) {
    CHECK(same_outcomes(got->scoped[i].outcomes, want->scoped[i].outcomes));
  }
  REQUIRE(got->tensors.size() == want->tensors.size());
  for (std::size_t i = 0; i < want->tensors.size(); ++i) {
    const TensorCounts &a = got->tensors[i].counts, &b = want->tensors[i].counts;
    CHECK(a.elements == b.elements);
    CHECK(a.zero_in == b.zero_in);
    CHECK(a.binades == b.binades);
    CHECK(!magnitude_less(a.max_abs, b.max_abs));
    CHECK(!magnitude_less(b.max_abs, a.max_abs));
    CHECK(!magnitude_less(a.min_nonzero_abs, b.min_nonzero_abs));
    CHECK(!magnitude_less(b.min_nonzero_abs, a.min_nonzero_abs));
  }
}

}  // namespace

TEST_CASE("an audit on the GPU's code is the audit") {
  for (const Scope by : {Scope::total, Scope::tensor, Scope::step}) {
    check_audit(LOWP_SAMPLES "/unet-step0200.safetensors", by);
  }
}

TEST_CASE("an error while counting is the audit's error") {
  const auto series = open_series(std::vector<std::string>{LOWP_SAMPLES "/unet-step0200.safetensors"}, {});
  REQUIRE(static_cast<bool>(series));
  AuditOptions options;
  options.targets.push_back({"fp16", find_format("fp16").format, Rounding::nearest_even, {}});
  options.count_tensor = [](const TensorView&, BinadeTable&) -> Result<Done> {
    return Error{"cuda", std::nullopt, "a device", "none"};
  };
  const auto result = run_audit(*series, options);
  REQUIRE(!result);
  CHECK(result.error().message() == "cuda: wanted a device, found none");
}
