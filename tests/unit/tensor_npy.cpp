// SPDX-License-Identifier: Apache-2.0
// npy and raw.
#include <doctest/doctest.h>

#include "tensor_bytes.h"

using namespace lowp;
using namespace lowp_test;

namespace {

bool mentions(const std::string& message, std::string_view words) {
  INFO(message);
  return message.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("npy: versions 1 to 3, both byte orders, fortran order, rank 0, no elements") {
  const Folder folder;
  for (const int version : {1, 2, 3}) {
    const Input input = open_one(folder.write("w.npy", npy("'<f4'", "(2, 3)", floats(6), version)));
    REQUIRE(input.tensors.size() == 1);
    CHECK(input.tensors[0].name == "w");
    CHECK(input.tensors[0].shape == std::vector<std::uint64_t>{2, 3});
    CHECK(read_all(input.tensors[0]) == floats(6));
  }
  const auto first = [&](const std::string& bytes) { return open_one(folder.write("w.npy", bytes)).tensors.at(0); };
  CHECK(read_all(first(npy("'>f4'", "(1,)", "\x3f\x80\x01\x02"))) == "\x02\x01\x80\x3f");
  CHECK(read_all(first(npy("'>f8'", "(1L,)", "12345678"))) == "87654321");
  CHECK(read_all(first(npy("'<f2'", "(2,1)", "abcd", 1, "True"))) == "abcd");
  const TensorView fortran = first(npy("'<f2'", "(2,3)", "aabbccddeeff", 1, "True"));
  CHECK(read_all(fortran) == "aabbccddeeff");
  CHECK(read_row_major(fortran) == "aacceebbddff");
  CHECK(read_row_major(first(npy("'>f2'", "(2,3)", "aAbBcCdDeEfF", 1, "True"))) == "AaCcEeBbDdFf");
  CHECK(first(npy("'<f4'", "()", "abcd")).elements == 1);
  CHECK(first(npy("'<f4'", "(0, 9)", "")).elements == 0);
  CHECK(first(npy("\"=f4\"", "(1,)", "abcd")).dtype == find_dtype("f32"));
}

TEST_CASE("npy: names of types numpy does not know, and types it forgot") {
  const Folder folder;
  const auto dtype = [&](std::string_view descr, std::string_view data, const OpenOptions& options = {}) {
    const Input input = open_one(folder.write("w.npy", npy(descr, "(2,)", data)), options);
    return input.tensors.empty() ? std::string_view("none") : input.tensors[0].dtype->name;
  };
  CHECK(dtype("'bfloat16'", "abcd") == "bf16");
  CHECK(dtype("'float8_e4m3fn'", "ab") == "f8_e4m3");
  CHECK(dtype("'float8_e5m2'", "ab") == "f8_e5m2");
  CHECK(dtype("'<f1'", "ab") == "f8_e5m2");
  CHECK(dtype("'float8_e4m3fnuz'", "ab") == "none");
  OpenOptions assume;
  assume.assume_dtype = find_dtype("bf16");
  CHECK(dtype("'<V2'", "abcd", assume) == "bf16");
  const auto note = [&](const std::string& bytes, const OpenOptions& options = {}) {
    const Input input = open_one(folder.write("w.npy", bytes), options);
    REQUIRE(input.tensors.empty());
    return input.notes.at(0);
  };
  CHECK(mentions(note(npy("'|V1'", "(2,)", "ab"), assume), "'|V1' has elements of 1 bytes, not those of bf16"));
  CHECK(mentions(note(npy("'<V2'", "(2,)", "abcd")), "--assume-dtype bf16"));
  CHECK(mentions(note(npy("'|V1'", "(2,)", "ab")), "--assume-dtype f8_e4m3 or f8_e5m2"));
}

TEST_CASE("npy: what is not floating point is noted, what is not data is refused") {
  const Folder folder;
  for (const std::string_view descr : {"'<i8'", "'|b1'", "'|u1'", "'<c8'", "'<U5'", "'<M8[ns]'", "'|O'", "'<f16'"}) {
    const Input input = open_one(folder.write("w.npy", npy(descr, "(1,)", "01234567")));
    CHECK(input.tensors.empty());
    REQUIRE(input.notes.size() == 1);
    CHECK(mentions(input.notes[0], descr));
  }
  const auto message = [&](const std::string& bytes) { return refusal(folder.write("w.npy", bytes)); };
  const Input fields = open_one(folder.write("w.npy", npy("[('a', '<f4'), ('b[', '<f4', (2,))]", "(1,)", "abcd")));
  CHECK(mentions(fields.notes.at(0), "structured"));
  CHECK(mentions(message(npy("'<f4'", "(3)", floats(3))), "a tuple"));
  CHECK(mentions(message(npy("'<f4'", "(-1,)", "")), "a tuple"));
  CHECK(mentions(message(npy("'<f4'", "(__import__('os'),)", "")), "a tuple"));
  CHECK(mentions(message(npy("'<f4'", "(99999999999999999999,)", "")), "a tuple"));
  CHECK(mentions(message(npy("'<f4'", "(4294967296, 4294967296)", "")), "at most"));
  CHECK(mentions(message(npy("'<f4'", "(2,)", "abcd")), "8 bytes of data, found 4"));
  CHECK(mentions(message(npy("'<f4'", "(1,)", "abcde")), "4 bytes of data, found 5"));
  CHECK(mentions(message(npy("'<f4', 'x': 'y'", "(1,)", "abcd")), "each once"));
  CHECK(mentions(message(npy("'<f4', 'descr': '<f4'", "(1,)", "abcd")), "each once"));
  CHECK(mentions(message(npy("'<f4'", "(1,)", "abcd", 4)), "version"));
  CHECK(mentions(message("\x93NUMPY" + le(2, 1) + le(0, 1) + le(0xFFFFFFFF, 4) + "{}"), "at most 2 bytes"));
  CHECK(mentions(message("\x93NUMPY" + le(2, 1) + le(0, 1) + le(70000, 4) + std::string(80000, ' ')), "at most 65536"));
}

TEST_CASE("raw: only what the options say") {
  const Folder folder;
  const std::string path = folder.write("grads.bin", "abcdefghi");
  CHECK(mentions(refusal(path), "raw data need a dtype"));
  OpenOptions options;
  options.raw_dtype = find_dtype("f16");
  CHECK(mentions(refusal(path, options), "whole f16 elements of 2 bytes, found 9 bytes"));
  options.raw_offset = 1;
  const Input input = open_one(path, options);
  CHECK(input.format == "raw");
  REQUIRE(input.tensors.size() == 1);
  CHECK(input.tensors[0].name == "grads");
  CHECK(input.tensors[0].elements == 4);
  CHECK(read_all(input.tensors[0]) == "bcdefghi");
  options.raw_count = 2;
  options.raw_big_endian = true;
  CHECK(read_all(open_one(path, options).tensors[0]) == "cbed");
  options.raw_count = 5;
  CHECK(mentions(refusal(path, options), "5 f16 elements"));
  options.raw_count = ~0ull;
  CHECK(mentions(refusal(path, options), "f16 elements"));
  options.raw_offset = 10;
  CHECK(mentions(refusal(path, options), "data at offset 10"));
  OpenOptions forced;
  forced.reader = "raw";
  CHECK(mentions(refusal(path, forced), "a dtype for raw binary data"));
  forced.reader = "rav";
  CHECK(mentions(refusal(path, forced), "safetensors"));
}
