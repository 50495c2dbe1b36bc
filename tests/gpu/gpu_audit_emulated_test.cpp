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
Result<Done> emulated_count(const TensorView& view, BinadeCounter& counter) {
  std::vector<std::uint32_t> words(static_cast<std::size_t>(view.source->size() + 3) / 4);
  const std::span bytes(reinterpret_cast<std::byte*>(words.data()), static_cast<std::size_t>(view.source->size()));
  auto stream = view.source->stream(0);
  if (!stream) return stream.error();
  if (auto read = (*stream)->read(bytes); !read) return read.error();
  const gpu::ElementRun run = gpu::run_of(bytes.data(), bytes.size());
  if (view.dtype->bytes == 2) {
    auto sums = std::make_unique<gpu::CodeSums>();
    proof::emulate_codes(run, 2, 64, true, *sums);
    return gpu::add_codes(*sums, *view.dtype, view.multiplicity, counter);
  }
  std::vector<gpu::Page> pages(gpu::page_count), kept;
  gpu::PassFacts facts{};
  facts.least_less_one = 0xffffffffu;
  proof::emulate_leaves(run, 2, 64, gpu::plan_pages(words, 28), pages.data(), facts);
  for (std::size_t p = 0; p < pages.size(); ++p) {
    if (facts.pages_touched[p] != 0) kept.push_back(pages[p]);
  }
  return gpu::add_pages(kept, facts, view.multiplicity, counter);
}

bool same_number(std::optional<double> a, std::optional<double> b) {
  return a.has_value() == b.has_value() && (!a || std::bit_cast<std::uint64_t>(*a) == std::bit_cast<std::uint64_t>(*b));
}

bool same_outcome(const Outcome& a, const Outcome& b) {
  return a.elements == b.elements && a.zero_in == b.zero_in && a.nan_in == b.nan_in && a.inf_in == b.inf_in &&
         a.counts.of == b.counts.of && a.exact == b.exact && same_number(a.error->sum_abs, b.error->sum_abs) &&
         same_number(a.error->sum_squared, b.error->sum_squared) && same_number(a.error->bias, b.error->bias) &&
         same_number(a.error->snr_db, b.error->snr_db) && a.error->share_of_squared == b.error->share_of_squared;
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
    options.question.formats.push_back({name, find_format(name).format});
  }
  options.by = by;
  options.effort.threads = 2;
  const auto want = run_audit(*series, options);
  options.effort.count_tensor = emulated_count;
  const auto got = run_audit(*series, options);
  REQUIRE(static_cast<bool>(want));
  REQUIRE(static_cast<bool>(got));
  CHECK(same_outcomes(got->total, want->total));
  REQUIRE(got->scoped.size() == want->scoped.size());
  for (std::size_t i = 0; i < want->scoped.size(); ++i) {
    CHECK(same_outcomes(got->scoped[i].outcomes, want->scoped[i].outcomes));
  }
  CHECK(got->summary.total == want->summary.total);
  REQUIRE(got->summary.steps.size() == want->summary.steps.size());
  for (std::size_t s = 0; s < want->summary.steps.size(); ++s) {
    const auto &left = got->summary.steps[s].tensors, &right = want->summary.steps[s].tensors;
    REQUIRE(left.size() == right.size());
    for (std::size_t t = 0; t < right.size(); ++t) {
      const TensorCounts a = *counts_of(left[t].evidence), b = *counts_of(right[t].evidence);
      if (a.has_signs && b.has_signs) CHECK(a == b);
      CHECK(static_cast<const Census&>(a) == static_cast<const Census&>(b));
    }
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
  options.question.formats.push_back({"fp16", find_format("fp16").format});
  options.effort.count_tensor = [](const TensorView&, BinadeCounter&) -> Result<Done> {
    return Error{"cuda", std::nullopt, "a device", "none"};
  };
  const auto result = run_audit(*series, options);
  REQUIRE(!result);
  CHECK(result.error().message() == "cuda: wanted a device, found none");
}
