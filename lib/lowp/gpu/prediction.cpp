// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/prediction.h"

#include "lowp/accumulate/fdpa.h"
#include "lowp/base/parallel.h"
#include "lowp/core/formats.h"

namespace lowp::gpu {
namespace {

// The operands of one tile's rows of A or columns of B, as the instruction reads them.
std::vector<Operand> operands(const TensorCore& model, std::string_view format, const std::uint32_t* codes,
                              std::size_t count, bool negated) {
  const Format f = find_format(format).format;
  std::vector<Operand> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    all[i] = read_operand(model, f, codes[i]);
    all[i].negative ^= negated;
  }
  return all;
}

}  // namespace

const TensorCore* model_of(std::string_view capability, const MmaRow& row) {
  const TensorCore* model = find_tensor_core(capability, row.path, row.a, row.b, row.accumulator);
  return model != nullptr && is_emulated(*model) ? model : nullptr;
}

std::vector<std::uint32_t> predict(const TensorCore& model, const MmaRow& row, Feed feed, const TileBatch& batch) {
  const auto m = static_cast<std::size_t>(row.m), n = static_cast<std::size_t>(row.n),
             step_k = static_cast<std::size_t>(row.k), k = step_k * static_cast<std::size_t>(batch.steps);
  std::vector<std::uint32_t> d(batch.c.size());
  in_parallel(0, static_cast<std::size_t>(batch.tiles), [&](std::size_t tile) {
    const auto a = operands(model, row.a, batch.a.data() + tile * m * k, m * k, feed == Feed::negated_a);
    const auto b = operands(model, row.b, batch.b.data() + tile * n * k, n * k, false);
    for (std::size_t at = 0; at < m * n; ++at) {
      const auto left = std::span(a).subspan(at / n * k, k), right = std::span(b).subspan(at % n * k, k);
      std::uint64_t sum = batch.c[tile * m * n + at];
      for (std::size_t first = 0; first < k; first += step_k) {
        if (feed == Feed::scale_d_zero) sum = 0;
        sum = dot(model, left.subspan(first, step_k), right.subspan(first, step_k), sum);
      }
      d[tile * m * n + at] = static_cast<std::uint32_t>(sum);
    }
  });
  return d;
}

}  // namespace lowp::gpu
