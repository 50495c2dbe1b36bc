// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/matrix_checks.h"

#include <algorithm>
#include <fstream>
#include <numeric>

#include "lowp/gpu/dot_cases.h"
#include "lowp/gpu/prediction.h"
#include "lowp/gpu/sass.h"

namespace lowp::gpu {
namespace {

constexpr std::size_t shown = 3;

std::string hex(std::uint32_t code, const MmaRow& row) {
  constexpr char digit[] = "0123456789ABCDEF";
  std::string text = "0x";
  for (int at = accumulator_format(row).width / 4 - 1; at >= 0; --at) text += digit[code >> (4 * at) & 0xF];
  return text;
}

void append(TileBatch& all, const TileBatch& one) {
  all.tiles += one.tiles;
  all.steps = one.steps;
  all.a.insert(all.a.end(), one.a.begin(), one.a.end());
  all.b.insert(all.b.end(), one.b.begin(), one.b.end());
  all.c.insert(all.c.end(), one.c.begin(), one.c.end());
}

std::size_t outputs_of(const MmaRow& row) {
  return static_cast<std::size_t>(row.m * row.n);
}

// D of the probe's tiles by the table: all elements of a tile are the same sum, so one is computed.
std::vector<std::uint32_t> predict_probe(const TensorCore& model, const MmaRow& row, const Probe& probe, int tiles) {
  MmaRow one = row;
  one.m = one.n = 1;
  TileBatch batch;
  for (int moved = 0; moved < tiles; ++moved) append(batch, probe_tile(one, probe, moved));
  std::vector<std::uint32_t> d;
  for (const std::uint32_t code : predict(model, one, Feed::plain, batch)) d.insert(d.end(), outputs_of(row), code);
  return d;
}

// The same sequence for the same row and purpose on any machine.
std::uint64_t seed_of(std::size_t row, std::uint64_t purpose) {
  return 1'000'000'007 * (row + 1) + 1'000'003 * purpose;
}

}  // namespace

std::string matrix_name(const MmaRow& row) {
  return std::string(row.path) + " " + std::string(row.ptx);
}

std::string code_text(Target target) {
  return "sm_" + std::to_string(target.architecture / 10) + (target.specific ? "a" : "");
}

std::vector<std::uint32_t> MatrixChecks::compare(std::size_t row, Feed feed, const TileBatch& batch,
                                                 const std::vector<std::uint32_t>& wanted, const std::string& what,
                                                 VerifyLine& into) {
  const MmaRow& instruction = mma_rows()[row];
  const std::vector<std::uint32_t> returned = backend_.multiply(row, feed, batch);
  const auto n = static_cast<std::size_t>(instruction.n), per_tile = outputs_of(instruction);
  into.cases += returned.size();
  for (std::size_t i = 0; i < returned.size(); ++i) {
    if (returned[i] == wanted[i]) continue;
    ++into.mismatches;
    if (into.first.size() >= shown) continue;
    into.first.push_back(what + ", tile " + std::to_string(i / per_tile) + " row " + std::to_string(i % per_tile / n) +
                         " column " + std::to_string(i % n) + ": hardware " + hex(returned[i], instruction) +
                         ", expected " + hex(wanted[i], instruction));
  }
  return returned;
}

void MatrixChecks::compare_with_model(std::size_t row, Feed feed, const TileBatch& batch, const std::string& what,
                                      VerifyLine& into) {
  const MmaRow& instruction = mma_rows()[row];
  const TensorCore* model = model_of(result_.chip.capability, instruction);
  compare(row, feed, batch, predict(*model, instruction, feed, batch), what, into);
}

// Whether the table can be held against the row; else the line says why not.
bool MatrixChecks::can_compare(std::size_t row, VerifyLine& into) {
  if (broken_.contains(row)) {
    into.note = "not run: the layout check failed";
  } else if (model_of(result_.chip.capability, mma_rows()[row]) == nullptr) {
    into.note = "not run: accumulate/model.h has no row for " + result_.chip.capability;
  }
  return into.note.empty();
}

void MatrixChecks::layout(std::size_t row, VerifyLine& into) {
  std::vector<std::uint32_t> wanted;
  const TileBatch batch = layout_tiles(mma_rows()[row], 64, seed_of(row, 0), wanted);
  compare(row, Feed::plain, batch, wanted, "layout", into);
  if (is_wgmma(mma_rows()[row])) compare(row, Feed::a_from_registers, batch, wanted, "layout, A in registers", into);
  if (into.mismatches != 0) broken_.insert(row);
}

void MatrixChecks::probes(std::size_t row, VerifyLine& into) {
  const MmaRow& instruction = mma_rows()[row];
  const TensorCore* model = model_of(result_.chip.capability, instruction);
  if (broken_.contains(row)) {
    into.note = "not run: the layout check failed";
    return;
  }
  into.note = model == nullptr ? "no row in accumulate/model.h" : on_hopper() ? "table and published bits" : "table";
  for (const Probe& probe : probes_for(instruction)) {
    const int tiles = probe.everywhere ? instruction.k : 1;
    TileBatch batch;
    for (int moved = 0; moved < tiles; ++moved) append(batch, probe_tile(instruction, probe, moved));
    const bool published = on_hopper() && probe.hopper;
    std::vector<std::uint32_t> wanted(batch.c.size(), probe.hopper.value_or(0));
    if (model != nullptr) {
      const auto predicted = predict_probe(*model, instruction, probe, tiles);
      if (published && predicted != wanted) {
        into.first.push_back(probe.id + ": the table does not give the published " + hex(*probe.hopper, instruction));
        ++into.mismatches;
      }
      if (!published) wanted = predicted;
    }
    const auto returned = model != nullptr || published ? compare(row, Feed::plain, batch, wanted, probe.id, into)
                                                        : backend_.multiply(row, Feed::plain, batch);
    if (!probe.open.empty()) answers_.push_back({&instruction, probe.open, probe.id, returned.front()});
  }
}

void MatrixChecks::random(std::size_t row, VerifyLine& into) {
  if (!can_compare(row, into)) return;
  const MmaRow& instruction = mma_rows()[row];
  const int outputs = options_.quick ? options_.dot_products / 64 : options_.dot_products;
  const int tiles = (outputs + instruction.m * instruction.n - 1) / (instruction.m * instruction.n);
  for (const DrawName& draw : draw_names) {
    const std::uint64_t seed = seed_of(row, 1 + static_cast<std::uint64_t>(draw.draw));
    compare_with_model(row, Feed::plain, draw_tiles(instruction, draw.draw, tiles, 1, seed), std::string(draw.name),
                       into);
  }
}

void MatrixChecks::chains(std::size_t row, VerifyLine& into) {
  if (!can_compare(row, into)) return;
  for (const int steps : {4, 16, 64, 256}) {
    if (options_.quick && steps > 16) break;
    for (const Draw draw : {Draw::normal, Draw::cancelling}) {
      const std::uint64_t seed = seed_of(row, 100 + static_cast<std::uint64_t>(steps));
      compare_with_model(row, Feed::plain, draw_tiles(mma_rows()[row], draw, options_.quick ? 1 : 4, steps, seed),
                         std::to_string(steps) + " instructions", into);
    }
  }
}

void MatrixChecks::feeds(std::size_t row, VerifyLine& into) {
  const MmaRow& instruction = mma_rows()[row];
  if (!is_wgmma(instruction) || !can_compare(row, into)) return;
  for (const Draw draw : {Draw::normal, Draw::landmarks}) {
    const TileBatch batch = draw_tiles(instruction, draw, 32, 1, seed_of(row, 200));
    compare_with_model(row, Feed::a_from_registers, batch, "A in registers", into);
    compare_with_model(row, Feed::scale_d_zero, batch, "scale-d = 0", into);
    compare_with_model(row, Feed::negated_a, batch, "scale-a = -1", into);
  }
}

void MatrixChecks::order(std::size_t row, VerifyLine& into) {
  const MmaRow& instruction = mma_rows()[row];
  const TensorCore* model = model_of(result_.chip.capability, instruction);
  if (model == nullptr || broken_.contains(row)) return;
  if (model->products < instruction.k || model->composition != Composition::chain) return;
  into.note = "one fused sum: any order gives the same bits";
  const TileBatch batch = draw_tiles(instruction, Draw::cancelling, 64, 1, seed_of(row, 300));
  TileBatch moved = batch;
  std::vector<std::size_t> order(static_cast<std::size_t>(instruction.k));
  std::iota(order.begin(), order.end(), 0);
  Random random(seed_of(row, 301));
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.bits() % i]);
  const auto permute = [&](const std::vector<std::uint32_t>& from, std::vector<std::uint32_t>& to) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      to[i] = from[i / order.size() * order.size() + order[i % order.size()]];
    }
  };
  permute(batch.a, moved.a);
  permute(batch.b, moved.b);
  compare(row, Feed::plain, moved, backend_.multiply(row, Feed::plain, batch), "other order", into);
}

void MatrixChecks::record(std::size_t row, VerifyLine& into) {
  if (options_.record_into.empty() || broken_.contains(row)) return;
  const MmaRow& instruction = mma_rows()[row];
  RecordedSet set;
  TileBatch probes;
  for (const Probe& probe : probes_for(instruction)) {
    if (probe.steps == 1) append(probes, probe_tile(instruction, probe, 0));
  }
  const auto probed = backend_.multiply(row, Feed::plain, probes);
  for (int tile = 0; tile < probes.tiles; ++tile) set.add(instruction, probes, probed, tile, 0, 0);
  for (const DrawName& draw : draw_names) {
    const int tiles = draw.draw == Draw::landmarks ? 100 : 45;  // eight results of each
    const TileBatch batch =
        draw_tiles(instruction, draw.draw, tiles, 1, seed_of(row, 400 + static_cast<std::uint64_t>(draw.draw)));
    const auto returned = backend_.multiply(row, Feed::plain, batch);
    for (int n = 0; n < 8 * tiles; ++n) set.add(instruction, batch, returned, n / 8, n % instruction.m, n % 8);
  }
  auto more = sass_of(options_.disassembly, backend_.kernel_name(row));
  more["source"] =
      "lowp-gpu-check: its probes, then 360 results each of the draws bits, normal, outliers, cancelling "
      "and subnormal, and 800 of landmarks";
  const std::string name = recorded_file_name(result_.chip, instruction);
  const std::string path = options_.record_into + "/" + name;
  std::ofstream out(path, std::ios::binary);
  out << recorded_file(result_.chip, instruction, set, more);
  if (!out.flush()) throw std::runtime_error(path + ": cannot be written");
  result_.files.push_back(path);
  into.cases = set.rows();
  into.note = name;
}

void MatrixChecks::say_open_points() {
  for (const Answer& answer : answers_) {
    std::string text = "hardware says (" + std::string(answer.open) + "), " + matrix_name(*answer.row) + ", " +
                       answer.id + ": " + hex(answer.returned, *answer.row);
    if (const TensorCore* model = model_of(result_.chip.capability, *answer.row)) {
      if (answer.open == "D1") {
        const int t = std::stoi(answer.id.substr(answer.id.find('=') + 1));
        text += answer.returned != 0 ? ": 2^-" + std::to_string(t) + " counts, e0 <= "
                                     : ": 2^-" + std::to_string(t) + " is cut, e0 > ";
        text +=
            std::to_string(model->fraction_bits - t) + " (the table has " + std::to_string(model->zero_exponent) + ")";
      }
    }
    result_.says.push_back(std::move(text));
  }
}

}  // namespace lowp::gpu
