// SPDX-License-Identifier: Apache-2.0
// npz, and what a zip may do wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <thread>

#include "tensor_bytes.h"

using namespace lowp;
using namespace lowp_test;

namespace {

bool mentions(const std::string& message, std::string_view words) {
  INFO(message);
  return message.find(words) != std::string::npos;
}
ZipMember member(std::string name, std::string data) {
  ZipMember result;
  result.name = std::move(name);
  result.data = std::move(data);
  return result;
}

}  // namespace

TEST_CASE("npz: stored, deflated, empty and foreign entries") {
  const Folder folder;
  ZipMember packed = member("b.c.npy", npy("'>f4'", "(2500, 40)", std::string(400000, 'x')));
  packed.deflate = true;
  const Input input = open_one(folder.write(
      "x.npz",
      zip({member("a.npy", npy("'<f4'", "(3,)", floats(3))), packed, member("empty.npy", npy("'<f4'", "(0,)", "")),
           member("i.npy", npy("'<i4'", "(1,)", "abcd")), member("readme.txt", "hello")})));
  REQUIRE(input.tensors.size() == 3);
  CHECK(input.tensors[0].name == "a");
  CHECK(read_all(input.tensors[0]) == floats(3));
  CHECK(input.tensors[1].name == "b.c");
  CHECK(read_all(input.tensors[1]) == std::string(400000, 'x'));
  CHECK(input.tensors[2].elements == 0);
  CHECK(read_all(input.tensors[2]).empty());
  CHECK(input.notes.size() == 2);
}

TEST_CASE("npz: arrays that are not read leave the others") {
  const Folder folder;
  const Input input = open_one(folder.write(
      "x.npz", zip({member("cfg.npy", npy("'|O'", "()", "pickle")), member("a.npy", npy("'<f4'", "(3,)", floats(3))),
                    member("f.npy", npy("[('x', '<f4')]", "(1,)", "abcd")), member("l.npy", npy("'<f16'", "(0,)", "")),
                    member("v.npy", npy("'<V2'", "(1,)", "ab"))})));
  REQUIRE(input.tensors.size() == 1);
  CHECK(read_all(input.tensors[0]) == floats(3));
  REQUIRE(input.notes.size() == 4);
  CHECK(mentions(input.notes[0], "skipped 'cfg': dtype '|O' holds Python objects"));
  CHECK(mentions(input.notes[3], "--assume-dtype bf16"));
}

TEST_CASE("npz: many threads read one archive") {
  const Folder folder;
  std::vector<ZipMember> members;
  for (int i = 0; i < 8; ++i) {
    members.push_back(member("t" + std::to_string(i) + ".npy",
                             npy("'<f4'", "(50000,)", std::string(200000, static_cast<char>('a' + i)))));
    members.back().deflate = i % 2 == 1;
  }
  const Input input = open_one(folder.write("x.npz", zip(members)));
  std::vector<std::string> read(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      std::string fault;
      for (int turn = 0; turn < 5; ++turn) read[i] = read_all(input.tensors[i], &fault) + fault;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < 8; ++i) CHECK(read[i] == std::string(200000, static_cast<char>('a' + i)));
}

TEST_CASE("npz: archives that contradict themselves") {
  const Folder folder;
  const auto message = [&](const std::vector<ZipMember>& members) {
    return refusal(folder.write("x.npz", zip(members)));
  };
  const ZipMember good = member("a.npy", npy("'<f4'", "(3,)", floats(3)));
  CHECK(mentions(message({good, good}), "zip entries of different names"));
  ZipMember bad = good;
  bad.local_name = "b.npy";
  CHECK(mentions(message({bad}), "consistent"));
  bad = good;
  bad.flags = 1;
  CHECK(mentions(message({bad}), "without encryption"));
  bad = good;
  bad.method = 12;
  CHECK(mentions(message({bad}), "method 12"));
  bad = good;
  bad.claimed_extra = 4;
  CHECK(mentions(message({bad}), "bytes in stored entry"));
  ZipMember repeat = good;
  repeat.repeats_previous = true;
  repeat.name = "b.npy";
  CHECK(!message({good, repeat}).empty());
  repeat.name = repeat.local_name = "a.npy";
  CHECK(!message({good, repeat}).empty());
  CHECK(!message({member("x.npy", "")}).empty());
}

// One megabyte of one byte, listed under many names: the classic overlapping bomb.
TEST_CASE("npz: overlapping entries are refused") {
  const Folder folder;
  ZipMember first = member("a.npy", npy("'<f4'", "(3,)", floats(3)));
  std::vector<ZipMember> members{first};
  for (int i = 0; i < 20; ++i) {
    first.repeats_previous = true;
    members.push_back(first);
  }
  CHECK(!refusal(folder.write("x.npz", zip(members))).empty());
}

TEST_CASE("npz: a header that claims more than the entry, and data that lie") {
  const Folder folder;
  ZipMember bomb = member("a.npy", npy("'<f4'", "(1000000000,)", floats(3)));
  bomb.deflate = true;
  CHECK(mentions(refusal(folder.write("x.npz", zip({bomb}))), "4000000000 bytes of data, found 12"));
  bomb.claimed_extra = 4000000000 - 12;  // the directory agrees; only reading can tell
  const Input input = open_one(folder.write("x.npz", zip({bomb})));
  std::string fault;
  CHECK(read_all(input.tensors.at(0), &fault).size() < 100000);
  CHECK(mentions(fault, "x.npz: a.npy: at byte"));

  ZipMember wrong = member("a.npy", npy("'<f4'", "(3,)", floats(3)));
  for (const bool deflate : {false, true}) {
    wrong.deflate = deflate;
    wrong.crc_change = 1;
    const Input damaged = open_one(folder.write("x.npz", zip({wrong})));
    fault.clear();
    read_all(damaged.tensors.at(0), &fault);
    CHECK(mentions(fault, "CRC"));
  }
}

TEST_CASE("zip: hostile names stay names") {
  const Folder folder;
  const Input input =
      open_one(folder.write("x.npz", zip({member("../../etc/x\x1b[2J.npy", npy("'<f4'", "(3,)", floats(3)))})));
  CHECK(input.tensors.at(0).name == "../../etc/x\x1b[2J");
  CHECK(read_all(input.tensors[0]) == floats(3));
  CHECK(mentions(refusal(folder.write("y.npz", zip({member("a\x1b.npy", "zzzzzzzzzzzzzz")}))), "a\\x1b.npy"));
}
