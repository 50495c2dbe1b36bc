// SPDX-License-Identifier: Apache-2.0
// Advice in sentences.
#pragma once

#include <string>
#include <vector>

#include "lowp/audit/recommend.h"

namespace lowp {

// "8", "2^40": a power of two, as the number where that reads well.
std::string factor_text(int log2);

// Fills verdict and reasons of one recommendation; the others tell which format holds what this one does not.
void explain(const Subjects& subjects, const Question& question, const Policy& policy, std::size_t format,
             std::vector<Recommendation>& all);

}  // namespace lowp
