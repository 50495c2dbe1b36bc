// SPDX-License-Identifier: Apache-2.0
// Files of largest magnitudes as inputs: which files they are, what their steps hold, what is refused.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "lowp/summary/summary.h"
#include "lowp/tensor/peaks_file.h"
#include "lowp/tensor/readers.h"
#include "tensor_bytes.h"

using namespace lowp;
using lowp_test::Folder;

namespace {

std::vector<Input> steps_of(const Folder& folder, const std::string& text, const std::string& name = "peaks.csv") {
  const std::string path = folder.write(name, text);
  auto series = open_series(std::span(&path, 1), {});
  REQUIRE_MESSAGE(series, series.error().message());
  return std::move(series->inputs);
}

std::vector<std::string> names_in(const Input& input) {
  std::vector<std::string> names;
  for (const TensorView& tensor : input.tensors) names.push_back(tensor.name);
  return names;
}

const Peak& peak(const StepSummary& step, std::size_t tensor) {
  return std::get<Peak>(step.tensors[tensor].evidence);
}

}  // namespace

TEST_CASE("peaks: one input per step, one tensor per kind and name, the largest of its rows") {
  const Folder folder;
  const auto steps = steps_of(folder,
                              "step,name,kind,largest\n7,w,grad,2\n7,w,grad,3\n7,w,act_grad,nan\n7,act/x,act,inf\n"
                              "3,w,grad,0.75\n7,,op_grad,0\n");
  REQUIRE(steps.size() == 2);
  CHECK(steps[0].step == 3);  // sorted
  CHECK(names_in(steps[0]) == std::vector<std::string>{"grad/w"});
  CHECK(names_in(steps[1]) == std::vector<std::string>{"act/x", "act_grad/w", "grad/w", "op_grad/*"});
  CHECK_FALSE(steps[1].counts_elements);
  const auto summary = steps[1].summary();
  REQUIRE(summary);
  CHECK(summary->step == 7);
  CHECK(peak(*summary, 0) == Peak{0, {}, {}, true, false});
  CHECK(peak(*summary, 1) == Peak{0, {}, {}, false, true});
  CHECK(peak(*summary, 2) == Peak{0, exact_finite(false, 3, 0), {}, false, false});
  CHECK(peak(*summary, 3) == Peak{});
  CHECK(peak(*steps[0].summary(), 0).max_abs == exact_finite(false, 3, -2));
  CHECK(counts_elements(*summary) == false);
  CHECK_FALSE(steps[1].tensors[0].source->stream(0));
}

TEST_CASE("peaks: names without a kind stay, nothing at all is gradients") {
  const Folder folder;
  CHECK(names_in(steps_of(folder, "step,name,largest\n1,fc.weight,2\n")[0]) == std::vector<std::string>{"fc.weight"});
  CHECK(names_in(steps_of(folder, "1,2\n2,3\n")[1]) == std::vector<std::string>{"gradients"});
  CHECK(names_in(steps_of(folder, "{\"step\": 1, \"kind\": \"act\", \"largest\": 2}\n", "p.jsonl")[0]) ==
        std::vector<std::string>{"act/*"});
}

TEST_CASE("peaks: what is one of them, and what is not") {
  const auto is_peaks = [](std::string_view path, std::string_view text) {
    return sniff_peaks(path, std::as_bytes(std::span(text)));
  };
  CHECK(is_peaks("a.csv", "step,largest\n"));
  CHECK(is_peaks("a.csv", "# written by us\n\nlargest,kind,step\r\n"));
  CHECK(is_peaks("a.csv", "1,0.5\n"));
  CHECK(is_peaks("a.csv", "1,w,grad,nan"));
  CHECK(is_peaks("a.jsonl", "{\"step\": 1, \"largest\": 2}"));
  CHECK_FALSE(is_peaks("a.npz", "step,largest\n"));
  CHECK_FALSE(is_peaks("a.csv", "left,right,count\n"));
  CHECK_FALSE(is_peaks("a.csv", "name,step,edge,count\n"));
  CHECK_FALSE(is_peaks("a.csv", "step,loss\n"));
  CHECK_FALSE(is_peaks("a.csv", "-1.5,0.5\n"));
  CHECK_FALSE(is_peaks("a.csv", "1,w,other,2\n"));
  CHECK_FALSE(is_peaks("a.csv", ""));
  CHECK_FALSE(is_peaks("a.jsonl", "{\"step\": 1, \"bins\": [1, 2]}"));
}

TEST_CASE("peaks: hostile rows are refused with file, byte, line, what was wanted and what was found") {
  const Folder folder;
  const auto refused = [&](const std::string& text) {
    const std::string path = folder.write("peaks.csv", text);
    const auto read = read_peaks(path);
    REQUIRE(!read);
    const std::string message = read.error().message();
    CHECK(message.starts_with(path + ": "));
    return message.substr(path.size());
  };
  CHECK(refused("step,largest\n1,0.5\n2,-1\n") ==
        ": at byte 19: wanted a magnitude from 0 on, inf or nan, found -1 in line 3");
  CHECK(refused("step,name,kind,largest\n1,w,grid,1\n") ==
        ": at byte 23: wanted a kind: grad, act_grad, op_grad, act or loss_grad, found grid in line 2");
  CHECK(refused("step,name,kind,largest\n1,w,,1\n") ==
        ": at byte 23: wanted a kind: grad, act_grad, op_grad, act or loss_grad, found nothing in line 2");
  CHECK(refused("1,2\n1e99,2\n") == ": at byte 4: wanted a step, a whole number, found 1e99 in line 2");
  CHECK(refused("1,2\n2,3,4\n") == ": at byte 4: wanted 2 columns, found 2,3,4 in line 2");
  CHECK(refused("1,2\n\x01,3\n") == ": at byte 4: wanted a step, a whole number, found \\x01 in line 2");
  CHECK(refused("step,name,largest\n1," + std::string(5000, 'n') + ",1\n").find("at most 4096 bytes") !=
        std::string::npos);
}
