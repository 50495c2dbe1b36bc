// SPDX-License-Identifier: Apache-2.0
// The whole comparison of emulators with silicon: what is run, what came back, in plain values. Standard library only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lowp/gpu/backend.h"

namespace lowp::gpu {

struct VerifyOptions {
  bool quick = false;            // a sixty-fourth of the inputs, no digests
  int dot_products = 1'000'000;  // of each draw and matrix instruction; a sixty-fourth if quick
  std::string only;              // lines whose "part name" contains this; empty: all
  std::string record_into;       // a folder that exists; empty: nothing is recorded
  std::string digests;           // text of data/golden/digests.tsv; empty: nothing to compare with
  std::string disassembly;       // of this program, by cuobjdump -sass; empty: none at hand
};

// One thing that was compared.
struct VerifyLine {
  std::string part;  // conversion, arithmetic, core, layout, probe, random, chain, feed, order, record
  std::string name;  // the instruction
  std::uint64_t cases = 0, mismatches = 0;
  double seconds = 0;
  std::string note;                // what it was compared with, or why it was left out
  std::vector<std::string> first;  // the first mismatches, in hex
};

struct Verification {
  Chip chip;
  std::vector<VerifyLine> lines;
  std::vector<std::string> says;   // answers to open points: "hardware says ..."
  std::vector<std::string> files;  // recorded
  double seconds = 0;
  std::uint64_t mismatches() const;
};

// Throws DeviceError when a CUDA call fails, std::runtime_error when a file cannot be written. `done` gets each line as
// it is finished.
Verification verify(Backend& backend, const VerifyOptions& options, const std::function<void(const VerifyLine&)>& done);

}  // namespace lowp::gpu
