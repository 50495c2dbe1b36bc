// SPDX-License-Identifier: Apache-2.0
// The models named after PyTorch, for tests that compare them with torch bit for bit. Numbers come and go as FP64.
//   torch_twin sum MODEL FORMAT TERMS ELEMENTS    terms of element 0, then of element 1, ...: one sum each
//   torch_twin adamw NAME FORMAT LR BETA1 BETA2 EPS DECAY STEP    weights, gradients, exp_avg, exp_avg_sq: without the
//                                                                 gradients, after the step
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "lowp/accumulate/sums.h"
#include "lowp/core/formats.h"
#include "lowp/training/adamw.h"

using namespace lowp;
using namespace lowp::training;

namespace {

std::vector<double> read_all() {
  std::vector<double> values;
  double buffer[4096];
  while (const std::size_t got = std::fread(buffer, sizeof(double), 4096, stdin)) {
    values.insert(values.end(), buffer, buffer + got);
  }
  return values;
}

int write_all(const std::vector<double>& values) {
  return std::fwrite(values.data(), sizeof(double), values.size(), stdout) == values.size() ? 0 : 1;
}

int sums(const SumModel& model, const Accumulator& format, std::size_t terms, std::size_t elements) {
  const std::vector<double> in = read_all();
  if (in.size() != terms * elements) return 3;
  Adder adder(format);
  std::vector<double> out;
  for (std::size_t e = 0; e < elements; ++e) {
    out.push_back(sum_in_order(model.order, {4, 0, e, elements}, adder, std::span(in).subspan(e * terms, terms)));
  }
  return write_all(out);
}

int steps(const AdamModel& model, const Accumulator& format, const AdamSettings& settings, double step) {
  const std::vector<double> in = read_all();
  if (in.size() % 4 != 0) return 3;
  const std::size_t n = in.size() / 4;
  AdamW adam(model.kind, format, settings, step);
  std::vector<double> out(3 * n);
  for (std::size_t e = 0; e < n; ++e) {
    AdamState state{in[e], in[2 * n + e], in[3 * n + e]};
    adam.step(state, in[n + e]);
    out[e] = state.weight;
    out[n + e] = state.first;
    out[2 * n + e] = state.second;
  }
  return write_all(out);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 3) return 2;
  const FormatLookup format = find_format(words[2]);
  if (!format.found) return 2;
  const auto number = [&](std::size_t i) { return std::strtod(words[i].c_str(), nullptr); };
  if (words[0] == "sum" && words.size() == 5) {
    const SumModel* model = find_sum_model(words[1]);
    if (!model) return 2;
    return sums(*model, {words[2], format.format}, std::stoul(words[3]), std::stoul(words[4]));
  }
  if (words[0] == "adamw" && words.size() == 9) {
    for (const AdamModel& model : adam_table) {
      if (model.name != words[1] || model.kind == AdamKind::exact) continue;
      return steps(model, {words[2], format.format}, {number(3), number(4), number(5), number(6), number(7)},
                   number(8));
    }
  }
  return 2;
}
