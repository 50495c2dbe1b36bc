// SPDX-License-Identifier: Apache-2.0
// Two recipes on the same tensors: whether trainer and server write the same bytes.
#include <algorithm>

#include "lowp/recipes/recipe_report.h"
#include "lowp/recipes/recipe_words.h"

namespace lowp::recipes {
namespace {

constexpr std::uint64_t most_elements = std::uint64_t{1} << 28;

struct Difference {
  std::string path, tensor;
  std::uint64_t scales = 0, codes = 0, different_scales = 0, different_codes = 0;
  bool comparable = true;  // the same blocks and scale format
  std::string first;       // block, bytes of both
};

std::string first_codes(const Quantized& q, std::size_t at, std::size_t count) {
  std::string text;
  for (std::size_t i = at; i < at + count; ++i) text += fmt::format(" {:02x}", q.codes[i]);
  return text;
}

// The first element whose code differs, or whose scale does, and its block's bytes.
std::string first_difference(const Recipe& a, const Quantized& x, const Quantized& y, std::size_t element) {
  const std::size_t row = element / x.columns, column = element % x.columns;
  const std::size_t high = std::max<std::size_t>(a.row->block.rows == 0 ? x.rows : a.row->block.rows, 1);
  const std::size_t wide = a.row->block.columns == 0 ? x.columns : a.row->block.columns;
  const std::size_t block = row / high * x.grid.columns + column / wide;
  const std::size_t shown = std::min<std::size_t>(8, x.columns - column);
  return fmt::format("row {}, column {}: scales {:02x} and {:02x}, codes{} and{}", row, column, x.scales[block],
                     y.scales[block], first_codes(x, element, shown), first_codes(y, element, shown));
}

Difference compare(const Recipe& a, const Recipe& b, Matrix matrix) {
  const Oriented x_in = oriented(matrix, a.row->orientation), y_in = oriented(matrix, b.row->orientation);
  const Quantized x = quantize_matrix(a, {x_in.rows, x_in.columns, x_in.values});
  const Quantized y = quantize_matrix(b, {y_in.rows, y_in.columns, y_in.values});
  Difference d;
  d.comparable = x.rows == y.rows && x.columns == y.columns && a.row->block == b.row->block &&
                 a.row->scale == b.row->scale && a.element == b.element;
  if (!d.comparable) return d;
  d.scales = x.scales.size();
  d.codes = x.codes.size();
  const std::size_t high = a.row->block.rows == 0 ? std::max<std::size_t>(x.rows, 1) : a.row->block.rows;
  const std::size_t wide = a.row->block.columns == 0 ? std::max<std::size_t>(x.columns, 1) : a.row->block.columns;
  for (std::size_t i = 0; i < d.scales; ++i) d.different_scales += x.scales[i] != y.scales[i];
  for (std::size_t i = 0; i < d.codes; ++i) {
    const std::size_t block = i / x.columns / high * x.grid.columns + i % x.columns / wide;
    const bool differs = x.codes[i] != y.codes[i];
    d.different_codes += differs;
    if (d.first.empty() && (differs || x.scales[block] != y.scales[block])) d.first = first_difference(a, x, y, i);
  }
  return d;
}

Result<Difference> compare_tensor(const Input& input, const TensorView& view, const Recipe& a, const Recipe& b) {
  if (view.elements > most_elements) {
    return Error{input.path, std::nullopt, fmt::format("at most {} elements in '{}'", most_elements, view.name),
                 fmt::format("{}", view.elements)};
  }
  auto reader = FloatReader::open(input.path, view);
  if (!reader) return reader.error();
  std::vector<float> values(static_cast<std::size_t>(view.elements));
  if (auto done = reader->read(values); !done) return done.error();
  const MatrixShape shape = matrix_shape(view.name, view.shape);
  Difference d = compare(a, b, {static_cast<std::size_t>(shape.rows), static_cast<std::size_t>(shape.columns), values});
  d.path = input.path;
  d.tensor = view.name;
  return d;
}

Table differences_table(const std::vector<Difference>& all) {
  Table table{"differences",
              {"path", "tensor", "comparable", "scales", "different_scales", "codes", "different_codes", "first"},
              {},
              false};
  for (const Difference& d : all) {
    table.rows.push_back({text_cell(d.path), text_cell(d.tensor), Cell{d.comparable}, count_cell(d.scales),
                          count_cell(d.different_scales), count_cell(d.codes), count_cell(d.different_codes),
                          d.first.empty() ? Cell{Null{"nothing differs"}} : text_cell(d.first)});
  }
  return table;
}

}  // namespace

Result<Report> recipe_difference_report(const StepSeries& series, const Recipe& a, const Recipe& b) {
  std::vector<Difference> all;
  for (const Input& input : series.inputs) {
    for (const TensorView& view : input.tensors) {
      if (view.elements == 0) continue;
      auto d = compare_tensor(input, view, a, b);
      if (!d) return d.error();
      all.push_back(std::move(*d));
    }
  }
  std::uint64_t tensors = 0, scales = 0, codes = 0;
  Grid grid{"", {"tensor", "scales", "differ", "codes", "differ"}, 1, {}};
  for (const Difference& d : all) {
    const bool differs = d.different_scales + d.different_codes != 0;
    tensors += differs;
    scales += d.different_scales;
    codes += d.different_codes;
    if (differs) {
      grid.rows.push_back(
          {{d.tensor, grouped(d.scales), grouped(d.different_scales), grouped(d.codes), grouped(d.different_codes)},
           {}});
    }
  }
  Report report;
  report.tables = {differences_table(all)};
  const bool comparable = std::ranges::all_of(all, &Difference::comparable);
  if (!comparable) {
    report.story = {Paragraph{fmt::format("{} and {} have other blocks, scales or elements: their bytes cannot be "
                                          "compared.",
                                          a.name, b.name),
                              0, 2}};
    return report;
  }
  if (tensors == 0) {
    report.story = {
        Paragraph{fmt::format("{} and {} write the same bytes for {}.", a.name, b.name,
                              all.size() == 1 ? "the one tensor" : counted(all.size(), "tensor", "tensors")),
                  0, 2}};
    return report;
  }
  report.story = {Paragraph{fmt::format("{} and {} differ in {} of {}: {} and {}.", a.name, b.name, tensors,
                                        counted(all.size(), "tensor", "tensors"), counted(scales, "scale", "scales"),
                                        counted(codes, "code", "codes")),
                            0, 2},
                  std::move(grid)};
  report.story.push_back(Heading{"First block that differs"});
  for (const Difference& d : all) {
    if (!d.first.empty()) report.story.push_back(Paragraph{fmt::format("{}: {}", d.tensor, d.first), 2, 2});
  }
  return report;
}

}  // namespace lowp::recipes
