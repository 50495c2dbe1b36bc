// SPDX-License-Identifier: Apache-2.0
#include "lowp/compare/compare_report.h"

#include <cmath>

#include "lowp/compare/difference_measures.h"
#include "lowp/report/cells.h"

namespace lowp::compare {
namespace {

Cell cell_of(const Measured& measured) {
  switch (measured.kind) {
    case Measured::Kind::missing: return null_cell(measured.why);
    case Measured::Kind::count: return count_cell(measured.count.most);
    case Measured::Kind::number: return Cell{measured.most};
  }
  return null_cell("");
}

void add_measure_keys(Table& table) {
  for (const DifferenceMeasure& measure : difference_measures()) table.keys.emplace_back(measure.key);
}
void add_measures(const Differences& differences, Row& row) {
  for (const DifferenceMeasure& measure : difference_measures()) row.push_back(cell_of(measure.value(differences)));
}

Cell step_of(const Input* input, std::string_view missing) {
  if (input == nullptr) return null_cell(missing);
  return input->step ? Cell{*input->step} : null_cell("not known");
}
Cell path_of(const Input* input, std::string_view missing) {
  return input == nullptr ? null_cell(missing) : text_cell(input->path);
}

Cell value_cell(double value) {
  if (std::isnan(value)) return null_cell("NaN");
  if (std::isinf(value)) return null_cell(value > 0 ? "Inf" : "-Inf");
  return Cell{value};
}

constexpr std::string_view first_keys[] = {"first.index", "first.a", "first.b", "first.ulps"};
void add_first(const std::optional<Divergence>& first, Row& row) {
  if (!first) {
    for (std::size_t i = 0; i < std::size(first_keys); ++i) row.push_back(null_cell("nothing differs"));
    return;
  }
  row.push_back(count_cell(first->index));
  row.push_back(value_cell(first->a));
  row.push_back(value_cell(first->b));
  row.push_back(first->ulps ? count_cell(*first->ulps) : null_cell("NaN or Inf"));
}

Table comparison_table(const CompareFindings& f) {
  const Comparison& all = f.comparison;
  Table table{"comparison",
              {"inputs_a", "inputs_b", "ulp_format", "tolerance_ulps", "tensors_compared", "tensors_differing",
               "first.name", "first.step_a", "first.step_b"},
              {},
              true};
  table.keys.insert(table.keys.end(), std::begin(first_keys), std::end(first_keys));
  add_measure_keys(table);
  std::uint64_t inputs_a = 0, inputs_b = 0;
  for (const StepComparison& step : all.steps) {
    inputs_a += step.inputs.a != nullptr;
    inputs_b += step.inputs.b != nullptr;
  }
  Row row{count_cell(inputs_a), count_cell(inputs_b),
          f.settings.ulp_format ? text_cell(f.settings.ulp_format->name) : null_cell("the narrower of each pair"),
          count_cell(f.settings.tolerance), count_cell(all.compared()), count_cell(all.differing())};
  const TensorComparison* first = all.first ? &all.tensors[*all.first] : nullptr;
  row.push_back(first != nullptr ? text_cell(first->name()) : null_cell("nothing differs"));
  const InputPair inputs = first != nullptr ? all.steps[first->step].inputs : InputPair{};
  row.push_back(step_of(inputs.a, "nothing differs"));
  row.push_back(step_of(inputs.b, "nothing differs"));
  add_first(first != nullptr ? first->differences.first : std::nullopt, row);
  add_measures(all.total, row);
  table.rows.push_back(std::move(row));
  return table;
}

Table steps_table(const Comparison& all) {
  Table table{"steps", {"step_a", "step_b", "path_a", "path_b", "tensors_compared", "tensors_differing", "first"}, {},
              false};
  add_measure_keys(table);
  for (const StepComparison& step : all.steps) {
    Row row{step_of(step.inputs.a, "only in B"),   step_of(step.inputs.b, "only in A"),
            path_of(step.inputs.a, "only in B"),   path_of(step.inputs.b, "only in A"),
            count_cell(step.compared),                  count_cell(step.differing),
            step.first ? text_cell(all.tensors[*step.first].name()) : null_cell("nothing differs")};
    add_measures(step.total, row);
    table.rows.push_back(std::move(row));
  }
  return table;
}

void add_view(const TensorView* view, std::string_view missing, Row& row) {
  if (view == nullptr) {
    row.insert(row.end(), 2, null_cell(missing));
    return;
  }
  CellList shape;
  for (const std::uint64_t size : view->shape) shape.push_back(count_cell(size));
  row.push_back(text_cell(view->dtype->name));
  row.push_back(Cell{std::move(shape)});
}

std::string_view status_of(const TensorComparison& tensor) {
  if (tensor.compared) return "compared";
  if (tensor.b == nullptr) return "only in A";
  return tensor.a == nullptr ? "only in B" : "two shapes";
}

Row tensor_row(const CompareFindings& f, const TensorComparison& tensor) {
  const InputPair& inputs = f.comparison.steps[tensor.step].inputs;
  const std::string_view status = status_of(tensor);
  Row row{text_cell(tensor.name()), step_of(inputs.a, "only in B"), step_of(inputs.b, "only in A"), text_cell(status)};
  add_view(tensor.a, "only in B", row);
  add_view(tensor.b, "only in A", row);
  row.push_back(tensor.compared ? text_cell(ulp_format_text(tensor, f.settings)) : null_cell(status));
  if (tensor.compared) {
    add_first(tensor.differences.first, row);
    add_measures(tensor.differences, row);
  } else {
    row.insert(row.end(), std::size(first_keys) + difference_measures().size(), null_cell(status));
  }
  return row;
}

Table tensors_table(const CompareFindings& f) {
  Table table{"tensors",
              {"name", "step_a", "step_b", "status", "dtype_a", "shape_a", "dtype_b", "shape_b", "ulp_format"},
              {},
              false};
  table.keys.insert(table.keys.end(), std::begin(first_keys), std::end(first_keys));
  add_measure_keys(table);
  table.more = [f](const TakeRow& take) {
    for (const TensorComparison& tensor : f.comparison.tensors) {
      if (!take(tensor_row(f, tensor))) return;
    }
  };
  return table;
}

}  // namespace

Report compare_report(const CompareFindings& findings) {
  Report report;
  report.tables = {comparison_table(findings), steps_table(findings.comparison), tensors_table(findings)};
  report.story = compare_story(findings);
  report.figures = compare_figures(findings);
  return report;
}

}  // namespace lowp::compare
