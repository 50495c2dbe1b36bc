// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "tensor_bytes.h"

using namespace lowp;
using namespace lowp_test;

namespace {

std::string entry(std::string_view name, std::string_view dtype, std::string_view shape, int begin, int end) {
  return "\"" + std::string(name) + "\":{\"dtype\":\"" + std::string(dtype) + "\",\"shape\":" + std::string(shape) +
         ",\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

bool mentions(const std::string& message, std::string_view words) {
  INFO(message);
  return message.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("safetensors: every floating dtype, rank 0, no elements, any order of the header") {
  const Folder folder;
  const std::string header = "  {" + entry("h", "F16", "[2]", 16, 20) + "," + entry("s", "F32", "[]", 12, 16) + "," +
                             entry("d", "F64", "[1]", 4, 12) + "," + entry("e", "F32", "[0,7]", 4, 4) + "," +
                             entry("b", "BF16", "[1]", 2, 4) + "," + entry("4", "F8_E4M3", "[1]", 1, 2) + "," +
                             entry("5", "F8_E5M2", "[1]", 0, 1) + "}   ";
  const Input input = open_one(folder.write("x.safetensors", safetensors(header, "0123456789abcdefghij")));
  REQUIRE(input.tensors.size() == 7);
  CHECK(input.format == "safetensors");
  CHECK_FALSE(input.step);
  std::string all;
  for (const TensorView& tensor : input.tensors) all += read_all(tensor);
  CHECK(all == "0123456789abcdefghij");
  CHECK(input.tensors[0].name == "5");
  CHECK(input.tensors[3].elements == 0);
  CHECK(input.tensors[3].shape == std::vector<std::uint64_t>{0, 7});
  CHECK(input.tensors[5].name == "s");
  CHECK(input.tensors[5].elements == 1);
  CHECK(input.tensors[5].shape.empty());
}

TEST_CASE("safetensors: a stream may begin anywhere") {
  const Folder folder;
  const Input input = open_one(
      folder.write("x.safetensors", safetensors("{" + entry("w", "F32", "[4]", 0, 16) + "}", "aaaabbbbccccdddd")));
  const auto stream = input.tensors[0].source->stream(8);
  REQUIRE(stream);
  std::array<std::byte, 4> four{};
  REQUIRE((*stream)->read(four));
  CHECK(four[0] == std::byte{'c'});
  REQUIRE((*stream)->read(four));
  CHECK(four[3] == std::byte{'d'});
  CHECK_FALSE((*stream)->read(four));
}

TEST_CASE("safetensors: the step comes from the metadata, then from the name") {
  const Folder folder;
  const std::string tensor = entry("w", "F32", "[1]", 0, 4);
  const auto step = [&](std::string_view name, const std::string& metadata) {
    return open_one(folder.write(name, safetensors("{\"__metadata__\":{" + metadata + "}," + tensor + "}", "0123")))
        .step;
  };
  CHECK(step("step3.safetensors", "\"step\":\"200\"") == 200);
  CHECK(step("step3.safetensors", "\"step\":\"200.5\"") == 3);
  CHECK(step("step3.safetensors", "") == 3);
  CHECK_FALSE(step("x.safetensors", ""));
}

TEST_CASE("safetensors: other dtypes are noted by name, unknown ones refused") {
  const Folder folder;
  const Input input = open_one(folder.write(
      "x.safetensors", safetensors("{" + entry("i", "I64", "[1]", 0, 8) + "," + entry("j", "I64", "[1]", 8, 16) + "," +
                                       entry("f", "F4", "[4]", 16, 18) + "}",
                                   "012345678901234567")));
  CHECK(input.tensors.empty());
  REQUIRE(input.notes.size() == 2);
  CHECK(mentions(input.notes[0], "skipped 2 tensors: dtype I64 is not floating point (first: 'i')"));
  CHECK(mentions(input.notes[1], "F4"));
  const std::string unknown = safetensors("{" + entry("i", "F99", "[1]", 0, 4) + "}", "0123");
  CHECK(mentions(refusal(folder.write("y.safetensors", unknown)), "a known dtype for tensor 'i', found 'F99'"));
}

TEST_CASE("safetensors: data must be tiled exactly") {
  const Folder folder;
  const auto message = [&](const std::string& entries, std::string_view data) {
    return refusal(folder.write("x.safetensors", safetensors("{" + entries + "}", data)));
  };
  const std::string a = entry("a", "F32", "[1]", 0, 4);
  CHECK(mentions(message(a + "," + entry("b", "F32", "[1]", 8, 12), "0123456789ab"), "a hole"));
  CHECK(mentions(message(a + "," + entry("b", "F32", "[1]", 2, 6), "012345"), "an overlap"));
  CHECK(mentions(message(a, "01234"), "1 more bytes"));
  CHECK(mentions(message(a, "012"), "end of file"));
  CHECK(mentions(message(entry("a", "F32", "[1]", 4, 8), "01234567"), "a hole"));
  CHECK(mentions(message(entry("a", "F32", "[2]", 0, 4), "0123"), "8 bytes for tensor 'a'"));
  CHECK(mentions(message(entry("a", "F4", "[3]", 0, 1), "0"), "and a part"));
  CHECK(mentions(message(entry("a", "F32", "[1]", 4, 0), "0123"), "offsets 4 to 0"));
  CHECK(mentions(message("", "x"), "1 more bytes"));
}

TEST_CASE("safetensors: hostile headers") {
  const Folder folder;
  const auto message = [&](const std::string& bytes) { return refusal(folder.write("x.safetensors", bytes)); };
  const auto header = [&](const std::string& text) { return message(safetensors(text, "0123")); };
  const std::string good = entry("a", "F32", "[1]", 0, 4);
  CHECK(mentions(message("{}"), "8 bytes of header length"));
  CHECK(mentions(message(le(~0ull, 8) + "{}"), "18446744073709551615"));
  CHECK(mentions(message(le(3, 8) + "{}"), "at most 2 bytes"));
  CHECK(mentions(header("{" + good + "," + good + "}"), "'a' again"));
  CHECK(mentions(header(R"({"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})"), "'dtype' again"));
  CHECK(mentions(header(R"({"__metadata__":{},"__metadata__":{},)" + good + "}"), "again"));
  CHECK(mentions(header(R"({"__metadata__":{"k":"1","k":"2"},)" + good + "}"), "'k' again"));
  CHECK(mentions(header(R"({"__metadata__":{"k":1},)" + good + "}"), "a string as metadata value"));
  CHECK(mentions(header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})"), "found 'x'"));
  CHECK(mentions(header(R"({"a":{"dtype":"F32","shape":[1]}})"), "each of dtype, shape and data_offsets"));
  CHECK(mentions(header(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})"), "negative"));
  CHECK(mentions(header(R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})"), "1.0"));
  CHECK(mentions(header(R"({"a":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]}})"), "184467"));
  CHECK(mentions(header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})"), "two unsigned integers"));
  CHECK(mentions(header(R"({"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})"), "an array"));
  // 2^32 * 2^32 elements wrap to 0.
  CHECK(mentions(header(entry("a", "F32", "[4294967296,4294967296]", 0, 0).insert(0, "{") + "}"), "at most"));
  CHECK(mentions(header(entry("a", "F32", "[9223372036854775809,2]", 0, 4).insert(0, "{") + "}"), "at most"));
  CHECK(mentions(header("[]"), "a JSON object"));
  CHECK(mentions(header("{" + good + "} x"), "valid JSON"));
  CHECK(mentions(header("{" + good), "valid JSON"));
  CHECK(mentions(header("{\"\xFF\":1}"), "valid JSON"));
  CHECK(mentions(header(std::string(1'000'000, '[')), "a JSON object"));
  CHECK(mentions(header("{\"a\\u001b[31m\\n\":1}"), "'a\\x1b[31m\\x0a'"));
}

TEST_CASE("safetensors index: shards beside it, each tensor where it says") {
  const Folder folder;
  const auto shard = [&](std::string_view name, std::string_view tensor) {
    folder.write(
        name, safetensors("{" + entry(tensor, "F32", "[1]", 0, 4) + "}", tensor.substr(0, 1) == "a" ? "aaaa" : "bbbb"));
  };
  shard("m-1.safetensors", "a");
  shard("m-2.safetensors", "b");
  const auto index = [&](const std::string& map) {
    return folder.write("m.safetensors.index.json",
                        "{\"metadata\":{\"total_size\":8,\"x\":[{}]},\"weight_map\":{" + map + "}}");
  };
  const std::string path = index(R"("a":"m-1.safetensors","b":"m-2.safetensors")");
  const Input input = open_one(path);
  REQUIRE(input.tensors.size() == 2);
  CHECK(read_all(input.tensors[0]) + read_all(input.tensors[1]) == "aaaabbbb");
  CHECK(input.files.size() == 3);
  CHECK(open_one(folder.path()).format == "safetensors_index");  // the shards are not opened twice

  CHECK(mentions(refusal(index(R"("a":"m-1.safetensors","a":"m-2.safetensors")")), "'a' again"));
  CHECK(mentions(refusal(index(R"("a":"../m-1.safetensors")")), "without directories"));
  CHECK(mentions(refusal(index(R"("a":"..")")), "without directories"));
  CHECK(mentions(refusal(index(R"("a":{"file":"m-1.safetensors"})")), "one file name"));
  CHECK(mentions(refusal(index(R"("c":"m-1.safetensors")")), "tensor 'c'"));
  CHECK(mentions(refusal(index("")), "weight_map"));
  const std::string missing = index(R"("a":"gone.safetensors")");
  const auto series = open_series(std::span(&missing, 1), {});
  REQUIRE_FALSE(series);
  CHECK(mentions(series.error().message(), "gone.safetensors: No such file"));
}
