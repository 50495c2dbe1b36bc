// SPDX-License-Identifier: Apache-2.0
#include "lowp/report/provenance.h"

namespace lowp {
namespace {

Row source_row(const Source& source) {
  CellList steps, notes;
  for (const std::int64_t step : source.steps) steps.emplace_back().value = step;
  for (const std::string& note : source.notes) notes.push_back({note});
  return {{source.path},     {source.format}, {std::move(steps)}, {source.tensors},
          {source.elements}, {source.bytes},  {std::move(notes)}};
}

}  // namespace

void each_row(const Table& table, const TakeRow& take) {
  for (const Row& row : table.rows) {
    if (!take(row)) return;
  }
  if (table.more) table.more(take);
}

void add_source(std::vector<Source>& sources, Source source) {
  if (source.bytes != 0 || sources.empty()) {
    sources.push_back(std::move(source));
    return;
  }
  Source& whole = sources.back();
  whole.steps.insert(whole.steps.end(), source.steps.begin(), source.steps.end());
  whole.tensors += source.tensors;
  whole.elements += source.elements;
  whole.notes.insert(whole.notes.end(), source.notes.begin(), source.notes.end());
}

std::vector<Table> provenance(const Report& report) {
  if (report.tool.name.empty()) return {};
  Table tool{"tool", {"name", "version"}, {{{report.tool.name}, {report.tool.version}}}, true};
  Table inputs{"inputs", {"path", "format", "steps", "tensors", "elements", "bytes", "notes"}, {}};
  for (const Source& source : report.sources) inputs.rows.push_back(source_row(source));
  return {std::move(tool), std::move(inputs)};
}

}  // namespace lowp
