// SPDX-License-Identifier: Apache-2.0
// The paragraphs under "What it means": one for each storage format.
#pragma once

#include <vector>

#include "lowp/accumulate/adder.h"
#include "lowp/report/report.h"

namespace lowp::training {

// text(f): the sentences about format f.
template <class Text>
void add_advice(std::vector<Block>& story, const std::vector<Accumulator>& formats, Text text) {
  story.push_back(Heading{"What it means"});
  for (std::size_t f = 0; f < formats.size(); ++f) {
    const std::string label = formats[f].name + "  ";
    story.push_back(Paragraph{label + text(f), 2, static_cast<int>(label.size())});
  }
}

}  // namespace lowp::training
