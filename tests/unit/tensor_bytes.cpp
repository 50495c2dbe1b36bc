// SPDX-License-Identifier: Apache-2.0
#include "tensor_bytes.h"

#include <doctest/doctest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <set>

#include "lowp/tensor/binades.h"
#include "lowp/tensor/readers.h"

namespace lowp_test {

Folder::Folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lowp_tensor_XXXXXX").string();
  REQUIRE(::mkdtemp(pattern.data()) != nullptr);
  root_ = pattern;
}
Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}
std::string Folder::path(std::string_view name) const {
  return (root_ / name).string();
}
std::string Folder::write(std::string_view name, std::string_view bytes) const {
  std::filesystem::remove(path(name));  // cutting a file short instead makes some file systems wait for the disk
  std::ofstream out(path(name), std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  REQUIRE(out.good());
  return path(name);
}

std::string le(std::uint64_t number, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xFF);
  return bytes;
}

std::string floats(int count) {
  std::string bytes;
  for (int i = 1; i <= count; ++i) bytes += le(std::bit_cast<std::uint32_t>(static_cast<float>(i)), 4);
  return bytes;
}

std::string safetensors(std::string_view header, std::string_view data) {
  return le(header.size(), 8) + std::string(header) + std::string(data);
}

std::string npy(std::string_view descr, std::string_view shape, std::string_view data, int version,
                std::string_view order) {
  std::string header = "{'descr': " + std::string(descr) + ", 'fortran_order': " + std::string(order) +
                       ", 'shape': " + std::string(shape) + ", }";
  while ((header.size() + 11) % 16 != 0) header += ' ';
  header += '\n';
  return "\x93NUMPY" + le(static_cast<std::uint64_t>(version), 1) + le(0, 1) + le(header.size(), version == 1 ? 2 : 4) +
         header + std::string(data);
}

namespace {

std::string deflated(const std::string& data) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, data.size()), '\0');
  std::string in = data;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

std::string zip(const std::vector<ZipMember>& members) {
  std::string out;
  std::string directory;
  std::uint64_t previous = 0;
  for (const ZipMember& member : members) {
    const std::string packed = member.deflate ? deflated(member.data) : member.data;
    const auto crc = static_cast<std::uint32_t>(
        crc32(0, reinterpret_cast<const Bytef*>(member.data.data()), static_cast<uInt>(member.data.size())));
    const int method = member.method >= 0 ? member.method : member.deflate ? 8 : 0;
    const std::string common = le(20, 2) + le(static_cast<std::uint64_t>(member.flags), 2) +
                               le(static_cast<std::uint64_t>(method), 2) + le(0, 2) + le(0x21, 2) +
                               le(crc + member.crc_change, 4) + le(packed.size(), 4) +
                               le(member.data.size() + member.claimed_extra, 4);
    const std::string& local = member.local_name.empty() ? member.name : member.local_name;
    const std::uint64_t here = member.repeats_previous ? previous : out.size();
    if (!member.repeats_previous) {
      out += "PK\x03\x04" + common + le(local.size(), 2) + le(0, 2) + local + packed;
    }
    directory += "PK\x01\x02" + le(20, 2) + common + le(member.name.size(), 2) + le(0, 2) + le(0, 2) + le(0, 2) +
                 le(0, 2) + le(0, 4) + le(here, 4) + member.name;
    previous = here;
  }
  const std::uint64_t begin = out.size();
  return out + directory + "PK\x05\x06" + le(0, 4) + le(members.size(), 2) + le(members.size(), 2) +
         le(directory.size(), 4) + le(begin, 4) + le(0, 2);
}

namespace pickle {

std::string text(std::string_view value) {
  return "X" + le(value.size(), 4) + std::string(value);
}
std::string integer(std::uint32_t value) {
  return "J" + le(value, 4);
}
std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const std::string& item : items) out += item;
  return out + "t";
}
std::string global(std::string_view module, std::string_view name) {
  return "c" + std::string(module) + "\n" + std::string(name) + "\n";
}
std::string call(const std::string& callable, const std::string& args) {
  return callable + args + "R";
}
std::string dict(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string out = "}(";
  for (const auto& [key, value] : items) out += text(key) + value;
  return out + "u";
}
std::string storage(std::string_view type, std::string_view key, std::uint32_t count) {
  return tuple({text("storage"), global("torch", type), text(key), text("cpu"), integer(count)}) + "Q";
}
std::string tensor(const std::string& storage, std::uint32_t offset, const std::vector<std::uint32_t>& shape,
                   const std::vector<std::uint32_t>& strides) {
  std::vector<std::string> sizes;
  std::vector<std::string> steps;
  for (const std::uint32_t size : shape) sizes.push_back(integer(size));
  for (const std::uint32_t stride : strides) steps.push_back(integer(stride));
  const std::string hooks = call(global("collections", "OrderedDict"), ")");
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              tuple({storage, integer(offset), tuple(sizes), tuple(steps), "\x89", hooks}));
}
std::string whole(const std::string& value) {
  return "\x80\x02" + value + ".";
}

}  // namespace pickle

std::vector<ZipMember> torch_members(std::string pickle, const std::vector<Record>& records,
                                     std::string_view byteorder) {
  std::vector<ZipMember> members{{"archive/data.pkl", std::move(pickle)}};
  if (!byteorder.empty()) members.push_back({"archive/byteorder", std::string(byteorder)});
  for (const Record& record : records) members.push_back({"archive/data/" + record.key, record.data});
  members.push_back({"archive/version", "3\n"});
  return members;
}

std::string torch(std::string pickle, const std::vector<Record>& records, std::string_view byteorder) {
  return zip(torch_members(std::move(pickle), records, byteorder));
}

namespace {

std::string object(std::string_view module, std::string_view name, const std::string& state) {
  return pickle::global(module, name) + ")\x81" + state + "b";
}
std::string size_of(const std::vector<std::uint32_t>& numbers) {
  std::vector<std::string> items;
  for (const std::uint32_t number : numbers) items.push_back(pickle::integer(number));
  return pickle::call(pickle::global("torch", "Size"), pickle::tuple({pickle::tuple(items)}));
}

constexpr std::string_view dcp = "torch.distributed.checkpoint.metadata";

}  // namespace

// w of shape [2, 3], its columns 0 to 1 and 2 in two parts; "step" an object.
std::string checkpoint_metadata(std::string_view file, std::uint32_t gap) {
  using namespace pickle;
  const auto part = [&](std::uint32_t column, std::uint32_t columns) {
    return object(dcp, "ChunkStorageMetadata",
                  dict({{"offsets", size_of({0, column})}, {"sizes", size_of({2, columns})}}));
  };
  const std::string properties = object(dcp, "TensorProperties", tuple({global("torch", "float32"), "N"}));
  const std::string tensor = object(
      dcp, "TensorStorageMetadata",
      dict({{"properties", properties}, {"size", size_of({2, 3})}, {"chunks", "](" + part(0, 2) + part(2, 1) + "e"}}));
  const auto [first, second, step] = checkpoint_parts();
  const auto place = [&](const std::string& name, const std::string& offset, std::size_t begin, std::size_t size) {
    return object(dcp, "MetadataIndex", dict({{"fqn", text(name)}, {"offset", offset}, {"index", "N"}})) +
           object("torch.distributed.checkpoint.filesystem", "_StorageInfo",
                  dict({{"relative_path", text(file)},
                        {"offset", integer(static_cast<std::uint32_t>(begin))},
                        {"length", integer(static_cast<std::uint32_t>(size))}}));
  };
  const std::string places = "}(" + place("w", size_of({0, 0}), 0, first.size()) +
                             place("w", size_of({0, 2}), first.size() + gap, second.size()) +
                             place("step", "N", first.size() + gap + second.size(), step.size()) + "u";
  return whole(
      object(dcp, "Metadata",
             dict({{"state_dict_metadata", dict({{"w", tensor}, {"step", object(dcp, "BytesStorageMetadata", "}")}})},
                   {"storage_data", places}})));
}

std::array<std::string, 3> checkpoint_parts() {
  using namespace pickle;
  const auto part = [](const std::vector<std::uint32_t>& shape, const std::vector<std::uint32_t>& strides, int first,
                       std::uint32_t count) {
    return torch(whole(tensor(storage("FloatStorage", "0", count), 0, shape, strides)),
                 {{"0", floats(first + static_cast<int>(count) - 1).substr(static_cast<std::size_t>(first - 1) * 4)}});
  };
  // The first is stored by columns: [[1, 3], [2, 4]], the second is [[5], [6]].
  return {part({2, 2}, {1, 2}, 1, 4), part({2, 1}, {1, 1}, 5, 2), torch(whole(integer(9)), {})};
}

// Of one tensor with six elements.
std::string summary() {
  const std::string elements = floats(6);
  lowp::BinadeCountsCounter counter;
  counter.count(*lowp::find_dtype("f32"), std::as_bytes(std::span(elements)));
  lowp::StepSummary step;
  step.dump = "a.safetensors";
  step.tensors.push_back({"w", lowp::find_dtype("f32"), {2, 3}, lowp::Evidence{counter.take()}});
  return lowp::binades_bytes(step);
}

std::vector<Sample> samples() {
  using namespace pickle;
  const std::string model = whole(dict({{"w", tensor(storage("FloatStorage", "0", 6), 0, {3, 2}, {1, 3})},
                                        {"none", "N"},
                                        {"b", tensor(storage("HalfStorage", "1", 4), 1, {2}, {2})}}));
  return {
      {"a.safetensors", "safetensors",
       safetensors(R"({"__metadata__":{"step":"7"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                   R"("i":{"dtype":"I8","shape":[4],"data_offsets":[24,28]}})",
                   floats(6) + "abcd")},
      {"a.safetensors.index.json", "safetensors_index",
       R"({"metadata":{"total_size":28},"weight_map":{"w":"a.safetensors","i":"a.safetensors"}})"},
      {"a.npy", "npy", npy("'<f4'", "(2, 3)", floats(6))},
      {"a.npz", "npz",
       zip({{"w.npy", npy("'<f4'", "(2, 3)", floats(6))}, {"v.npy", npy("'>f4'", "(6,)", floats(6)), true}})},
      {"a.pt", "torch", torch(model, {{"0", floats(6)}, {"1", floats(2)}})},
      {"a.bin.index.json", "torch_index", R"({"weight_map":{"w":"a.pt","b":"a.pt"}})"},
      {".metadata", "torch_dcp", checkpoint_metadata()},
      {"a.raw", "raw", floats(6)},
      {"a.binades", "binades", summary()},
      {"a.csv", "peaks", "step,name,kind,largest\n1,w,grad,0.5\n1,h,act_grad,inf\n2,w,grad,0.25\n", true},
  };
}

void write_neighbours(const Folder& folder) {
  for (const Sample& sample : samples()) {
    if (sample.name == "a.safetensors" || sample.name == "a.pt") folder.write(sample.name, sample.bytes);
  }
  const auto [first, second, step] = checkpoint_parts();
  folder.write("__0_0.distcp", first + second + step);
}

std::string read_all(const lowp::TensorView& tensor, std::string* fault) {
  return read_all(*tensor.source, tensor, fault);
}

std::string read_row_major(const lowp::TensorView& tensor, std::string* fault) {
  return read_all(tensor.in_row_major(), tensor, fault);
}

std::string read_all(const lowp::ByteSource& source, const lowp::TensorView& tensor, std::string* fault) {
  const auto stream = source.stream(0);
  std::string bytes;
  if (!stream) {
    if (fault)
      *fault = stream.error().message();
    else
      FAIL(stream.error().message());
    return bytes;
  }
  // Element by element blocks: what is claimed may be more than there is.
  const std::uint64_t block = 4096 * static_cast<std::uint64_t>(tensor.dtype->bytes);
  for (std::uint64_t at = 0; at < source.size();) {
    const auto count = static_cast<std::size_t>(std::min(block, source.size() - at));
    bytes.resize(static_cast<std::size_t>(at) + count);
    const auto out = std::as_writable_bytes(std::span(bytes)).subspan(static_cast<std::size_t>(at), count);
    if (const auto done = (*stream)->read(out); !done) {
      if (fault)
        *fault = done.error().message();
      else
        FAIL(done.error().message());
      return bytes;
    }
    at += count;
  }
  return bytes;
}

namespace {

void exercise(const lowp::Input& input) {
  std::set<std::string> names;
  for (const lowp::TensorView& tensor : input.tensors) {
    CHECK(names.insert(tensor.name).second);
    REQUIRE(tensor.dtype != nullptr);
    REQUIRE(tensor.source != nullptr);
    const auto item = static_cast<std::uint64_t>(tensor.dtype->bytes);
    CHECK(tensor.source->size() % item == 0);
    CHECK(tensor.elements <= lowp::max_elements);
    CHECK(tensor.elements == tensor.source->size() / item * tensor.multiplicity + tensor.implicit_zeros);
    if (tensor.source->random_access() && !input.summary) CHECK(tensor.source->size() <= input.bytes);
    std::string fault;
    const std::string bytes = read_all(tensor, &fault);
    if (fault.empty()) CHECK(bytes.size() == tensor.source->size());
    if (tensor.row_major && tensor.elements < (1 << 20)) {
      fault.clear();
      const std::string ordered = read_row_major(tensor, &fault);
      if (fault.empty()) CHECK(ordered.size() == tensor.elements * item);
    }
  }
  for (const std::string& note : input.notes) CHECK(note == lowp::printable(note));
}

}  // namespace

int exercise(const std::string& path, const lowp::OpenOptions& options) {
  int accepted = 0;
  for (const lowp::Reader& reader : lowp::readers()) {
    const auto inputs = lowp::open_steps(reader, path, options);
    if (!inputs) {
      const std::string message = inputs.error().message();
      CHECK(!message.empty());
      CHECK(message == lowp::printable(message));
      continue;
    }
    ++accepted;
    REQUIRE(!inputs->empty());
    for (const lowp::Input& input : *inputs) exercise(input);
  }
  return accepted;
}

lowp::Input open_one(const std::string& path, const lowp::OpenOptions& options) {
  auto series = lowp::open_series(std::span(&path, 1), options);
  REQUIRE_MESSAGE(series, series.error().message());
  REQUIRE(series->inputs.size() == 1);
  return std::move(series->inputs.front());
}

std::string refusal(const std::string& path, const lowp::OpenOptions& options) {
  const auto series = lowp::open_series(std::span(&path, 1), options);
  REQUIRE_FALSE(series);
  const std::string message = series.error().message();
  CHECK(message.starts_with(path));
  CHECK(message.find('\n') == std::string::npos);
  return message;
}

}  // namespace lowp_test
