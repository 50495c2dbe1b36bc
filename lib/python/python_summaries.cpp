// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "commands.h"
#include "keep_options.h"
#include "lowp/tensor/binades_run.h"
#include "lowp/tensor/checked.h"
#include "python_answers.h"
#include "python_arrays.h"
#include "python_tables.h"

namespace lowp::python {
namespace {

// What summarize leaves, kept instead of written.
struct KeepTask final : tool::Task {
  tool::KeepOptions what;
  Summary summary;
  explicit KeepTask(tool::Options& o) { what.declare(o); }
  Result<tool::Answer> run(tool::Job& job) override {
    auto made = what.summarize(job);
    if (!made) return made.error();
    summary = *std::move(made);
    return tool::Answer{};
  }
};
constexpr tool::Command keep_command{
    .name = "summarize", .what = "a dump as evidence", .uses = {.dump = true, .threads = true}, .make = tool::make_task<KeepTask>};

// Steps in order, each canonical.
struct Steps {
  std::vector<std::shared_ptr<const StepSummary>> steps;
};

template <class T>
T value_of(Result<T> result) {
  if (!result) throw_input(result.error());
  return *std::move(result);
}

void append(Steps& to, StepSummary step) {
  to.steps.push_back(std::make_shared<const StepSummary>(value_of(canonical(std::move(step)))));
}

Steps summarized(const std::vector<std::string>& words, const Series* series) {
  const auto asked = ask(keep_command, words, series);
  Steps made;
  for (StepSummary& step : static_cast<KeepTask&>(*asked->declared.task).summary.steps) append(made, std::move(step));
  return made;
}

// The order of steps: by their numbers, those without by the names of their dumps.
auto place_of(const StepSummary& step) {
  return std::pair(step.step, step.step ? std::string() : step.dump);
}

Steps merged_steps(const std::vector<const Steps*>& all) {
  std::map<decltype(place_of(std::declval<StepSummary>())), std::shared_ptr<const StepSummary>> by_place;
  for (const Steps* some : all) {
    for (const auto& step : some->steps) {
      auto& held = by_place[place_of(*step)];
      held = held ? std::make_shared<const StepSummary>(value_of(merged(*held, *step))) : step;
    }
  }
  Steps sum;
  for (auto& [place, step] : by_place) sum.steps.push_back(std::move(step));
  return sum;
}

std::size_t save(const Steps& summary, const std::string& path) {
  nb::gil_scoped_release without;
  auto run = value_of(BinadesRun::open(path, summary.steps.size()));
  for (const auto& step : summary.steps) value_of(run.add(*step));
  return run.bytes();
}

nb::list rows_of(const Steps& summary) {
  nb::list list;
  for (const auto& step : summary.steps) {
    nb::dict row;
    row["step"] = step->step;
    row["dump"] = step->dump;
    row["dump_scale_log2"] = step->dump_scale_log2;
    row["loss_dtype"] = step->loss_dtype;
    row["notes"] = step->notes;
    nb::list tensors;
    for (const TensorSummary& entry : step->tensors) {
      const Census census = census_of(entry.evidence);
      nb::dict tensor;
      tensor["name"] = entry.name;
      tensor["dtype"] = entry.dtype->torch;
      tensor["shape"] = nb::tuple(nb::cast(entry.shape));
      tensor["part"] = entry.part.text();
      tensor["level"] = level_name(level_of(entry.evidence));
      tensor["elements"] = census.elements;
      tensor["zero_in"] = census.zero_in;
      tensor["nan_in"] = census.nan_in;
      tensor["inf_in"] = census.inf_in;
      tensors.append(tensor);
    }
    row["tensors"] = tensors;
    list.append(row);
  }
  return list;
}

nb::list bytes_of(const Steps& summary) {
  nb::list list;
  for (const auto& step : summary.steps) {
    const std::string bytes = binades_bytes(*step);
    list.append(nb::bytes(bytes.data(), bytes.size()));
  }
  return list;
}

Series series_of(const Steps& summary) {
  Series made;
  for (const auto& step : summary.steps) made.series.inputs.push_back(input_of(step));
  return made;
}

// Files of evidence as they are, each at its own level.
Steps loaded(const std::vector<std::string>& paths) {
  const StepSeries series = value_of(open_series(paths, {}));
  Steps steps;
  for (const Input& input : series.inputs) {
    if (!input.summary) throw_input({input.path, std::nullopt, "a .binades file", "a " + input.format + " file"});
    steps.steps.push_back(std::make_shared<const StepSummary>(value_of(read_binades(input.path))));
  }
  return merged_steps({&steps});
}

// Counts of one step, tensor by tensor, while training goes on; level `counts`.
class StepCounter {
 public:
  StepCounter(std::uint32_t rank, std::uint32_t ranks) {
    if (ranks == 0 || rank >= ranks) throw nb::value_error(fmt::format("rank: wanted 0 to {} of {} ranks, found {}", ranks - 1, ranks, rank).c_str());
    if (ranks > 1) part_ = {Part::Kind::rank, rank, ranks};
  }

  // `said`: see dtype_of. `shape`: of the whole tensor, of which the array is a part; empty: the array's.
  void add(const std::string& name, nb::handle object, std::string_view said, std::vector<std::uint64_t> shape) {
    const Borrowed array = borrow(object, name);
    const Dtype& dtype = dtype_of(array, said, object, name);
    const TensorView view = view_of(name, array, dtype);
    check_dtype(name, dtype);
    std::optional<BinadeCounts> counts;
    {
      nb::gil_scoped_release without;
      counts = value_of(counted(view));
    }
    put(name, dtype, array.shape, *std::move(counts), std::move(shape));
  }

  // The same of elements that were counted elsewhere, of an array of `shape`. `whole`: of the tensor it is a part of.
  void add_table(const std::string& name, std::string_view said, std::vector<std::uint64_t> shape, nb::handle table,
                 std::vector<std::uint64_t> whole) {
    const Dtype* const dtype = find_dtype(said);
    if (dtype == nullptr) throw nb::value_error(fmt::format("{}: wanted the name of an element type, found {}", name, said).c_str());
    check_dtype(name, *dtype);
    const auto elements = element_count(shape);
    if (!elements || *elements > max_elements) throw nb::value_error(fmt::format("{}: wanted at most 2^40 elements", name).c_str());
    put(name, *dtype, std::move(shape), counts_of_table(name, *dtype, *elements, table), std::move(whole));
  }

  // All so far, divided by 2^dump_scale_log2; the counter is as new.
  Steps take(std::optional<std::int64_t> step, const std::string& dump, int dump_scale_log2,
             const std::optional<std::string>& loss_dtype, const std::vector<std::string>& notes) {
    StepSummary made;
    made.path = made.dump = dump;
    made.reader = "recorded";
    made.step = step;
    made.dump_scale_log2 = dump_scale_log2;
    made.loss_dtype = loss_dtype;
    made.notes = notes;
    for (const std::string& name : order_) {
      TensorSummary tensor = std::move(tensors_.at(name));
      if (dump_scale_log2 != 0) tensor.evidence = Evidence{divided(std::get<BinadeCounts>(tensor.evidence), dump_scale_log2)};
      made.tensors.push_back(std::move(tensor));
    }
    tensors_.clear();
    order_.clear();
    Steps steps;
    append(steps, std::move(made));
    return steps;
  }

  std::size_t size() const { return tensors_.size(); }

 private:
  void check_dtype(const std::string& name, const Dtype& dtype) const {
    const auto found = tensors_.find(name);
    if (found != tensors_.end() && found->second.dtype != &dtype)
      refuse_type(fmt::format("{}: wanted {} as before, found {}", name, found->second.dtype->torch, dtype.torch));
  }
  void put(const std::string& name, const Dtype& dtype, std::vector<std::uint64_t> shape, BinadeCounts counts,
           std::vector<std::uint64_t> whole) {
    TensorSummary& tensor = tensors_[name];
    if (tensor.dtype == nullptr) {
      order_.push_back(name);
      tensor = {name, &dtype, whole.empty() ? std::move(shape) : std::move(whole), Evidence{std::move(counts)}, part_};
      return;
    }
    // What was added up has no shape of its own any more, unless it is a part of one.
    BinadeCounts sum = merged(std::get<BinadeCounts>(tensor.evidence), counts);
    if (whole.empty()) tensor.shape = {sum.elements};
    tensor.evidence = Evidence{std::move(sum)};
  }
  // Several threads may be here at once, without the GIL.
  Result<BinadeCounts> counted(const TensorView& view) {
    const std::lock_guard one_by_one(counting_);
    const auto stream = view.source->stream(0);
    if (!stream) return stream.error();
    std::vector<std::byte> buffer(std::min<std::uint64_t>(view.source->size(), 1 << 16));
    for (std::uint64_t left = view.source->size(); left != 0;) {
      const std::span<std::byte> some(buffer.data(), std::min<std::uint64_t>(left, buffer.size()));
      if (auto done = (*stream)->read(some); !done) return done.error();
      counter_.count(*view.dtype, some, view.multiplicity);
      left -= some.size();
    }
    return counter_.take();
  }
  // Exact numbers by a power of two: binades move, fractions stay.
  static BinadeCounts divided(const BinadeCounts& counts, int scale_log2) {
    CountedRows rows = counts.counted();
    for (BinadeCountsRow& row : rows.rows) row.binade -= scale_log2;
    rows.max_abs = scaled(rows.max_abs, -scale_log2);
    rows.min_nonzero_abs = scaled(rows.min_nonzero_abs, -scale_log2);
    return BinadeCounts(rows);
  }

  std::mutex counting_;
  BinadeCountsCounter counter_;
  Part part_;
  std::map<std::string, TensorSummary> tensors_;
  std::vector<std::string> order_;
};

}  // namespace

void bind_summaries(nb::module_& m) {
  nb::class_<Steps>(m, "Summary")
      .def_static("of", &summarized, nb::arg("words"), nb::arg("series").none() = nb::none())
      .def_static("load", &loaded, nb::arg("paths"))
      .def_static("merged", &merged_steps, nb::arg("summaries"))
      .def("series", &series_of)
      .def("save", &save, nb::arg("path"))
      .def("steps", &rows_of)
      .def("to_bytes", &bytes_of)
      .def("__eq__", [](const Steps& a, const Steps& b) {
        return std::ranges::equal(a.steps, b.steps, [](const auto& x, const auto& y) { return binades_bytes(*x) == binades_bytes(*y); });
      });
  nb::class_<StepCounter>(m, "Counter")
      .def(nb::init<std::uint32_t, std::uint32_t>(), nb::arg("rank") = 0, nb::arg("ranks") = 1)
      .def("add", &StepCounter::add, nb::arg("name"), nb::arg("array"), nb::arg("dtype") = "", nb::arg("shape") = std::vector<std::uint64_t>())
      .def("add_table", &StepCounter::add_table, nb::arg("name"), nb::arg("dtype"), nb::arg("shape"), nb::arg("table"),
           nb::arg("whole") = std::vector<std::uint64_t>())
      .def("take", &StepCounter::take, nb::arg("step").none(), nb::arg("dump"), nb::arg("dump_scale_log2"),
           nb::arg("loss_dtype").none(), nb::arg("notes"))
      .def("__len__", &StepCounter::size);
}

}  // namespace lowp::python
