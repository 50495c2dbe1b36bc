// SPDX-License-Identifier: Apache-2.0
#include "lowp/tensor/tensorboard.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <protozero/pbf_reader.hpp>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/record_file.h"
#include "lowp/tensor/skip_log.h"

namespace lowp {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

// A field as a case of a switch: its number and how it is written. Others are skipped, so no getter meets a wrong type.
constexpr std::uint32_t varint(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::varint);
}
constexpr std::uint32_t fixed64(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::fixed64);
}
constexpr std::uint32_t fixed32(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::fixed32);
}
constexpr std::uint32_t bytes(std::uint32_t tag) {
  return protozero::tag_and_type(tag, pbf_wire_type::length_delimited);
}

constexpr std::size_t max_bins = 1 << 20;

std::string text_of(protozero::data_view view) {
  return {view.data(), view.size()};
}

template <class Range>
void append(std::vector<double>& out, const Range& range) {
  for (const auto value : range) out.push_back(static_cast<double>(value));
}

// HistogramProto: bucket i ends at limit i, the first begins at -DBL_MAX.
std::optional<std::string> read_v1(pbf_reader message, LoggedHistogram& h) {
  std::vector<double> limits, buckets;
  std::optional<double> number;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case fixed64(1): h.min = message.get_double(); break;
      case fixed64(2): h.max = message.get_double(); break;
      case fixed64(3): number = message.get_double(); break;
      case fixed64(6): limits.push_back(message.get_double()); break;
      case bytes(6): append(limits, message.get_packed_double()); break;
      case fixed64(7): buckets.push_back(message.get_double()); break;
      case bytes(7): append(buckets, message.get_packed_double()); break;
      default: message.skip();
    }
  }
  if (limits.size() != buckets.size()) return "bucket_limit and bucket differ in length";
  const auto counts = whole_counts(buckets);
  if (!counts) return "a count is not a whole number";
  h.counts = *counts;
  h.edges = {-std::numeric_limits<double>::max()};
  h.edges.insert(h.edges.end(), limits.begin(), limits.end());
  if ((h.min && std::isnan(*h.min)) || (h.max && std::isnan(*h.max))) h.min = h.max = std::nullopt;
  if (const auto fault = fault_of(h)) return fault;
  if (number && *number > static_cast<double>(h.total()) && *number <= 0x1p40) {
    h.dropped = static_cast<std::uint64_t>(*number) - h.total();
  }
  return fault_of(h);
}

struct Tensor {
  std::uint64_t type = 0;  // 1 float, 2 double
  std::vector<std::int64_t> shape;
  std::vector<double> values;
};

std::int64_t read_dimension(pbf_reader message) {
  std::int64_t size = 0;
  while (message.next()) {
    if (message.tag_and_type() == varint(1)) {
      size = message.get_int64();
    } else {
      message.skip();
    }
  }
  return size;
}

Tensor read_tensor(pbf_reader message) {
  Tensor tensor;
  std::string content;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case varint(1): tensor.type = message.get_uint64(); break;
      case bytes(2): {
        pbf_reader shape = message.get_message();
        while (shape.next()) {
          if (shape.tag_and_type() == bytes(2)) {
            tensor.shape.push_back(read_dimension(shape.get_message()));
          } else {
            shape.skip();
          }
        }
        break;
      }
      case bytes(4): content = text_of(message.get_view()); break;
      case fixed32(5): tensor.values.push_back(static_cast<double>(message.get_float())); break;
      case bytes(5): append(tensor.values, message.get_packed_float()); break;
      case fixed64(6): tensor.values.push_back(message.get_double()); break;
      case bytes(6): append(tensor.values, message.get_packed_double()); break;
      default: message.skip();
    }
  }
  const std::size_t item = tensor.type == 1 ? 4 : tensor.type == 2 ? 8 : 0;
  if (item == 0 || content.size() % item != 0) return tensor;
  for (std::size_t at = 0; at < content.size(); at += item) {
    const std::uint64_t bits = little_endian(std::as_bytes(std::span(content)).subspan(at, item));
    tensor.values.push_back(item == 8 ? std::bit_cast<double>(bits)
                                      : static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits))));
  }
  return tensor;
}

// Rows of left end, right end and count; one value only: all ends are equal and the last row counts. A list may leave
// out repetitions of its last value.
std::optional<std::string> read_v2(Tensor tensor, LoggedHistogram& h) {
  const std::int64_t rows = tensor.shape[0];
  if (rows < 0 || rows > static_cast<std::int64_t>(max_bins)) return "too many bins";
  const auto size = static_cast<std::size_t>(rows) * 3;
  if (size > tensor.values.size() && !tensor.values.empty() && size <= 4 * tensor.values.size() + 96) {
    tensor.values.resize(size, tensor.values.back());
  }
  if (tensor.values.size() != size) return "the shape does not fit the values";
  if (rows == 0) return "no bins";
  std::vector<double> counts;
  for (std::size_t row = 0; row < tensor.values.size(); row += 3) {
    if (row > 0 && tensor.values[row] != h.edges.back()) return "bins do not touch";
    if (row == 0) h.edges.push_back(tensor.values[0]);
    h.edges.push_back(tensor.values[row + 1]);
    counts.push_back(tensor.values[row + 2]);
  }
  const auto whole = whole_counts(counts);
  if (!whole) return "a count is not a whole number";
  h.counts = *whole;
  h.min = h.edges.front();
  h.max = h.edges.back();
  h.slack = float32_slack(h.edges, 4) * 0x1p-29;  // four units of float64: the bins are computed, not looked up
  return fault_of(h);
}

struct Value {
  std::string name;
  std::optional<double> simple;
  std::optional<pbf_reader> histogram, tensor;
};

Value read_value(pbf_reader message) {
  Value value;
  while (message.next()) {
    switch (message.tag_and_type()) {
      case bytes(1): value.name = text_of(message.get_view()); break;
      case fixed32(2): value.simple = static_cast<double>(message.get_float()); break;
      case bytes(5): value.histogram = message.get_message(); break;
      case bytes(8): value.tensor = message.get_message(); break;
      default: message.skip();
    }
  }
  return value;
}

}  // namespace

struct EventReader::State {
  explicit State(LoggedRun& run) : run_(run) {}

  // Throws protozero::exception on a message that is none.
  void take(std::string_view payload) {
    pbf_reader event(payload.data(), payload.size());
    std::int64_t step = 0;
    std::vector<pbf_reader> summaries;
    while (event.next()) {
      switch (event.tag_and_type()) {
        case varint(2): step = event.get_int64(); break;
        case bytes(5): summaries.push_back(event.get_message()); break;
        default: event.skip();
      }
    }
    for (pbf_reader& summary : summaries) {
      while (summary.next()) {
        if (summary.tag_and_type() == bytes(1)) {
          add(read_value(summary.get_message()), step);
        } else {
          summary.skip();
        }
      }
    }
  }

  void add(Value value, std::int64_t step) {
    if (value.simple) return add_scalar(std::move(value.name), step, *value.simple);
    std::optional<Tensor> tensor;
    if (value.tensor) tensor = read_tensor(*value.tensor);
    if (tensor && tensor->shape.empty() && tensor->values.size() == 1)
      return add_scalar(std::move(value.name), step, tensor->values[0]);
    const bool v2 =
        tensor && tensor->shape.size() == 2 && tensor->shape[1] == 3 && (tensor->type == 1 || tensor->type == 2);
    if (!value.histogram && !v2) return;
    LoggedHistogram histogram;
    histogram.name = std::move(value.name);
    histogram.step = step;
    const auto fault = v2 ? read_v2(std::move(*tensor), histogram) : read_v1(*value.histogram, histogram);
    if (fault) return skips.skip(histogram.name, *fault);
    const auto [at, added] = places_.try_emplace({histogram.name, step}, run_.histograms.size());
    if (added) {
      run_.histograms.push_back(std::move(histogram));
    } else {
      run_.histograms[at->second] = std::move(histogram);
    }
  }

  void add_scalar(std::string name, std::int64_t step, double value) {
    run_.scalars.push_back({std::move(name), step, value});
  }

  LoggedRun& run_;
  SkipLog skips;
  std::map<std::pair<std::string, std::int64_t>, std::size_t> places_;
};

EventReader::EventReader(LoggedRun& run) : state_(std::make_unique<State>(run)) {}
EventReader::~EventReader() = default;

bool EventReader::take(std::string_view record) {
  try {
    state_->take(record);
  } catch (const protozero::exception&) {
    return false;
  }
  return true;
}

std::vector<std::string> EventReader::notes() const {
  return state_->skips.notes();
}

Result<LoggedRun> read_tensorboard(const File& file) {
  LoggedRun run;
  EventReader reader(run);
  std::uint64_t malformed = 0;
  const auto end = each_tfrecord(file, [&](std::string_view record) { malformed += reader.take(record) ? 0 : 1; });
  if (!end) return end.error();
  if (end->records == 0) return Error{file.path(), 0, "TensorBoard events", "no complete record"};
  run.notes = reader.notes();
  if (const std::string note = note_of(*end); !note.empty()) run.notes.push_back(note);
  if (malformed > 0) run.notes.push_back(fmt::format("{} records are not events", malformed));
  return run;
}

}  // namespace lowp
