// SPDX-License-Identifier: Apache-2.0
// The pass in a build without nvcc: there is none.
#include <cassert>

#include "lowp/gpu_pass/binade_pass.h"

namespace lowp::gpu {

struct BinadePass::State {};

BinadePass::BinadePass(std::unique_ptr<State> state) : state_(std::move(state)) {}
BinadePass::~BinadePass() = default;

bool BinadePass::is_built() {
  return false;
}

Result<std::unique_ptr<BinadePass>> BinadePass::open(std::size_t) {
  return Error{"cuda", std::nullopt, "a program built with nvcc", "one built without"};
}

// Nobody can have opened one.
namespace {
Error unreachable() {
  assert(false);
  return {};
}
}  // namespace
std::string BinadePass::device() const {
  return {};
}
Result<Done> BinadePass::count(const TensorView&, BinadeCounter&, const std::function<void(std::uint64_t)>&) {
  return unreachable();
}
Result<Done> BinadePass::count(const DeviceElements&, BinadeCounter&, std::uint64_t) {
  return unreachable();
}
Result<TensorCounts> BinadePass::counts(const DeviceElements&, std::uint64_t) {
  return unreachable();
}
Result<Done> BinadePass::begin(Depth) {
  return unreachable();
}
Result<Done> BinadePass::add(const DeviceElements&) {
  return unreachable();
}
Result<Done> BinadePass::wait() {
  return unreachable();
}
Result<Done> BinadePass::finish(BinadeCounter&, std::uint64_t) {
  return unreachable();
}
Result<TensorCounts> BinadePass::finish_counts(std::uint64_t) {
  return unreachable();
}

}  // namespace lowp::gpu
