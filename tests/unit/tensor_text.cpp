// SPDX-License-Identifier: Apache-2.0
// Messages, names, globs: the words around the bytes.
#include <doctest/doctest.h>

#include <algorithm>

#include "lowp/tensor/readers.h"
#include "lowp/tensor/step_name.h"
#include "lowp/tensor/step_series.h"
#include "tensor_bytes.h"

using namespace lowp;

TEST_CASE("messages name file, offset, wanted and found, and leave out what is not known") {
  CHECK(Error{"f", 12, "a", "b"}.message() == "f: at byte 12: wanted a, found b");
  CHECK(Error{"f", std::nullopt, "a", "b"}.message() == "f: wanted a, found b");
  CHECK(Error{"f", std::nullopt, "", "is empty"}.message() == "f: is empty");
  CHECK(Error{"f\n", 0, "a", ""}.message() == "f\\x0a: at byte 0: wanted a");
}

TEST_CASE("printable keeps text and disarms everything else") {
  CHECK(printable("grad/w \xC3\xA4 \xF0\x9F\x98\x80") == "grad/w \xC3\xA4 \xF0\x9F\x98\x80");
  CHECK(printable("\x1b[31m\t\x7f") == "\\x1b[31m\\x09\\x7f");
  CHECK(printable("\xC2\x9B") == "\\x9b");  // one-character CSI
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(printable("\xFF") == bad);
  CHECK(printable("\xC3") == bad);
  CHECK(printable("\xC0\xAF") == bad + bad);            // overlong
  CHECK(printable("\xED\xA0\x80") == bad + bad + bad);  // surrogate
  CHECK(printable("\xF4\x90\x80\x80") == bad + bad + bad + bad);
  CHECK(printable("\xE2\x80\xAE") == bad);  // right-to-left override
}

TEST_CASE("dtypes are found by either name in any case") {
  for (const Dtype& row : dtype_table) {
    CHECK(find_dtype(row.name) == &row);
    CHECK(find_dtype(row.safetensors) == &row);
    CHECK(find_dtype(row.torch) == &row);
    CHECK(stored_dtype(&Dtype::torch, &OtherDtype::torch, row.torch).read == &row);
    CHECK(row.format.width == row.bytes * 8);
  }
  CHECK(find_dtype("BF16") == find_dtype("bf16"));
  CHECK(find_dtype("i32") == nullptr);
  CHECK(find_dtype("") == nullptr);
}

TEST_CASE("globs") {
  CHECK(glob_match("*", ""));
  CHECK(glob_match("", ""));
  CHECK_FALSE(glob_match("", "a"));
  CHECK(glob_match("grad/*", "grad/d1/w"));
  CHECK(glob_match("*qkv*weight", "blocks.0.qkv.weight"));
  CHECK_FALSE(glob_match("*qkv*weight", "blocks.0.qkv.bias"));
  CHECK(glob_match("a?c", "abc"));
  CHECK_FALSE(glob_match("a?c", "ac"));
  CHECK(glob_match("*ab", "aab"));
  CHECK_FALSE(glob_match("[a]", "a"));
  CHECK(glob_match("**a", "ba"));
  CHECK_FALSE(glob_match(std::string(200, '*') + "b", std::string(20000, 'a')));
}

TEST_CASE("steps in names") {
  CHECK(step_of_name("run2/unet-step0200.npz") == 200);
  CHECK(step_of_name("step-12-rank3.pt") == 12);
  CHECK(step_of_name("epoch3_iter_77.pt") == 77);
  CHECK(step_of_name("grads.17.pt") == 17);
  CHECK(step_of_name("grads.17") == 17);
  CHECK(step_of_name("g100.safetensors") == 100);
  CHECK(step_of_name("model-5.safetensors.index.json") == 5);
  CHECK_FALSE(step_of_name("run7/grads.pt"));
  CHECK_FALSE(step_of_name("grads_bf16.pt"));
  CHECK_FALSE(step_of_name("grads-e4m3-float32.pt"));
  CHECK(step_of_name("12_fp16.pt") == 12);
  CHECK_FALSE(step_of_name("step99999999999999999999.pt"));
  CHECK(step_of_name("step_1/rank0.pt") == 1);
  CHECK(step_of_name("a/global_step500/mp_rank_00/model.pt") == 500);
  CHECK(step_of_name("epoch3/grads_0200.npz") == 200);
  CHECK_FALSE(step_of_name("step_9/a/b/rank0.pt"));
  CHECK_FALSE(step_of_name("rank12.pt"));
  CHECK_FALSE(step_of_name("zero_pp_rank_0_mp_rank_00_optim_states.pt"));
  CHECK_FALSE(step_of_name("model-00003-of-00004.safetensors"));
  CHECK(step_of_name("grads_120_shard3.pt") == 120);
}

TEST_CASE("shards in names") {
  const auto shard = shard_of_name("d/model-00002-of-00004.safetensors");
  REQUIRE(shard);
  CHECK(shard->family == "d/model-*-of-00004.safetensors");
  CHECK(shard->number == 2);
  CHECK(shard->count == 4);
  CHECK_FALSE(shard_of_name("a-of-b.pt"));
  CHECK_FALSE(shard_of_name("1-of-2/a.pt"));
  CHECK_FALSE(shard_of_name("model.pt"));
}

TEST_CASE("names sort as people count") {
  CHECK(natural_less("step9", "step10"));
  CHECK_FALSE(natural_less("step10", "step9"));
  CHECK(natural_less("a", "ab"));
  CHECK(natural_less("a1b2", "a1b10"));
  CHECK(natural_less("a01", "a1") != natural_less("a1", "a01"));
  CHECK_FALSE(natural_less("a1", "a1"));
}

TEST_CASE("exactly one reader sniffs each sample, by content or by name; every reader has a sample") {
  for (const Reader& reader : readers()) {
    INFO(reader.name);
    CHECK(std::ranges::count(lowp_test::samples(), reader.name, &lowp_test::Sample::reader) == 1);
  }
  for (const lowp_test::Sample& sample : lowp_test::samples()) {
    const auto head = std::as_bytes(std::span(sample.bytes)).first(std::min<std::size_t>(sample.bytes.size(), 4096));
    const Reader* expected = nullptr;
    std::string by_both;
    std::string by_content;
    std::string by_name;
    for (const Reader& reader : readers()) {
      if (reader.name == sample.reader) expected = &reader;
      if (reader.sniff(sample.name, head)) by_both += reader.name;
      if (reader.sniff("dump", head)) by_content += reader.name;
      if (reader.sniff(sample.name, {})) by_name += reader.name;
    }
    REQUIRE(expected != nullptr);
    const std::string sniffed = expected->takes_any_bytes ? "" : sample.reader;  // only if told so
    CHECK(by_both == sniffed);
    CHECK(by_name == (sample.is_lines ? "" : sniffed));  // lines of text are of many kinds: they need both
    if (!expected->claims_files) CHECK(by_content == (sample.is_lines ? "" : sniffed));
  }
}

TEST_CASE("what a file is that is no dump is said") {
  const lowp_test::Folder folder;
  const auto refused = [&](std::string_view name, std::string_view bytes) {
    return lowp_test::refusal(folder.write(name, bytes));
  };
  const auto has = [](const std::string& message, std::string_view words) {
    INFO(message);
    CHECK(message.find(words) != std::string::npos);
  };
  has(refused("m.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), "git lfs pull");
  has(refused("m.safetensors", "\n <!DOCTYPE html><html>"), "a web page");
  has(refused("m.pt", "<html><head>"), "a web page");
  has(refused("m.safetensors", std::string("\x1f\x8b\x08\0\0\0", 6)), "gzip data (unpack it first)");
  has(refused("m.pt", "\x80\x04\x95rest"), "a Python pickle");
  has(refused("m.npy", "\x89HDF\r\n\x1a\nrest"), "an HDF5 file");
  has(refused("__0_0.distcp", "PK\x03\x04"), "torch.distributed.checkpoint");
}
