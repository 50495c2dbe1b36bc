// SPDX-License-Identifier: Apache-2.0
// The audit's one pass on a GPU: tables and counts that equal the processor's bit for bit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "lowp/summary/tensor_counts.h"
#include "lowp/summary/binade_counter.h"
#include "lowp/tensor/view.h"

namespace lowp::gpu {

// Elements in the memory of the device, aligned to their size.
struct DeviceElements {
  const Dtype* dtype = nullptr;  // f32, f16 or bf16
  const void* at = nullptr;
  std::uint64_t count = 0;
};

// Not shared between threads at the same time. Other elements than f32, f16 and bf16 are refused, and so are f32
// elements for a table that asks for widths of its own (formats with more than ten fraction bits).
class BinadePass {
 public:
  static bool is_built();  // whether this program has the kernels at all

  // The first device, or why there is none. Sources are read in pieces of `piece_bytes`, a multiple of sixteen.
  static constexpr std::size_t usual_piece_bytes = std::size_t{64} << 20;
  static Result<std::unique_ptr<BinadePass>> open(std::size_t piece_bytes = usual_piece_bytes);
  ~BinadePass();

  std::string device() const;  // its name

  // Adds all elements of a source, read piece by piece into pinned memory while the piece before is counted, so its
  // size does not matter: 128 MiB of host memory and as much of the device's. Implicit zeros are not counted.
  // `progress` is called with the bytes of each piece.
  Result<Done> count(const TensorView& view, BinadeCounter& into, const std::function<void(std::uint64_t)>& progress);

  // Of elements in device memory, which must be ready; each stands for `weight` elements.
  Result<Done> count(const DeviceElements& elements, BinadeCounter& into, std::uint64_t weight = 1);
  Result<TensorCounts> counts(const DeviceElements& elements, std::uint64_t weight = 1);

  // The same in steps, for whoever measures them: clear what was counted, count, wait, fetch.
  enum class Depth : std::uint8_t { counts, moments };
  Result<Done> begin(Depth depth);
  Result<Done> add(const DeviceElements& elements);  // of one dtype from begin() on; returns at once but for a sample
  Result<Done> wait();
  Result<Done> finish(BinadeCounter& into, std::uint64_t weight);
  Result<TensorCounts> finish_counts(std::uint64_t weight);

 private:
  struct State;
  explicit BinadePass(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace lowp::gpu
