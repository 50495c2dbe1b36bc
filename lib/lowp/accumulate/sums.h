// SPDX-License-Identifier: Apache-2.0
// THE TABLE of orders in which sums are made outside tensor cores.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "lowp/accumulate/adder.h"
#include "lowp/accumulate/model.h"

namespace lowp {

enum class SumOrder : std::uint8_t {
  sequential,
  pairwise,
  blocked,
  kahan,
  neumaier,
  torch_cpu,
  torch_cpu_stack,
  torch_cuda,
  torch_cuda_stack,
  nccl_ring,
  nccl_tree,
  split,
};

struct SumModel {
  std::string_view name;
  SumOrder order;
  std::string_view what;
  Grade grade;
  std::string_view source;
  bool fp32_inside = false;  // formats of at most 16 bits are summed in FP32 and rounded once, at the end
};

inline constexpr std::array sum_table{
    SumModel{"sequential", SumOrder::sequential, "one after the other, as gradient accumulation does", Grade::agreed,
             "definition"},
    SumModel{"pairwise", SumOrder::pairwise, "halves, summed the same way", Grade::agreed, "Higham 1993"},
    SumModel{"blocked", SumOrder::blocked, "blocks of --block terms one after the other, then their sums",
             Grade::agreed, "definition"},
    SumModel{"kahan", SumOrder::kahan, "with a second number that carries what was rounded away", Grade::agreed,
             "Kahan 1965"},
    SumModel{"neumaier", SumOrder::neumaier, "as Kahan, also right when a term is larger than the sum", Grade::agreed,
             "Neumaier 1974"},
    SumModel{"torch_cpu", SumOrder::torch_cpu,
             "torch.sum of contiguous terms on a CPU: four rows of 8 lanes, four levels", Grade::agreed,
             "PyTorch SumKernel.cpp; torch 2.15 gives the same bits", true},
    SumModel{"torch_cpu_stack", SumOrder::torch_cpu_stack,
             "torch.stack(terms).sum(0) on a CPU: in order, each 16 terms apart; the last columns in four parts",
             Grade::agreed, "PyTorch SumKernel.cpp; torch 2.15 gives the same bits", true},
    SumModel{"torch_cuda", SumOrder::torch_cuda,
             "torch.sum of contiguous terms on a GPU: lanes of one block, then a tree", Grade::inferred,
             "PyTorch Reduce.cuh, from source, not run; one block, up to 131,072 terms", true},
    SumModel{"torch_cuda_stack", SumOrder::torch_cuda_stack,
             "torch.stack(terms).sum(0) on a GPU: every fourth term, then the four sums", Grade::inferred,
             "PyTorch Reduce.cuh, from source, not run; fewer than 64 terms", true},
    SumModel{"nccl_ring", SumOrder::nccl_ring, "all-reduce around the ring of ranks, rounded at every hop",
             Grade::single, "NCCL 2.30 source"},
    SumModel{"nccl_tree", SumOrder::nccl_tree, "all-reduce up a binary tree of ranks: own, first child, second child",
             Grade::single, "NCCL 2.30 source; one rank per node, first of the two trees"},
    SumModel{"split", SumOrder::split, "--block parts, each summed in FP32, rounded to the format, then added in it",
             Grade::agreed, "split-K with partials in output precision"},
};
const SumModel* find_sum_model(std::string_view name);

// Whether what an addition rounds away is kept and added later.
bool is_compensated(SumOrder order);

// What an order needs to know beside the terms.
struct SumShape {
  std::size_t block = 4;       // of blocked and split
  std::size_t ring_chunk = 0;  // of nccl_ring: the chunk the element is in; the sum starts at the next rank
  std::uint64_t element = 0, elements = 1;  // of torch_cpu_stack: which of a tensor's elements the terms are
};

// The sum of terms, which are values of the adder's format; 0 of none. Every addition is rounded by `adder`, but for
// models with FP32 inside: there only the sum is, and additions absorbed in FP32 count as absorbed by it.
double sum_in_order(SumOrder order, const SumShape& shape, Adder& adder, std::span<const double> terms);

}  // namespace lowp
