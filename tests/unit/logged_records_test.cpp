// SPDX-License-Identifier: Apache-2.0
// Event files, .wandb files and plain histograms, made byte by byte: what is read, and what becomes of damage.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <filesystem>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "lowp/tensor/histogram_csv.h"
#include "lowp/tensor/histogram_json.h"
#include "lowp/tensor/logged_series.h"
#include "lowp/tensor/tensorboard.h"
#include "lowp/tensor/wandb_log.h"
#include "tensor_bytes.h"

namespace {

using namespace lowp;
using lowp_test::Folder;
using lowp_test::le;

// Bit by bit, after the polynomial's definition: shares nothing with the reader's library.
std::uint32_t crc(std::string_view bytes, std::uint32_t reversed_polynomial) {
  std::uint32_t value = ~0U;
  for (const char c : bytes) {
    value ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) value = (value >> 1) ^ ((value & 1) != 0 ? reversed_polynomial : 0);
  }
  return ~value;
}
std::uint32_t masked(std::string_view bytes) {
  const std::uint32_t value = crc(bytes, 0x82F63B78U);
  return ((value >> 15) | (value << 17)) + 0xA282EAD8U;
}
std::string tfrecord(const std::string& payload) {
  const std::string length = le(payload.size(), 8);
  return length + le(masked(length), 4) + payload + le(masked(payload), 4);
}

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += static_cast<char>(value | 128);
  return bytes + static_cast<char>(value);
}
std::string field(int tag, const std::string& contents) {
  return varint(static_cast<std::uint64_t>(tag) * 8 + 2) + varint(contents.size()) + contents;
}
std::string whole(int tag, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(tag) * 8) + varint(value);
}
std::string real(int tag, double value) {
  return varint(static_cast<std::uint64_t>(tag) * 8 + 1) + le(std::bit_cast<std::uint64_t>(value), 8);
}
std::string reals(const std::vector<double>& values) {
  std::string bytes;
  for (const double value : values) bytes += le(std::bit_cast<std::uint64_t>(value), 8);
  return bytes;
}

std::string event(std::uint64_t step, const std::string& value) {
  return whole(2, step) + field(5, field(1, value));
}
std::string v1(const std::string& name, double number, const std::vector<double>& limits,
               const std::vector<double>& counts) {
  return field(1, name) +
         field(5, real(1, -2) + real(2, 3) + real(3, number) + field(6, reals(limits)) + field(7, reals(counts)));
}
std::string v2(const std::string& name, const std::vector<double>& rows, std::uint64_t bins) {
  const std::string shape = field(2, whole(1, bins)) + field(2, whole(1, 3));
  return field(1, name) + field(8, whole(1, 2) + field(2, shape) + field(4, reals(rows)));
}

LoggedRun tensorboard(const Folder& folder, const std::string& bytes) {
  const auto file = File::open(folder.write("events.out.tfevents.1", bytes));
  REQUIRE(static_cast<bool>(file));
  auto run = read_tensorboard(**file);
  REQUIRE_MESSAGE(static_cast<bool>(run), (run ? "" : run.error().message()));
  return std::move(*run);
}

// A chunk of the LevelDB log with zlib's CRC.
std::string chunk(int type, const std::string& data) {
  const std::string checked = le(static_cast<std::uint64_t>(type), 1) + data;
  return le(crc(checked, 0xEDB88320U), 4) + le(data.size(), 2) + checked;
}
const std::string wandb_header = std::string(":W&B") + le(0xBEE1, 2) + le(0, 1);

// {"w": histogram} as wandb 0.31 writes it: nested keys, one item each.
std::string history(std::uint64_t step, const std::string& counts, const std::string& edges) {
  const auto item = [](std::string_view leaf, const std::string& json) {
    return field(1, field(2, "w") + field(2, std::string(leaf)) + field(16, json));
  };
  return field(2, item("_type", "\"histogram\"") + item("values", counts) + item("bins", edges) +
                      field(1, field(2, "loss_scale") + field(16, "65536")) + field(2, whole(1, step)));
}

Result<LoggedRun> wandb(const Folder& folder, const std::string& bytes) {
  const auto file = File::open(folder.write("run.wandb", bytes));
  REQUIRE(static_cast<bool>(file));
  return read_wandb(**file);
}

}  // namespace

TEST_CASE("TensorBoard: both kinds of histograms, scalars, the later of two values") {
  const Folder folder;
  const std::string scalar =
      field(1, std::string("loss-scale")) + varint(2 * 8 + 5) + le(std::bit_cast<std::uint32_t>(65536.0F), 4);
  const std::string file = tfrecord(real(1, 1.5) + field(3, "brain.Event:2")) +
                           tfrecord(event(7, v1("a", 10, {-1, 0, 4}, {1, 2, 3}))) +
                           tfrecord(event(7, v1("a", 9, {-1, 0, 4}, {1, 2, 4}))) +
                           tfrecord(event(8, v2("b", {-1, 0, 5, 0, 2, 6}, 2))) + tfrecord(event(9, scalar));
  const LoggedRun run = tensorboard(folder, file);
  REQUIRE(run.histograms.size() == 2);
  const LoggedHistogram &a = run.histograms[0], &b = run.histograms[1];
  CHECK(a.name == "a");
  CHECK(a.step == 7);
  CHECK(a.counts == std::vector<std::uint64_t>{1, 2, 4});
  CHECK(a.edges == std::vector<double>{-std::numeric_limits<double>::max(), -1, 0, 4});
  CHECK(a.dropped == 2);
  CHECK(a.min == -2);
  CHECK(a.max == 3);
  CHECK(b.edges == std::vector<double>{-1, 0, 2});
  CHECK(b.counts == std::vector<std::uint64_t>{5, 6});
  CHECK(b.max == 2);
  REQUIRE(run.scalars.size() == 1);
  CHECK(run.scalars[0].value == 65536);
  CHECK(run.scalars[0].step == 9);
  CHECK(run.notes.empty());
}

TEST_CASE("TensorBoard: what cannot be read is noted") {
  const Folder folder;
  const LoggedRun run = tensorboard(
      folder, tfrecord(event(1, v1("half", 3, {1}, {1.5}))) + tfrecord(event(1, v1("short", 3, {1, 2}, {1}))) +
                  tfrecord(event(1, v2("gap", {0, 1, 5, 2, 3, 6}, 2))) + tfrecord("\x0f\xff"));
  CHECK(run.histograms.empty());
  REQUIRE(run.notes.size() == 4);
  CHECK(run.notes[0] == "skipped 'half': a count is not a whole number");
  CHECK(run.notes[3] == "1 records are not events");
}

TEST_CASE("TensorBoard: a cut at any byte leaves the records before it, a flipped byte costs at most what follows") {
  const Folder folder;
  std::vector<std::size_t> ends{0};
  std::string file;
  for (std::uint64_t i = 0; i < 4; ++i) {
    file += tfrecord(event(i, v1("a", 3, {-1, 4}, {1, 2})));
    ends.push_back(file.size());
  }
  for (std::size_t cut = ends[1]; cut < file.size(); ++cut) {
    const LoggedRun run = tensorboard(folder, file.substr(0, cut));
    const auto whole_records = static_cast<std::size_t>(std::ranges::upper_bound(ends, cut) - ends.begin()) - 1;
    CHECK(run.histograms.size() == whole_records);
    CHECK(run.notes.empty() == (ends[whole_records] == cut));
  }
  for (std::size_t at = ends[1]; at < file.size(); ++at) {
    for (const int bit : {1, 128}) {
      std::string damaged = file;
      damaged[at] = static_cast<char>(damaged[at] ^ bit);
      const LoggedRun run = tensorboard(folder, damaged);
      CHECK(run.histograms.size() < 4);
      CHECK(!run.notes.empty());
    }
  }
}

TEST_CASE("W&B: records over blocks, a cut at any byte, a flipped byte") {
  const Folder folder;
  std::string file = wandb_header + chunk(1, field(17, "run"));
  for (std::uint64_t i = 0; i < 3; ++i) file += chunk(1, history(i, "[1,2]", "[-1,0,1]"));
  const auto run = wandb(folder, file);
  REQUIRE(static_cast<bool>(run));
  REQUIRE(run->histograms.size() == 3);
  CHECK(run->histograms[2].name == "w");
  CHECK(run->histograms[2].step == 2);
  CHECK(run->histograms[2].counts == std::vector<std::uint64_t>{1, 2});
  CHECK(run->histograms[2].min == -1);
  CHECK(run->histograms[2].slack == 0x1p-21);
  CHECK(run->scalars.size() == 3);
  CHECK(run->notes.empty());
  for (std::size_t cut = wandb_header.size(); cut < file.size(); ++cut) {
    const auto part = wandb(folder, file.substr(0, cut));
    REQUIRE(static_cast<bool>(part));
    CHECK(part->histograms.size() < 3);
  }
  for (std::size_t at = wandb_header.size(); at < file.size(); ++at) {
    std::string damaged = file;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    const auto part = wandb(folder, damaged);
    REQUIRE(static_cast<bool>(part));
    CHECK((part->histograms.size() < 3 || !part->notes.empty()));
  }
}

TEST_CASE("W&B: a record over three blocks; without its middle it is lost, the next one is not") {
  const Folder folder;
  std::string counts = "[1", edges = "[0,1";
  for (int i = 2; i < 12000; ++i) counts += ",1", edges += "," + std::to_string(i);
  const std::string record = history(1, counts + "]", edges + "]"), last = history(2, "[1]", "[0,1]");
  REQUIRE(record.size() > 65536);
  const std::size_t first = 32768 - wandb_header.size() - 7, middle = 32768 - 7;
  const auto file_with = [&](char damage) {
    std::string second = chunk(3, record.substr(first, middle));
    second[20] = static_cast<char>(second[20] ^ damage);
    return wandb_header + chunk(2, record.substr(0, first)) + second + chunk(4, record.substr(first + middle)) +
           chunk(1, last);
  };
  const auto good = wandb(folder, file_with(0)), damaged = wandb(folder, file_with(1));
  REQUIRE(static_cast<bool>(good));
  REQUIRE(good->histograms.size() == 2);
  CHECK(good->histograms[0].counts.size() == 11999);
  REQUIRE(static_cast<bool>(damaged));
  REQUIRE(damaged->histograms.size() == 1);
  CHECK(damaged->histograms[0].step == 2);
  CHECK(damaged->notes == std::vector<std::string>{"1 damaged record was passed over"});
  CHECK(!wandb(folder, "not a wandb file"));
}

TEST_CASE("JSON: plain, nested, W&B's, packed bins, lines") {
  const auto parse = [](const std::string& text) {
    std::istringstream in(text);
    return parse_histogram_json(in, "h.json");
  };
  const auto plain = parse("{\"counts\": [1, 2], \"edges\": [0, 0.5, 1], \"number\": 4, \"max\": 0.75, \"min\": 0}");
  REQUIRE(static_cast<bool>(plain));
  REQUIRE(plain->histograms.size() == 1);
  CHECK(plain->histograms[0].name == "histogram");
  CHECK(plain->histograms[0].dropped == 1);
  CHECK(plain->histograms[0].max == 0.75);
  const auto lines = parse(
      "{\"_step\": 3, \"a/w\": {\"_type\": \"histogram\", \"values\": [1, 2], \"bins\": [-1, 0, 1]}}\n"
      "{\"b\": {\"_type\": \"histogram\", \"values\": [4], \"packedBins\": {\"min\": 1, \"size\": 2, "
      "\"count\": 1}}, \"_step\": 4}\n{\"c\": {\"val");
  REQUIRE(static_cast<bool>(lines));
  REQUIRE(lines->histograms.size() == 2);
  CHECK(lines->histograms[0].name == "a/w");
  CHECK(lines->histograms[0].step == 3);
  CHECK(lines->histograms[0].min == -1);
  CHECK(lines->histograms[1].edges == std::vector<double>{1, 3});
  CHECK(lines->histograms[1].step == 4);
  CHECK(lines->notes ==
        std::vector<std::string>{"the last line is not complete: the file was cut or is still being written"});
  const auto density = parse("{\"hist\": [0.5, 0.25], \"bin_edges\": [0, 1, 2]}");
  REQUIRE(static_cast<bool>(density));
  CHECK(density->histograms.empty());
  CHECK(density->notes.size() == 1);
  CHECK(!parse("nonsense"));
  CHECK(!parse(""));
  CHECK(!parse(std::string(100000, '[')));
}

TEST_CASE("CSV: bins, edges, W&B cells, and what is wrong with a row") {
  const auto parse = [](const std::string& text) {
    std::istringstream in(text);
    return parse_histogram_csv(in, "h.csv");
  };
  const auto bins = parse("name,step,left,right,count\na,1,0,0.5,3\nb,1,-1,1,7\na,1,0.5,1,4\n");
  REQUIRE(static_cast<bool>(bins));
  REQUIRE(bins->histograms.size() == 2);
  CHECK(bins->histograms[0].edges == std::vector<double>{0, 0.5, 1});
  CHECK(bins->histograms[0].counts == std::vector<std::uint64_t>{3, 4});
  CHECK(bins->histograms[1].step == 1);
  const auto edges = parse("edge,count\n0,3\n0.5,4\n1,\n");
  REQUIRE(static_cast<bool>(edges));
  CHECK(edges->histograms.at(0).edges == std::vector<double>{0, 0.5, 1});
  const auto cells =
      parse("_step,loss,grad\n5,1.0,\"{\"\"_type\"\":\"\"histogram\"\",\"\"values\"\":[2],\"\"bins\"\":[0,1]}\"\n");
  REQUIRE(static_cast<bool>(cells));
  CHECK(cells->histograms.at(0).name == "grad");
  CHECK(cells->histograms.at(0).step == 5);
  const auto gap = parse("left,right,count\n0,1,2\n1.5,2,3\n");
  REQUIRE(!gap);
  CHECK(gap.error().message() == "h.csv: wanted bins that touch, found a bin that begins at 1.5 in row 3");
  CHECK(!parse("left,right,count\n0,1,many\n"));
  CHECK(!parse("loss,accuracy\n1,2\n"));
}

TEST_CASE("npz: pairs of arrays, whatever the integers") {
  const Folder folder;
  const auto open = [&](const std::vector<lowp_test::ZipMember>& members) {
    const auto file = File::open(folder.write("h.npz", lowp_test::zip(members)));
    REQUIRE(static_cast<bool>(file));
    return std::pair(is_histogram_npz(*file), read_histogram_npz(*file));
  };
  const std::string counts = lowp_test::npy("'<i8'", "(2,)", le(3, 8) + le(4, 8)),
                    edges = lowp_test::npy("'<f8'", "(3,)", reals({0, 1, 2}));
  const auto [named, run] = open({{"w/hist.npy", counts}, {"w/bin_edges.npy", edges}});
  CHECK(named);
  REQUIRE(static_cast<bool>(run));
  CHECK(run->histograms.at(0).name == "w");
  CHECK(run->histograms.at(0).counts == std::vector<std::uint64_t>{3, 4});
  const auto [plain, arrays] = open({{"arr_0.npy", lowp_test::npy("'|u1'", "(2,)", "\x01\x02")}, {"arr_1.npy", edges}});
  CHECK(plain);
  REQUIRE(static_cast<bool>(arrays));
  CHECK(arrays->histograms.at(0).total() == 3);
  const auto [dump, none] = open({{"arr_0.npy", edges}});
  CHECK(!dump);
  CHECK(!none);
}

TEST_CASE("a directory of event files is a run, one with dumps is not") {
  const Folder folder;
  std::filesystem::create_directories(folder.path("run/train"));
  folder.write("run/train/events.out.tfevents.1", tfrecord(event(1, v1("a", 3, {-1, 4}, {1, 2}))));
  folder.write("run/events.out.tfevents.2", tfrecord(event(1, v1("b", 3, {-1, 4}, {1, 2}))));
  CHECK(is_logged_run(folder.path("run")));
  CHECK(!is_logged_run(folder.path()) == false);
  const std::string path = folder.path("run"), only_train = "train/*";
  const auto all = open_logged(std::span(&path, 1), {});
  REQUIRE(static_cast<bool>(all));
  REQUIRE(all->size() == 2);
  CHECK(all->at(1).run.histograms.at(0).name == "train/a");
  const auto some = open_logged(std::span(&path, 1), std::span(&only_train, 1));
  REQUIRE(static_cast<bool>(some));
  CHECK(some->at(0).run.histograms.empty());
  folder.write("run/w.npy", lowp_test::npy("'<f4'", "(1,)", lowp_test::floats(1)));
  CHECK(!is_logged_run(folder.path("run")));
}
