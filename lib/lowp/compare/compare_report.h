// SPDX-License-Identifier: Apache-2.0
// Two dumps compared, as a report: records, the first screen, the picture.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lowp/compare/compare.h"
#include "lowp/report/report.h"

namespace lowp::compare {

// Refers to all of it: rows are made when they are written.
struct CompareFindings {
  const Comparison& comparison;
  const Settings& settings;
  std::size_t top = 10;  // rows of the table of tensors for people
};

// Tables comparison, steps, tensors; a story; a figure of one step and, of several, one over the steps.
Report compare_report(const CompareFindings& findings);
std::vector<Block> compare_story(const CompareFindings& findings);
std::vector<Figure> compare_figures(const CompareFindings& findings);

// "unet-step0050.safetensors", and "step 50", "step 50 in A, 200 in B", or the name of the file.
std::string file_text(const Input& input);
std::string step_text(const InputPair& inputs);
// The name of the format that distances of this tensor are counted in.
std::string ulp_format_text(const TensorComparison& tensor, const Settings& settings);
std::string shape_text(const TensorView& view);  // "[3, 4]"
// "w: shape [3, 4] in A, [4, 3] in B: not compared", each tensor with two shapes.
std::vector<std::string> mismatch_texts(const Comparison& comparison);

}  // namespace lowp::compare
