// SPDX-License-Identifier: Apache-2.0
// precision_audit._core: moves arrays and words, decides nothing.
#include <fmt/format.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <csignal>

#include "format_words.h"
#include "program.h"
#include "python_answers.h"
#include "python_arrays.h"
#include "python_conversions.h"

namespace lowp::python {
namespace {

// What is asked of every conversion, as words.
struct Wanted {
  Format format;
  Conversion how;
  RandomSource random;
};

template <class T>
T row_named(const tool::OneOf<T>& among, const char* argument, const std::string& word) {
  if (auto found = among.find(word)) return *found;
  Error wrong = tool::unknown_word(word, among.names, among.kind);
  wrong.file = argument;
  throw_words(wrong);
}

Wanted wanted(const std::string& format, const std::string& rounding, const std::string& overflow, int scale_log2,
              std::uint64_t seed, int random_bits) {
  const auto chosen = tool::any_format(format);
  if (!chosen) throw_words(chosen.error());
  if (random_bits < 0 || random_bits > 32)
    throw nb::value_error(fmt::format("random_bits: wanted 0 to 32, found {}", random_bits).c_str());
  Wanted wanted{unscaled(chosen->format, scale_log2), {}, {seed, 0, random_bits}};
  wanted.how.rounding = row_named(tool::one_of<Rounding>(rounding_names, &RoundingName::mode), "rounding", rounding);
  wanted.how.overflow = row_named(tool::one_of<Overflow>(overflow_names, &OverflowName::rule), "overflow", overflow);
  return wanted;
}

void want_contiguous(const Borrowed& array, std::string_view name) {
  if (!array.is_contiguous())
    throw nb::value_error(fmt::format("{} is not contiguous in row-major order: wanted a copy that is (.contiguous() in torch, np.ascontiguousarray)", name).c_str());
}

// Memory that may be written, as large as wanted; the same as `in` or apart from it.
std::span<std::byte> place_for(nb::handle object, const Borrowed& in, std::uint64_t bytes, bool may_be_in) {
  nb::ndarray<> out;
  if (!nb::try_cast(object, out, false)) refuse_type("out: wanted an array that may be written");
  const Borrowed there = borrow(object, "out");
  want_contiguous(there, "out");
  if (there.shape != in.shape) throw nb::value_error("out: wanted the shape of the input");
  if (there.bytes().size() != bytes)
    throw nb::value_error(fmt::format("out: wanted {} bytes an element, found {}", in.elements ? bytes / in.elements : 0, there.bits / 8).c_str());
  std::byte* begin = static_cast<std::byte*>(out.data());
  const std::byte *from = in.data, *to = in.data + in.bytes().size();
  const bool apart = begin + bytes <= from || to <= begin, same = begin == from && may_be_in;
  if (!apart && !same && bytes != 0) throw nb::value_error("out overlaps the input: wanted the same memory or another");
  return {begin, static_cast<std::size_t>(bytes)};
}

void round_into(nb::object array, const std::string& said, nb::object out, const std::string& said_out, const std::string& format,
                const std::string& rounding, const std::string& overflow, int scale_log2, std::uint64_t seed, int random_bits) {
  const Wanted what = wanted(format, rounding, overflow, scale_log2, seed, random_bits);
  const Borrowed in = borrow(array, "the array");
  want_contiguous(in, "the array");
  const Dtype& dtype = dtype_of(in, said, array, "the array");
  if (&dtype_of(borrow(out, "out"), said_out, out, "out") != &dtype)
    refuse_type(fmt::format("out: wanted {} as the input", dtype.torch));
  const auto to = place_for(out, in, in.bytes().size(), true);
  nb::gil_scoped_release without;
  round_array(what.format, what.how, dtype, in.bytes(), to, what.random);
}

void encode_into(nb::object array, const std::string& said, nb::object codes, const std::string& format, const std::string& rounding,
                 const std::string& overflow, int scale_log2, std::uint64_t seed, int random_bits) {
  const Wanted what = wanted(format, rounding, overflow, scale_log2, seed, random_bits);
  const Borrowed in = borrow(array, "the array");
  want_contiguous(in, "the array");
  const Dtype& dtype = dtype_of(in, said, array, "the array");
  const auto to = place_for(codes, in, in.elements * static_cast<std::uint64_t>(code_bytes(what.format)), false);
  nb::gil_scoped_release without;
  encode_array(what.format, what.how, dtype, in.bytes(), to, what.random);
}

void decode_into(nb::object codes, nb::object out, const std::string& format, int scale_log2) {
  const Wanted what = wanted(format, "nearest_even", "ieee", scale_log2, 0, 0);
  const Borrowed in = borrow(codes, "codes");
  want_contiguous(in, "codes");
  if (in.code != 1 || in.bits < what.format.width)
    refuse_type(fmt::format("codes: wanted unsigned integers of at least {} bits", what.format.width));
  const Borrowed there = borrow(out, "out");
  const Dtype& dtype = dtype_of(there, "", out, "out");
  const auto to = place_for(out, in, in.elements * static_cast<std::uint64_t>(dtype.bytes), false);
  nb::gil_scoped_release without;
  decode_array(what.format, in.bits / 8, in.bytes(), dtype, to);
}

int code_bytes_of(const std::string& format) {
  const auto chosen = tool::any_format(format);
  if (!chosen) throw_words(chosen.error());
  return code_bytes(chosen->format);
}

// The program in this process, which is its own from here on: Python's handlers of signals are put away.
int run_program(const std::vector<nb::bytes>& given) {
  std::vector<std::string> words;
  for (const nb::bytes& word : given) words.emplace_back(word.c_str(), word.size());
  for (const int signal : {SIGINT, SIGPIPE}) std::signal(signal, SIG_DFL);
  nb::gil_scoped_release without;
  return tool::run_program(words);
}

// Where an array lies, and what it holds: (address, name of its element type, elements).
nb::tuple lent(nb::object array, const std::string& said) {
  const Borrowed in = borrow(array, "the array");
  const Dtype& dtype = dtype_of(in, said, array, "the array");
  return nb::make_tuple(reinterpret_cast<std::uintptr_t>(in.data), dtype.torch, in.elements);
}

// precision_audit.InputError is an OSError and a ValueError: a file or data that cannot be read.
void bind_faults(nb::module_& m) {
  const nb::object bases = nb::make_tuple(nb::borrow(PyExc_OSError), nb::borrow(PyExc_ValueError));
  static PyObject* input_error = PyErr_NewException("precision_audit.InputError", bases.ptr(), nullptr);
  if (input_error == nullptr) nb::raise_python_error();
  m.attr("InputError") = nb::borrow(input_error);
  nb::register_exception_translator([](const std::exception_ptr& thrown, void*) {
    try {
      std::rethrow_exception(thrown);
    } catch (const InputFault& fault) {
      PyErr_SetString(input_error, fault.error.message().c_str());
    }
  });
}

}  // namespace
}  // namespace lowp::python

NB_MODULE(_core, m) {
  using namespace lowp::python;
  bind_faults(m);
  bind_answers(m);
  bind_summaries(m);
  m.def("round_into", &round_into, nb::arg("array"), nb::arg("dtype"), nb::arg("out"), nb::arg("out_dtype"), nb::arg("format"),
        nb::arg("rounding"), nb::arg("overflow"), nb::arg("scale_log2"), nb::arg("seed"), nb::arg("random_bits"));
  m.def("encode_into", &encode_into, nb::arg("array"), nb::arg("dtype"), nb::arg("codes"), nb::arg("format"), nb::arg("rounding"),
        nb::arg("overflow"), nb::arg("scale_log2"), nb::arg("seed"), nb::arg("random_bits"));
  m.def("decode_into", &decode_into, nb::arg("codes"), nb::arg("out"), nb::arg("format"), nb::arg("scale_log2"));
  m.def("code_bytes", &code_bytes_of, nb::arg("format"));
  m.def("run_program", &run_program, nb::arg("words"));
  m.def("lent", &lent, nb::arg("array"), nb::arg("dtype") = "");
}
