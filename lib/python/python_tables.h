// SPDX-License-Identifier: Apache-2.0
// Tables of counts that precision_audit/_device.py makes where a tensor lies; their layout is written there.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <string>

#include "lowp/core/dtype.h"
#include "lowp/summary/binade_counts.h"

namespace lowp::python {

// What counting `elements` elements of `dtype` one by one leaves, from their table. ValueError where it is no such
// table: another length, type or memory, or integers that no elements have.
BinadeCounts counts_of_table(const std::string& name, const Dtype& dtype, std::uint64_t elements,
                             nanobind::handle table);

}  // namespace lowp::python
