// SPDX-License-Identifier: Apache-2.0
// torch.save files from pickles written opcode by opcode.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "lowp/tensor/row_major.h"
#include "lowp/tensor/strided.h"
#include "tensor_bytes.h"

using namespace lowp;
using namespace lowp_test;
using namespace lowp_test::pickle;

namespace {

bool mentions(const std::string& message, std::string_view words) {
  INFO(message);
  return message.find(words) != std::string::npos;
}

const std::string f6 = storage("FloatStorage", "0", 6);

// The input of one file whose pickle is `value`, with six floats as record 0.
Input open_value(const Folder& folder, const std::string& value) {
  return open_one(folder.write("x.pt", torch(whole(value), {{"0", floats(6)}})));
}
std::string refuse_value(const Folder& folder, const std::string& value) {
  return refusal(folder.write("x.pt", torch(whole(value), {{"0", floats(6)}})));
}
std::string names(const Input& input) {
  std::string all;
  for (const TensorView& tensor : input.tensors) all += (all.empty() ? "" : " ") + tensor.name;
  return all;
}
std::string subset(std::initializer_list<int> elements) {
  std::string bytes;
  for (const int element : elements) bytes += floats(6).substr(static_cast<std::size_t>(element) * 4, 4);
  return bytes;
}

}  // namespace

TEST_CASE("torch: names come from the containers") {
  const Folder folder;
  const std::string t = tensor(f6, 0, {6}, {1});
  CHECK(names(open_value(folder, t)) == "tensor");
  CHECK(names(open_value(folder, dict({{"grad/d1.w", t}, {"b", t}}))) == "grad/d1.w b");
  CHECK(names(open_value(folder, dict({{"model", dict({{"w", t}, {"l", "](" + t + t + "e"}})}, {"n", "N"}}))) ==
        "model.w model.l.0 model.l.1");
  CHECK(names(open_value(folder, dict({{"a", dict({{"b", t}})}, {"a.b", t}}))) == "a.b a.b#2");
  const std::string ordered = call(global("collections", "OrderedDict"), ")") + "(" + text("w") + t + "u" + "}" + "(" +
                              text("_metadata") + "Nub";
  CHECK(names(open_value(folder, ordered)) == "w");
  CHECK(names(open_value(folder, tuple({t, integer(3), t}))) == "0 2");
  const Input stepped = open_value(folder, dict({{"step", integer(41)}, {"w", t}}));
  CHECK(stepped.step == 41);
}

TEST_CASE("torch: views give each stored element once, in storage order") {
  const Folder folder;
  const auto view = [&](std::uint32_t offset, const std::vector<std::uint32_t>& shape,
                        const std::vector<std::uint32_t>& strides) {
    return open_value(folder, dict({{"w", tensor(f6, offset, shape, strides)}})).tensors.at(0);
  };
  CHECK(read_all(view(0, {2, 3}, {3, 1})) == floats(6));
  CHECK(read_all(view(0, {3, 2}, {1, 3})) == floats(6));  // transposed
  CHECK(read_all(view(1, {2, 2}, {3, 1})) == subset({1, 2, 4, 5}));
  CHECK(read_all(view(1, {2, 2}, {1, 3})) == subset({1, 2, 4, 5}));
  CHECK(read_all(view(0, {3}, {2})) == subset({0, 2, 4}));
  CHECK(read_all(view(5, {}, {})) == subset({5}));
  CHECK(read_all(view(2, {1, 1}, {99, 0})) == subset({2}));
  CHECK(view(0, {2, 3}, {3, 1}).row_major == nullptr);
  CHECK(read_row_major(view(0, {3, 2}, {1, 3})) == subset({0, 3, 1, 4, 2, 5}));
  CHECK(read_row_major(view(1, {2, 2}, {1, 3})) == subset({1, 4, 2, 5}));
  CHECK(read_row_major(view(4, {2, 2, 2}, {0, 1, 0})) == subset({4, 4, 5, 5, 4, 4, 5, 5}));
  const TensorView expanded = view(4, {1000, 2, 1000}, {0, 1, 0});
  CHECK(read_all(expanded) == subset({4, 5}));
  CHECK(expanded.multiplicity == 1'000'000);
  CHECK(expanded.elements == 2'000'000);
  CHECK(view(0, {0, 5}, {5, 1}).elements == 0);
  CHECK(mentions(refuse_value(folder, tensor(f6, 1, {6}, {1})), "a view within its storage"));
  CHECK(mentions(refuse_value(folder, tensor(f6, 0, {2, 2}, {5, 1})), "a view within its storage"));
  CHECK(mentions(refuse_value(folder, tensor(f6, 0, {2}, {0xFFFFFFFF})), "none negative"));
  CHECK(mentions(refuse_value(folder, tensor(f6, 0, {1u << 30, 1u << 30}, {0, 0})), "at most"));
  const Input overlapping = open_value(folder, dict({{"w", tensor(f6, 0, {4, 3}, {1, 1})}}));
  CHECK(overlapping.tensors.empty());
  CHECK(mentions(overlapping.notes.at(0), "overlaps"));
}

// Against the definition, with a band so small that views are cut in every way: every element of every small view.
TEST_CASE("torch: row-major order of every small view") {
  const Folder folder;
  std::string elements;
  for (std::uint64_t i = 0; i < 100; ++i) elements += le(i, 2);
  const auto storage = open_one(folder.write("x.npy", npy("'<f2'", "(100,)", elements))).tensors.at(0).source;
  for (std::uint64_t code = 0; code < 4 * 4 * 4 * 7 * 7 * 7; code += 3) {
    std::uint64_t rest = code;
    std::vector<std::uint64_t> shape(3);
    std::vector<std::uint64_t> strides(3);
    for (auto& size : shape) size = 1 + rest % 4, rest /= 4;
    for (auto& stride : strides) stride = rest % 7, rest /= 7;
    if (!canonical_view(shape, strides)) continue;
    std::string expected;
    for (std::uint64_t i = 0; i < shape[0]; ++i) {
      for (std::uint64_t j = 0; j < shape[1]; ++j) {
        for (std::uint64_t k = 0; k < shape[2]; ++k)
          expected += le(i * strides[0] + j * strides[1] + k * strides[2], 2);
      }
    }
    for (const std::uint64_t band : {2u, 6u, 10u, 4096u}) {
      const auto source = row_major_source(storage, shape, strides, 2, "x", band);
      const auto stream = source->stream(0);
      REQUIRE(stream);
      std::string bytes(expected.size(), '\0');
      REQUIRE((*stream)->read(std::as_writable_bytes(std::span(bytes))));
      REQUIRE(bytes == expected);
    }
    std::string sorted;  // the elements in storage order
    std::vector<std::string> each;
    for (std::size_t i = 0; i < expected.size(); i += 2) each.push_back(expected.substr(i, 2));
    std::ranges::sort(each, {}, [](const std::string& e) { return static_cast<unsigned char>(e[0]); });
    for (const std::string& element : each) sorted += element;
    const bool repeats = std::ranges::adjacent_find(each) != each.end();
    CHECK(is_row_major(shape, strides) == (sorted == expected && !repeats));
  }
}

// Against the definition: every index of every small view, collected in a set.
TEST_CASE("torch: canonical views against brute force") {
  int kept = 0;
  for (std::uint64_t code = 0; code < 4 * 4 * 4 * 7 * 7 * 7; ++code) {
    std::uint64_t rest = code;
    std::vector<std::uint64_t> shape(3);
    std::vector<std::uint64_t> strides(3);
    for (auto& size : shape) size = 1 + rest % 4, rest /= 4;
    for (auto& stride : strides) stride = rest % 7, rest /= 7;
    std::vector<int> uses(100);
    for (std::uint64_t i = 0; i < shape[0]; ++i) {
      for (std::uint64_t j = 0; j < shape[1]; ++j) {
        for (std::uint64_t k = 0; k < shape[2]; ++k) ++uses[i * strides[0] + j * strides[1] + k * strides[2]];
      }
    }
    const auto extent = view_extent(shape, strides);
    REQUIRE(extent);
    CHECK(uses[*extent - 1] > 0);
    CHECK(std::accumulate(uses.begin() + static_cast<std::ptrdiff_t>(*extent), uses.end(), 0) == 0);
    const auto view = canonical_view(shape, strides);
    if (!view) continue;
    ++kept;
    std::vector<int> covered(100);
    const auto walk = [&](const auto& self, std::size_t axis, std::uint64_t at) -> void {
      if (axis == view->axes.size()) {
        covered[at] += static_cast<int>(view->multiplicity);
        return;
      }
      for (std::uint64_t i = 0; i < view->axes[axis].size; ++i) self(self, axis + 1, at + i * view->axes[axis].stride);
    };
    walk(walk, 0, 0);
    REQUIRE(covered == uses);
  }
  CHECK(kept > 5000);
}

TEST_CASE("torch: dtypes, parameters, subclasses, sparse tensors") {
  const Folder folder;
  const std::string untyped =
      tuple({text("storage"), global("torch.storage", "UntypedStorage"), text("0"), text("cpu"), integer(24)}) + "Q";
  const std::string v3 = call(global("torch._utils", "_rebuild_tensor_v3"),
                              tuple({untyped, integer(4), tuple({integer(3)}), tuple({integer(1)}), "\x89", "N",
                                     global("torch", "float8_e5m2")}));
  const Input fp8 = open_value(folder, dict({{"w", v3}}));
  CHECK(fp8.tensors.at(0).dtype == find_dtype("f8_e5m2"));
  CHECK(read_all(fp8.tensors[0]) == floats(6).substr(4, 3));

  const std::string t = tensor(f6, 0, {6}, {1});
  const std::string parameter = call(global("torch._utils", "_rebuild_parameter"), tuple({t, "\x88", "N"}));
  CHECK(read_all(open_value(folder, dict({{"p", parameter}})).tensors.at(0)) == floats(6));

  const std::string typed =
      call(global("torch._tensor", "_rebuild_from_type_v2"),
           tuple({global("torch._utils", "_rebuild_tensor_v2"), global("torch", "Tensor"),
                  tuple({f6, integer(0), tuple({integer(6)}), tuple({integer(1)}), "\x89", "N"}), "}"}));
  CHECK(names(open_value(folder, dict({{"s", typed}}))) == "s");

  const std::string layout = call(global("torch.serialization", "_get_layout"), tuple({text("torch.sparse_coo")}));
  // Six floats at those places, with a flag that says whether they are said to differ.
  const auto sparse = [&](std::uint32_t rows, const std::vector<std::uint64_t>& at, const std::string& flag = "") {
    std::string indices;
    for (const std::uint64_t place : at) indices += le(place, 8);
    std::vector<std::string> parts{tensor(storage("LongStorage", "9", 6), 0, {1, 6}, {6, 1}), t,
                                   tuple({integer(rows)})};
    if (!flag.empty()) parts.push_back(flag);
    const std::string value = call(global("torch._utils", "_rebuild_sparse_tensor"), tuple({layout, tuple(parts)}));
    return folder.write("x.pt", torch(whole(dict({{"s", value}})), {{"0", floats(6)}, {"9", indices}}));
  };
  const auto coo = [&](std::uint32_t rows, const std::vector<std::uint64_t>& at, const std::string& flag = "") {
    return open_one(sparse(rows, at, flag)).tensors.at(0);
  };
  for (const std::string flag : {"", "\x88", "\x89"}) {
    const TensorView view = coo(100, {9, 0, 3, 99, 5, 6}, flag);
    CHECK(view.elements == 100);
    CHECK(view.implicit_zeros == 94);
    CHECK(view.shape == std::vector<std::uint64_t>{100});
    const std::string dense = read_row_major(view);
    REQUIRE(dense.size() == 400);
    CHECK(dense.substr(0, 4) == subset({1}));
    CHECK(dense.substr(99 * 4) == subset({3}));
    CHECK(dense.substr(4, 8) == std::string(8, '\0'));
  }
  const TensorView reversed = coo(6, {5, 4, 3, 2, 1, 0}, "\x88");
  CHECK(read_row_major(reversed) == subset({5, 4, 3, 2, 1, 0}));
  const TensorView doubled = coo(4, {2, 0, 2, 2, 3, 3}, "\x89");  // 2 at 0; 1 + 3 + 4 = 8 at 2; 5 + 6 = 11 at 3
  CHECK(doubled.implicit_zeros == 1);
  CHECK(read_all(doubled) == le(0x40000000, 4) + le(0x41000000, 4) + le(0x41300000, 4));
  CHECK(read_row_major(doubled) == le(0x40000000, 4) + le(0, 4) + le(0x41000000, 4) + le(0x41300000, 4));
  CHECK(mentions(refusal(sparse(4, {0, 1, 2, 3, 4, 5}, "\x89")), "sparse indices from 0 to 3, found 4"));
  CHECK(mentions(refusal(sparse(4, {0, 1, 2, 3, ~0ull, 5})), "found -1"));

  const Input other = open_value(folder, dict({{"i", tensor(storage("LongStorage", "0", 3), 0, {3}, {1})},
                                               {"q", tensor(storage("QInt8Storage", "0", 3), 0, {3}, {1})},
                                               {"x", tensor(storage("NewStorage", "0", 3), 0, {3}, {1})}}));
  CHECK(other.tensors.empty());
  REQUIRE(other.notes.size() == 3);
  CHECK(mentions(other.notes[0], "int64"));
  CHECK(mentions(other.notes[1], "qint8"));
  CHECK(mentions(other.notes[2], "torch.NewStorage"));
}

TEST_CASE("torch: nothing in a pickle runs, and classes are only names") {
  const Folder folder;
  const std::string canary = folder.path("canary");
  const std::string attack = call(global("posix", "system"), tuple({text("touch " + canary)}));
  const Input input =
      open_value(folder, dict({{"evil", attack}, {"w", tensor(f6, 0, {6}, {1})}, {"d", global("os", "x")}}));
  CHECK(names(input) == "w");
  REQUIRE(input.notes.size() == 2);
  CHECK(mentions(input.notes[0], "object of posix.system is not read"));
  CHECK(mentions(input.notes[1], "os.x"));
  CHECK_FALSE(std::filesystem::exists(canary));
}

TEST_CASE("torch: protocol 4 with memo, and shapes of pickles that are not honest") {
  const Folder folder;
  const std::string memoized = std::string("\x95") + le(0, 8) + "\x8c\x06posix1\x94\x8c\x01y\x94\x93\x94)R" + "0" +
                               "}(" + text("w") + tensor(f6, 0, {6}, {1}) + "r" + le(7, 4) + text("v") + "j" +
                               le(7, 4) + "u";
  CHECK(names(open_value(folder, memoized)) == "w v");
  const auto bad = [&](const std::string& value) { return refuse_value(folder, value); };
  CHECK(mentions(bad(std::string("r") + le(5, 4)), "on the stack"));
  CHECK(mentions(bad("Nr" + le(0xFFFFFFFF, 4)), "memo index"));
  CHECK(mentions(bad("h\x01"), "memo index"));
  CHECK(mentions(bad("\x8b" + le(0x7FFFFFFF, 4)), "at most 16 bytes"));
  CHECK(mentions(bad("X" + le(0xFFFFFFFF, 4)), "more bytes of pickle"));
  CHECK(mentions(bad("\x8d" + le(~0ull, 8)), "more bytes of pickle"));
  CHECK(mentions(bad(std::string(1000, '(')), "at most 128 levels"));
  CHECK(mentions(bad("NN"), "one value at the end"));
  CHECK(mentions(bad("I1\n"), "opcode 0x49"));
  CHECK(mentions(bad("NNs"), "on the stack"));
  CHECK(mentions(bad("}(Nu"), "pairs"));
  CHECK(names(open_value(folder,
                         "]q\x01h\x01"
                         "a"))
            .empty());  // a list inside itself
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += "]";
  CHECK(mentions(bad(deep + tensor(f6, 0, {6}, {1}) + std::string(5000, 'a')), "at most 128 deep"));
  // Each level holds the one below twice: 2^60 paths, 60 containers.
  std::string doubled = "]" + tensor(f6, 0, {6}, {1}) + "a";
  for (int i = 0; i < 60; ++i)
    doubled = doubled +
              "q\x01"
              "0](h\x01h\x01"
              "e";
  CHECK(open_value(folder, doubled).tensors.size() == 1);
}

TEST_CASE("torch: records, byte order, checksums") {
  const Folder folder;
  const std::string value = whole(dict({{"w", tensor(f6, 0, {6}, {1})}}));
  const auto open = [&](const std::string& bytes, bool strict = false) {
    OpenOptions options;
    options.strict = strict;
    return open_one(folder.write("x.pt", bytes), options);
  };
  CHECK(read_all(open(torch(value, {{"0", floats(6)}}, "little")).tensors.at(0)) == floats(6));
  const std::string big = read_all(open(torch(value, {{"0", floats(6)}}, "big")).tensors.at(0));
  CHECK(big.substr(0, 4) == std::string("\x3f\x80\0\0", 4));
  CHECK(mentions(refusal(folder.write("x.pt", torch(value, {{"0", floats(6)}}, "middle"))), "'little' or 'big'"));
  CHECK(mentions(refusal(folder.write("x.pt", torch(value, {{"0", floats(5)}}))), "6 elements of 4 bytes"));
  CHECK(mentions(refusal(folder.write("x.pt", torch(value, {{"1", floats(6)}}))), "record 'archive/data/0'"));
  CHECK(mentions(refusal(folder.write("x.pt", zip({{"archive/version", "3\n"}}))), "data.pkl"));
  auto script = torch_members(value, {{"0", floats(6)}});
  script.push_back({"archive/constants.pkl", value});
  CHECK(mentions(refusal(folder.write("x.pt", zip(script))), "TorchScript"));

  auto damaged = torch_members(value, {{"0", floats(6)}});
  damaged[1].crc_change = 1;
  const Input lenient = open(zip(damaged));
  CHECK(doubts_of(lenient).empty());
  CHECK(read_all(lenient.tensors.at(0)) == floats(6));
  REQUIRE(doubts_of(lenient).size() == 1);
  CHECK(mentions(doubts_of(lenient)[0], "archive/data/0: the CRC does not match"));
  CHECK(notes_after_reading(lenient) == doubts_of(lenient));
  const Input strict = open(zip(damaged), true);
  std::string fault;
  read_all(strict.tensors.at(0), &fault);
  CHECK(mentions(fault, "CRC"));
}

// Several views of one record: its CRC is known once all of it was read, in whatever pieces and order.
TEST_CASE("torch: checksums of shared storages") {
  const Folder folder;
  const auto part = [](std::uint32_t offset, std::uint32_t count) { return tensor(f6, offset, {count}, {1}); };
  auto damaged =
      torch_members(whole(dict({{"b", part(3, 3)}, {"a", part(0, 3)}, {"c", part(2, 2)}})), {{"0", floats(6)}});
  damaged[1].crc_change = 1;
  const std::string path = folder.write("x.pt", zip(damaged));
  const Input input = open_one(path);
  CHECK(input.tensors.at(0).source->random_access());
  CHECK(read_all(input.tensors[0]) == subset({3, 4, 5}));
  CHECK(doubts_of(input).empty());
  CHECK(read_all(input.tensors[1]) == subset({0, 1, 2}));
  CHECK(doubts_of(input).size() == 1);
  OpenOptions options;
  options.strict = true;
  const Input strict = open_one(path, options);
  std::string fault;
  read_all(strict.tensors.at(1), &fault);
  CHECK(fault.empty());
  read_all(strict.tensors.at(0), &fault);
  CHECK(mentions(fault, "archive/data/0: wanted data that match their CRC"));
}

TEST_CASE("torch: the sign bit that torch keeps beside a view") {
  const Folder folder;
  const std::string hooks = call(global("collections", "OrderedDict"), ")");
  const auto view = [&](const std::string& metadata) {
    const std::string value =
        call(global("torch._utils", "_rebuild_tensor_v2"),
             tuple({f6, integer(0), tuple({integer(2)}), tuple({integer(1)}), "\x89", hooks, metadata}));
    return read_all(open_value(folder, dict({{"w", value}})).tensors.at(0));
  };
  CHECK(view(dict({{"neg", "\x88"}})) == le(0xBF800000, 4) + le(0xC0000000, 4));
  CHECK(view(dict({{"neg", "\x89"}})) == subset({0, 1}));
  CHECK(view(dict({{"conj", "\x89"}, {"neg", "\x88"}})) == le(0xBF800000, 4) + le(0xC0000000, 4));
}

TEST_CASE("torch: what is not worth its time is refused") {
  const Folder folder;
  std::string many = "](" + tensor(f6, 0, {6}, {1}) + "q\x01";
  for (int i = 0; i < 3000; ++i) many += "h\x01";
  const Input named = open_value(folder, many + "e");
  CHECK(named.tensors.size() == 1024);
  CHECK(mentions(named.notes.at(0), "skipped 1977 tensors: the same tensor is listed under 1024 names already"));
  std::string views = "](";
  for (int i = 0; i < 1200; ++i) views += tensor(f6, 0, {6}, {1});
  std::vector<Record> records{{"0", floats(6)}};
  const Input small = open_value(folder, views + "e");  // 28,800 bytes out of a file of 150,000
  CHECK(small.tensors.size() == 1200);
  std::string texts = "](" + text(std::string(4000, 'x')) + "q\x01";
  for (int i = 0; i < 17000; ++i) texts += "}(h\x01" + tensor(f6, 0, {6}, {1}) + "u";
  CHECK(mentions(refuse_value(folder, texts + "e"), "names of at most 64 MiB in all"));
}

TEST_CASE("torch: programs and whole modules are named") {
  const Folder folder;
  CHECK(
      mentions(refusal(folder.write("x.pt2", zip({{"e/data/weights/weight_0", "1234"}, {"e/archive_format", "pt2"}}))),
               "a program of torch.export"));
  const Input module = open_value(folder, global("torch.nn.modules.linear", "Linear") + ")\x81" + "}b");
  CHECK(mentions(module.notes.at(0),
                 "skipped 'the whole file': object of torch.nn.modules.linear.Linear is not read (of "
                 "a module, torch.save its state_dict())"));
}

TEST_CASE("torch: an index of shards is read with its shards") {
  const Folder folder;
  folder.write("a.bin", torch(whole(dict({{"w", tensor(f6, 0, {6}, {1})}, {"x", tensor(f6, 0, {6}, {1})}})),
                              {{"0", floats(6)}}));
  folder.write("b.bin", torch(whole(dict({{"v", tensor(f6, 0, {2}, {1})}})), {{"0", floats(6)}}));
  const std::string index =
      folder.write("pytorch_model.bin.index.json", R"({"metadata":{},"weight_map":{"w":"a.bin","v":"b.bin"}})");
  for (const std::string& path : {index, folder.path()}) {
    const Input input = open_one(path);
    CHECK(names(input) == "w v");
    CHECK(input.files.size() == 3);
    CHECK(mentions(input.notes.at(0), "skipped 'x'"));
  }
  folder.write("pytorch_model.bin.index.json", R"({"weight_map":{"w":"../a.bin"}})");
  CHECK(mentions(refusal(index), "a file name without directories"));
}

TEST_CASE("torch: older formats are refused in one line that says what to do") {
  const Folder folder;
  const std::string legacy("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  CHECK(mentions(refusal(folder.write("x.pt", legacy)), "torch.save it again"));
  CHECK(mentions(refusal(folder.write("x.bin", legacy)), "before torch 1.6"));
  CHECK(mentions(refusal(folder.write("x.pth", std::string(257, '\0') + "ustar" + std::string(250, '\0'))), "tar"));
  CHECK(mentions(refusal(folder.write("x.pt", "hello")), "neither"));
}
