// SPDX-License-Identifier: Apache-2.0
#include "python_answers.h"

#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>

#include "commands.h"
#include "lowp/base/version.h"
#include "lowp/report/writers.h"
#include "lowp/summary/measures.h"
#include "python_arrays.h"

namespace lowp::python {
namespace {

using tool::Asked;

// Only the tensors that --select names.
void select(const std::vector<std::string>& globs, StepSeries& series) {
  if (globs.empty()) return;
  for (Input& input : series.inputs) {
    std::erase_if(input.tensors, [&](const TensorView& view) {
      return std::ranges::none_of(globs, [&](const std::string& glob) { return glob_match(glob, view.name); });
    });
  }
}

const tool::Command& command_named(const std::vector<std::string>& path, const std::vector<std::string>& words) {
  std::span<const tool::Command> among = tool::commands();
  const tool::Command* found = nullptr;
  for (const std::string& name : path) {
    found = tool::find_command(among, name);
    if (found == nullptr) throw_words(tool::unknown_word(name, tool::names_in(among)));
    among = found->below;
  }
  if (found == nullptr || !found->below.empty()) throw_words(tool::unknown_word("", tool::names_in(among)));
  return found == &tool::commands().front() ? tool::audit_of(words) : *found;
}

// Takes the series away from its frame.
struct OpenTask final : tool::Task {
  StepSeries series;
  explicit OpenTask(tool::Options&) {}
  Result<tool::Answer> run(tool::Job& job) override {
    series = job.series;
    return tool::Answer{};
  }
};
constexpr tool::Command open_command{
    .name = "open", .what = "files as tensors", .uses = {.dump = true}, .make = tool::make_task<OpenTask>};

Series open(const std::vector<std::string>& words) {
  const auto asked = ask(open_command, words, nullptr);
  return {static_cast<OpenTask&>(*asked->declared.task).series};
}

// One step of named arrays: (name, array, name of its element type or nothing).
using NamedArray = std::tuple<std::string, nb::object, std::string>;
Series series_of(const std::vector<std::pair<std::optional<std::int64_t>, std::vector<NamedArray>>>& steps) {
  Series made;
  for (const auto& [step, arrays] : steps) {
    Input input;
    input.path = step ? fmt::format("step {} in memory", *step) : "arrays in memory";
    input.format = "arrays";
    input.step = step;
    for (const auto& [name, object, said] : arrays) {
      const Borrowed array = borrow(object, name);
      const Dtype& dtype = dtype_of(array, said, object, name);
      input.tensors.push_back(view_of(name, array, dtype));
      input.bytes += array.elements * static_cast<std::uint64_t>(dtype.bytes);
    }
    made.series.inputs.push_back(std::move(input));
  }
  return made;
}

nb::list tensors_of(const Series& held) {
  nb::list list;
  for (const Input& input : held.series.inputs) {
    for (const TensorView& view : input.tensors) {
      nb::dict row;
      row["name"] = view.name;
      row["path"] = input.path;
      row["step"] = input.step;
      row["dtype"] = view.dtype->torch;
      row["shape"] = nb::tuple(nb::cast(view.shape));
      row["elements"] = view.elements;
      list.append(row);
    }
  }
  return list;
}

nb::list inputs_of(const Series& held) {
  nb::list list;
  for (const Input& input : held.series.inputs) {
    nb::dict row;
    row["path"] = input.path;
    row["format"] = input.format;
    row["step"] = input.step;
    row["bytes"] = input.bytes;
    row["tensors"] = input.tensors.size();
    row["dump_scale_log2"] = input.dump_scale_log2;
    row["notes"] = input.notes;
    list.append(row);
  }
  return list;
}

// Elements of a tensor in row-major order.
nb::bytes elements_of(const Series& held, std::size_t number) {
  std::string bytes;
  std::optional<Error> fault;
  for (const Input& input : held.series.inputs) {
    if (number >= input.tensors.size()) {
      number -= input.tensors.size();
      continue;
    }
    nb::gil_scoped_release without;
    const ByteSource& source = input.tensors[number].in_row_major();
    bytes.resize(source.size());
    auto stream = source.stream(0);
    if (!stream) {
      fault = stream.error();
    } else if (auto done = (*stream)->read(std::as_writable_bytes(std::span(bytes))); !done) {
      fault = done.error();
    }
    break;
  }
  if (fault) throw_input(*fault);
  return nb::bytes(bytes.data(), bytes.size());
}

nb::bytes written(const Asked& asked, const std::string& name, int width, bool unicode) {
  const Writer* writer = find_writer(name);
  if (writer == nullptr) throw_words(tool::unknown_word(name, tool::names_in(writers())));
  std::string text;
  {
    nb::gil_scoped_release without;
    writer->write(asked.answer.report, {.width = width, .colour = false, .unicode = unicode}, text);
  }
  return nb::bytes(text.data(), text.size());
}

nb::list table_of_measures() {
  nb::list list;
  for (const Measure& measure : measures()) {
    nb::dict row;
    row["name"] = measure.name;
    row["key"] = measure.key;
    row["what"] = measure.what;
    row["level"] = level_name(measure.needs);
    row["of_input"] = measure.of_input;
    row["is_count"] = measure.unit == Measure::Unit::count;
    list.append(row);
  }
  return list;
}

}  // namespace

void throw_input(const Error& error) {
  throw InputFault{error};
}

void throw_words(const Error& error) {
  Error told = error;
  if (told.file.starts_with("--")) {
    told.file = told.file.substr(2);
    std::ranges::replace(told.file, '-', '_');
  }
  throw nb::value_error(told.message().c_str());
}

std::unique_ptr<Asked> ask(const tool::Command& command, const std::vector<std::string>& words, const Series* series,
                           const Series* other) {
  auto asked = std::make_unique<Asked>();
  asked->declared = tool::declared_by(command);
  const tool::StandardOptions& standard = *asked->declared.standard;
  if (auto wrong = tool::take_words(command, words, series != nullptr, asked->declared)) throw_words(*wrong);
  const Result<Done> done = [&]() -> Result<Done> {
    nb::gil_scoped_release without;
    if (auto opened = tool::open_job(command.uses, *asked); !opened) return opened;
    for (const auto& [given, place] : {std::pair(series, &asked->job.series), {other, &asked->job.other}}) {
      if (given == nullptr) continue;
      *place = given->series;
      select(standard.open.select, *place);
    }
    asked->job.wants_records = asked->job.wants_figures = true;
    return tool::answer_job(*asked);
  }();
  if (!done) throw_input(done.error());
  return asked;
}

void bind_answers(nb::module_& m) {
  nb::class_<Series>(m, "Series")
      .def_static("open", &open, nb::arg("words"))
      .def_static("of", &series_of, nb::arg("steps"))
      .def("tensors", &tensors_of)
      .def("inputs", &inputs_of)
      .def("elements", &elements_of, nb::arg("number"));
  nb::class_<Asked>(m, "Answer")
      .def("write", &written, nb::arg("writer"), nb::arg("width") = 100, nb::arg("unicode") = true)
      .def_prop_ro("is_finding", [](const Asked& asked) { return asked.answer.is_finding; })
      .def_prop_ro("said", [](const Asked& asked) { return asked.answer.said; })
      .def_prop_ro("doubts", [](const Asked& asked) { return asked.doubts; })
      .def_prop_ro("has_picture", [](const Asked& asked) { return !asked.answer.report.figures.empty(); })
      .def("page", &tool::page_of, nb::arg("path"));
  m.def(
      "ask",
      [](const std::vector<std::string>& command, const std::vector<std::string>& words, const Series* series,
         const Series* other) { return ask(command_named(command, words), words, series, other); },
      nb::arg("command"), nb::arg("words"), nb::arg("series").none() = nb::none(), nb::arg("other").none() = nb::none());
  m.def("measures", &table_of_measures);
  m.attr("version") = std::string(version);
}

}  // namespace lowp::python
