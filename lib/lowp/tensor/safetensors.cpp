// SPDX-License-Identifier: Apache-2.0
// safetensors: u64 length N, N bytes of JSON, then the data, row-major and little-endian, without gaps.
#include "lowp/tensor/safetensors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <tuple>
#include <unordered_set>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/json_scan.h"
#include "lowp/tensor/reader_rows.h"

namespace lowp {
namespace {

constexpr std::uint64_t max_header_bytes = 100'000'000;  // the reference implementation's own limit
constexpr std::size_t max_rank = 64;

// The format's names are upper case and nothing else.
StoredDtype dtype_of(std::string_view name) {
  return stored_dtype(&Dtype::safetensors, &OtherDtype::safetensors, name);
}

bool is_code(std::string_view name) {
  return name == "U8" || name == "U16" || name == "U32";
}

// The grammar is four levels deep and fixed, so a place in it is one enumerator.
class HeaderScan final : public JsonScan {
 public:
  SafetensorsHeader header;

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::document: place_ = Place::header; return true;
      case Place::tensor_value: place_ = Place::tensor; return true;
      case Place::metadata_value: place_ = Place::metadata; return true;
      default: return refuse("an object");
    }
  }
  bool key(string_t& name) override {
    switch (place_) {
      case Place::header: return begin_entry(name);
      case Place::tensor: return begin_field(name);
      case Place::metadata: return begin_metadata(name);
      default: return refuse("a key");
    }
  }
  bool end_object() override {
    switch (place_) {
      case Place::header: place_ = Place::done; return true;
      case Place::metadata: place_ = Place::header; return true;
      case Place::tensor: return end_entry();
      default: return refuse("the end of an object");
    }
  }
  bool start_array(std::size_t) override {
    if (place_ == Place::shape_value)
      place_ = Place::shape;
    else if (place_ == Place::offsets_value)
      place_ = Place::offsets;
    else
      return refuse("an array");
    return true;
  }
  bool end_array() override {
    if (place_ == Place::offsets && offsets_.size() != 2) return refuse(fmt::format("{} offsets", offsets_.size()));
    place_ = Place::tensor;
    return true;
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (place_ == Place::shape && entry_.shape.size() < max_rank)
      entry_.shape.push_back(number);
    else if (place_ == Place::offsets && offsets_.size() < 2)
      offsets_.push_back(number);
    else
      return refuse(fmt::format("the number {}", number));
    return true;
  }
  bool string(string_t& text) override {
    if (place_ == Place::dtype_value) {
      entry_.dtype = std::move(text);
      place_ = Place::tensor;
      return true;
    }
    if (place_ != Place::metadata_text) return refuse("a string");
    header.metadata.insert_or_assign(metadata_key_, std::move(text));
    place_ = Place::metadata;
    return true;
  }

 private:
  enum class Place {
    document,
    header,
    done,
    tensor_value,
    tensor,
    dtype_value,
    shape_value,
    shape,
    offsets_value,
    offsets,
    metadata_value,
    metadata,
    metadata_text
  };

  std::string expected() const override {
    const std::string of = entry_.name.empty() ? "" : fmt::format(" of tensor '{}'", entry_.name);
    switch (place_) {
      case Place::document: return "a JSON object as header";
      case Place::header: return "a tensor name that was not there before";
      case Place::done: return "the end of the header";
      case Place::tensor_value: return fmt::format("an object for tensor '{}'", entry_.name);
      case Place::tensor: return "each of dtype, shape and data_offsets once" + of;
      case Place::dtype_value: return "a string as dtype" + of;
      case Place::shape_value: return "an array as shape" + of;
      case Place::shape: return fmt::format("at most {} unsigned integers as shape", max_rank) + of;
      case Place::offsets_value:
      case Place::offsets: return "two unsigned integers as data_offsets" + of;
      case Place::metadata_value: return "an object as __metadata__";
      case Place::metadata: return "metadata keys that differ";
      case Place::metadata_text: return "a string as metadata value";
    }
    return "";
  }

  bool begin_entry(const std::string& name) {
    if (!names_.insert(name).second) return refuse(fmt::format("'{}' again", name));
    entry_ = SafetensorsEntry{};
    offsets_.clear();
    fields_ = 0;
    place_ = Place::metadata_value;
    if (name != "__metadata__") {
      entry_.name = name;
      place_ = Place::tensor_value;
    }
    return true;
  }
  bool begin_field(std::string_view name) {
    constexpr std::array<std::string_view, 3> names{"dtype", "shape", "data_offsets"};
    constexpr std::array places{Place::dtype_value, Place::shape_value, Place::offsets_value};
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (name != names[i]) continue;
      if ((fields_ & 1u << i) != 0) return refuse(fmt::format("'{}' again", name));
      fields_ |= 1u << i;
      place_ = places[i];
      return true;
    }
    return refuse(fmt::format("'{}'", name));
  }
  bool begin_metadata(const std::string& name) {
    if (header.metadata.contains(name)) return refuse(fmt::format("'{}' again", name));
    metadata_key_ = name;
    place_ = Place::metadata_text;
    return true;
  }
  bool end_entry() {
    if (fields_ != 7) return refuse("the end of its object");
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    header.entries.push_back(std::move(entry_));
    entry_ = SafetensorsEntry{};
    place_ = Place::header;
    return true;
  }

  Place place_ = Place::document;
  SafetensorsEntry entry_;
  std::vector<std::uint64_t> offsets_;
  unsigned fields_ = 0;
  std::string metadata_key_;
  std::unordered_set<std::string> names_;
};

// Nothing where the entry's bytes are what its dtype and shape need.
std::optional<Error> size_fault(const std::string& file, const SafetensorsHeader& header,
                                const SafetensorsEntry& entry) {
  const StoredDtype dtype = dtype_of(entry.dtype);
  const auto fault = [&](std::string wanted, std::string found) {
    return Error{file, checked_sum(header.data_begin, entry.begin), std::move(wanted), std::move(found)};
  };
  if (!dtype) return fault(fmt::format("a known dtype for tensor '{}'", entry.name), "'" + entry.dtype + "'");
  const auto count = element_count(entry.shape);
  if (!count || *count > max_elements) {
    return fault(fmt::format("at most {} elements in tensor '{}'", max_elements, entry.name), "more");
  }
  const std::uint64_t needed = *count * static_cast<std::uint64_t>(dtype.bits());  // at most 2^46
  if (entry.end < entry.begin || needed % 8 != 0 || needed / 8 != entry.end - entry.begin) {
    return fault(
        fmt::format("{}{} bytes for tensor '{}'", needed / 8, needed % 8 != 0 ? " and a part" : "", entry.name),
        fmt::format("offsets {} to {}", entry.begin, entry.end));
  }
  return std::nullopt;
}

// In order of offset each entry begins where the one before ended, and the last ends with the file: then no byte is in
// two tensors or in none, and every offset is inside the file. Empty entries sort before the one that begins there.
std::optional<Error> coverage_fault(const File& file, SafetensorsHeader& header) {
  std::ranges::sort(header.entries, {}, [](const SafetensorsEntry& entry) {
    return std::tuple(entry.begin, entry.end, std::string_view(entry.name));
  });
  const std::uint64_t data_bytes = file.size() - header.data_begin;
  std::uint64_t covered = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    if (auto fault = size_fault(file.path(), header, entry)) return fault;
    if (entry.begin != covered) {
      return Error{file.path(), header.data_begin + covered,
                   fmt::format("the data of the next tensor ('{}')", entry.name),
                   fmt::format("{} (its offset is {}, the data before it end at {})",
                               entry.begin > covered ? "a hole" : "an overlap", entry.begin, covered)};
    }
    if (entry.end > data_bytes) {
      return Error{file.path(), file.size(),
                   fmt::format("data of tensor '{}' up to byte {}", entry.name, header.data_begin + entry.end),
                   "end of file"};
    }
    covered = entry.end;
  }
  if (covered == data_bytes) return std::nullopt;
  return Error{file.path(), header.data_begin + covered, "end of file after the last tensor",
               fmt::format("{} more bytes", data_bytes - covered)};
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// "65536", "65536.0", "0.5", "2^16": the exponent of a power of two.
std::optional<int> log2_of_scale(std::string_view text) {
  constexpr int limit = 160;
  if (text.starts_with("2^")) {
    const auto log2 = whole_number(text.substr(2));
    if (!log2 || *log2 < -limit || *log2 > limit) return std::nullopt;
    return static_cast<int>(*log2);
  }
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value <= 0) {
    return std::nullopt;
  }
  int exponent = 0;
  if (std::frexp(value, &exponent) != 0.5 || exponent - 1 < -limit || exponent - 1 > limit) return std::nullopt;
  return exponent - 1;
}

}  // namespace

Result<SafetensorsHeader> read_safetensors_header(const File& file) {
  if (file.size() < 8) {
    return Error{file.path(), file.size(), "8 bytes of header length", "end of file"};
  }
  const auto descriptor = file.descriptor();
  if (!descriptor) return descriptor.error();
  std::array<std::byte, 8> prefix{};
  if (const auto done = read_at(**descriptor, file.path(), 0, prefix); !done) return done.error();
  const std::uint64_t length = little_endian(prefix);
  const std::uint64_t limit = std::min(max_header_bytes, file.size() - 8);
  if (length > limit) {
    const std::string_view text(reinterpret_cast<const char*>(prefix.data()), prefix.size());
    const bool is_text = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
    return Error{file.path(), 0, fmt::format("a safetensors header of at most {} bytes", limit),
                 is_text ? fmt::format("text ('{}...')", text) : fmt::format("a length of {}", length)};
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  if (const auto done = read_at(**descriptor, file.path(), 8, std::as_writable_bytes(std::span(text))); !done) {
    return done.error();
  }
  HeaderScan scan;
  if (!nlohmann::json::sax_parse(text, &scan)) return scan.error(file.path(), 8);
  SafetensorsHeader header = std::move(scan.header);
  header.data_begin = 8 + length;
  if (auto fault = coverage_fault(file, header)) return *std::move(fault);
  return header;
}

std::optional<TensorView> safetensors_view(const std::shared_ptr<const File>& file, const SafetensorsHeader& header,
                                           const SafetensorsEntry& entry, SkipLog& skips) {
  const StoredDtype dtype = dtype_of(entry.dtype);
  if (dtype.read == nullptr) {
    skips.skip(entry.name, fmt::format("dtype {} {}", entry.dtype, dtype.other->why));
    return std::nullopt;
  }
  TensorView view;
  view.name = entry.name;
  view.dtype = dtype.read;
  view.shape = entry.shape;
  view.elements = *element_count(entry.shape);
  view.source = file_range(file, header.data_begin + entry.begin, entry.end - entry.begin);
  return view;
}

void take_metadata(const SafetensorsHeader& header, Input& input) {
  const auto text = [&](const char* key) -> const std::string* {
    const auto found = header.metadata.find(key);
    return found == header.metadata.end() ? nullptr : &found->second;
  };
  if (const std::string* step = text("step"); step && !input.step) input.step = whole_number(*step);
  if (const std::string* dtype = text("loss_dtype"); dtype && !input.loss_dtype) input.loss_dtype = printable(*dtype);
  if (const std::string* scale = text("loss_scale"); scale && !input.dump_scale_log2) {
    input.dump_scale_log2 = log2_of_scale(*scale);
    if (!input.dump_scale_log2) {
      input.notes.push_back(
          printable(fmt::format("loss_scale '{}' is no power of two within 2^-160 to 2^160: not taken off", *scale)));
    }
  }
}

Result<Input> open_safetensors(const std::string& path, const OpenOptions&) {
  const auto file = File::open(path);
  if (!file) return file.error();
  const auto header = read_safetensors_header(**file);
  if (!header) return header.error();
  Input input;
  input.path = path;
  input.bytes = (*file)->size();
  input.files = {(*file)->stamp()};
  SkipLog skips;
  for (const SafetensorsEntry& entry : header->entries) {
    if (auto view = safetensors_view(*file, *header, entry, skips)) input.tensors.push_back(*std::move(view));
    if (is_code(entry.dtype)) {
      input.codes.push_back({entry.name, entry.shape, dtype_of(entry.dtype).bits() / 8,
                             file_range(*file, header->data_begin + entry.begin, entry.end - entry.begin)});
    }
  }
  input.metadata = header->metadata;
  input.notes = skips.notes();
  take_metadata(*header, input);
  return input;
}

}  // namespace lowp
