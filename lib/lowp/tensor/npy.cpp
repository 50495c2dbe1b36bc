// SPDX-License-Identifier: Apache-2.0
// npy versions 1 to 3 (NEP 1): magic, version, header length, a Python dict literal, the data.
#include "lowp/tensor/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "lowp/tensor/checked.h"
#include "lowp/tensor/file.h"
#include "lowp/tensor/reader_rows.h"

namespace lowp {
namespace {

constexpr std::uint64_t max_header_bytes = 65536;
constexpr std::size_t max_rank = 64;

// Descriptors after the byte-order sign. '<f1' is what ml_dtypes writes for float8_e5m2; bare names are a workaround
// that some writers use for types numpy has no letter for.
struct NamedCode {
  std::string_view code;
  std::string_view dtype;
};
constexpr std::array readable_codes{
    NamedCode{"f2", "f16"},
    NamedCode{"f4", "f32"},
    NamedCode{"f8", "f64"},
    NamedCode{"f1", "f8_e5m2"},
    NamedCode{"bfloat16", "bf16"},
    NamedCode{"float8_e4m3fn", "f8_e4m3"},
    NamedCode{"float8_e5m2", "f8_e5m2"},
};

// The literal's grammar: a dict of quoted keys to a quoted string, True or False, or a tuple of unsigned integers.
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}

  std::size_t at() const { return at_; }
  std::string_view rest() const { return text_.substr(at_); }
  bool accept(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::optional<std::string> quoted() {
    skip_space();
    if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) return std::nullopt;
    const std::size_t end = text_.find(text_[at_], at_ + 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view inside = text_.substr(at_ + 1, end - at_ - 1);
    if (inside.find('\\') != std::string_view::npos) return std::nullopt;
    at_ = end + 1;
    return std::string(inside);
  }
  std::optional<bool> truth() {
    skip_space();
    if (accept_word("True")) return true;
    if (accept_word("False")) return false;
    return std::nullopt;
  }
  // "()", "(3,)", "(2, 3)", "(2L, 3L)".
  std::optional<std::vector<std::uint64_t>> tuple() {
    if (!accept('(')) return std::nullopt;
    std::vector<std::uint64_t> items;
    while (!accept(')')) {
      const auto item = number();
      if (!item || items.size() == max_rank) return std::nullopt;
      items.push_back(*item);
      if (accept(',')) continue;
      if (items.size() < 2 || !accept(')')) return std::nullopt;  // "(3)" is a number in Python, not a tuple
      break;
    }
    return items;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t')) ++at_;
  }
  bool accept_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  std::optional<std::uint64_t> number() {
    skip_space();
    const std::size_t begin = at_;
    std::optional<std::uint64_t> value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9' && value; ++at_) {
      value = checked_product(*value, 10);
      if (value) value = checked_sum(*value, static_cast<std::uint64_t>(text_[at_] - '0'));
    }
    if (at_ == begin || !value) return std::nullopt;
    if (at_ < text_.size() && text_[at_] == 'L') ++at_;
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Fields {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<std::uint64_t>> shape;
};

// What was wanted where the literal went wrong; empty if it did not.
std::string parse_fields(Literal& literal, Fields& fields) {
  if (!literal.accept('{')) return "'{'";
  while (!literal.accept('}')) {
    const auto key = literal.quoted();
    if (!key || !literal.accept(':')) return "a quoted key and ':'";
    if (*key == "descr" && !fields.descr) {
      fields.descr = literal.quoted();
      if (!fields.descr) return "a quoted descr (structured arrays are not read)";
    } else if (*key == "fortran_order" && !fields.fortran_order) {
      fields.fortran_order = literal.truth();
      if (!fields.fortran_order) return "True or False as fortran_order";
    } else if (*key == "shape" && !fields.shape) {
      fields.shape = literal.tuple();
      if (!fields.shape) return fmt::format("a tuple of at most {} unsigned integers as shape", max_rank);
    } else {
      return "descr, fortran_order and shape, each once";
    }
    if (literal.accept(',')) continue;
    if (!literal.accept('}')) return "',' or '}'";
    break;
  }
  if (!fields.descr || !fields.fortran_order || !fields.shape) return "descr, fortran_order and shape, each once";
  if (literal.rest().find_first_not_of(" \n\t") != std::string_view::npos) return "nothing after the header's dict";
  return literal.rest().ends_with('\n') ? "" : "a newline at the end of the header";
}

// A descriptor that lost its name: void elements of one or two bytes.
Result<NpyDtype> void_dtype(const std::string& descr, std::uint64_t bytes, const OpenOptions& options) {
  const Dtype* assumed = options.assume_dtype;
  if (assumed == nullptr) {
    return Error{"", std::nullopt,
                 "a dtype that says what it is (numpy forgets bfloat16 and float8; name the dtype with "
                 "--assume-dtype)",
                 "'" + descr + "'"};
  }
  if (static_cast<std::uint64_t>(assumed->bytes) != bytes) {
    return Error{"", std::nullopt, fmt::format("elements of {} bytes, to be {}", assumed->bytes, assumed->name),
                 "'" + descr + "'"};
  }
  return NpyDtype{assumed, false, ""};
}

Result<NpyDtype> classify(const std::string& descr, const OpenOptions& options) {
  const bool has_order = !descr.empty() && std::string_view("<>=|").find(descr[0]) != std::string_view::npos;
  const std::string_view code = std::string_view(descr).substr(has_order ? 1 : 0);
  const auto row = std::ranges::find(readable_codes, code, &NamedCode::code);
  if (row != readable_codes.end()) return NpyDtype{find_dtype(row->dtype), has_order && descr[0] == '>', ""};
  if (code == "V1" || code == "V2") return void_dtype(descr, code == "V1" ? 1 : 2, options);
  const auto skip = [&](std::string_view why) {
    return NpyDtype{nullptr, false, fmt::format("dtype '{}' {}", descr, why)};
  };
  if (code.empty()) return Error{"", std::nullopt, "a dtype", "'" + descr + "'"};
  if (code.starts_with("float8_") || code.starts_with("float6_") || code.starts_with("float4_")) {
    return skip("is not read yet");
  }
  if (code.find_first_of("0123456789[") == 1) {
    switch (code[0]) {
      case 'b':
      case 'i':
      case 'u':
      case 'm':
      case 'M':
      case 'S':
      case 'a':
      case 'U': return skip("is not floating point");
      case 'c': return skip("is complex");
      default: break;
    }
  }
  return Error{"", std::nullopt, "a dtype that can be read (f2, f4, f8, bfloat16, float8)", "'" + descr + "'"};
}

}  // namespace

Result<NpyHeader> read_npy_header(ByteStream& stream, std::uint64_t available, const std::string& where,
                                  std::uint64_t base, const OpenOptions& options) {
  std::array<std::byte, 12> prefix{};
  if (available < 10) return Error{where, base + available, "an npy header", "end of data"};
  if (const auto done = stream.read(std::span(prefix).first(10)); !done) return done.error();
  constexpr std::string_view magic = "\x93NUMPY";
  if (!std::ranges::equal(std::as_bytes(std::span(magic)), std::span(prefix).first(6))) {
    return Error{where, base, "the npy magic (\\x93NUMPY)", "other bytes"};
  }
  const int version = std::to_integer<int>(prefix[6]);
  if (version < 1 || version > 3 || prefix[7] != std::byte{0}) {
    return Error{where, base + 6, "npy version 1.0, 2.0 or 3.0",
                 fmt::format("{}.{}", version, std::to_integer<int>(prefix[7]))};
  }
  const std::uint64_t prefix_bytes = version == 1 ? 10 : 12;
  if (available < prefix_bytes) return Error{where, base + available, "an npy header", "end of data"};
  if (version > 1) {
    if (const auto done = stream.read(std::span(prefix).subspan(10, 2)); !done) return done.error();
  }
  const std::uint64_t length = little_endian(std::span(prefix).subspan(8, version == 1 ? 2 : 4));
  const std::uint64_t limit = std::min(max_header_bytes, available - prefix_bytes);
  if (length > limit) {
    return Error{where, base + 8, fmt::format("an npy header of at most {} bytes", limit),
                 fmt::format("a length of {}", length)};
  }
  std::string text(static_cast<std::size_t>(length), '\0');
  if (const auto done = stream.read(std::as_writable_bytes(std::span(text))); !done) return done.error();

  Literal literal(text);
  Fields fields;
  if (auto wanted = parse_fields(literal, fields); !wanted.empty()) {
    return Error{where, base + prefix_bytes + literal.at(), std::move(wanted),
                 fmt::format("'{}'", literal.rest().substr(0, 24))};
  }
  auto elements = classify(*fields.descr, options);
  if (!elements) {
    Error error = elements.error();
    error.file = where;
    error.offset = base + prefix_bytes;
    return error;
  }
  elements->descr = *fields.descr;
  NpyHeader header{*std::move(elements), *std::move(fields.shape), prefix_bytes + length};
  const auto count = element_count(header.shape);
  if (!count || *count > max_elements) {
    return Error{where, base + prefix_bytes, fmt::format("at most {} elements", max_elements), "more"};
  }
  if (header.elements.dtype == nullptr) return header;
  const std::uint64_t needed = *count * static_cast<std::uint64_t>(header.elements.dtype->bytes);
  if (available != unknown_size && needed != available - header.data_begin) {
    return Error{where, base + header.data_begin, fmt::format("{} bytes of data", needed),
                 fmt::format("{}", available - header.data_begin)};
  }
  return header;
}

Result<Input> open_npy(const std::string& path, const OpenOptions& options) {
  const auto file = File::open(path);
  if (!file) return file.error();
  const std::uint64_t size = (*file)->size();
  const auto stream = file_range(*file, 0, size)->stream(0);
  if (!stream) return stream.error();
  const auto header = read_npy_header(**stream, size, path, 0, options);
  if (!header) return header.error();

  Input input;
  input.path = path;
  input.bytes = size;
  input.files = {(*file)->stamp()};
  const Dtype* dtype = header->elements.dtype;
  if (dtype == nullptr) {
    input.notes.push_back(printable("skipped the array: " + header->elements.skip));
    return input;
  }
  TensorView view;
  view.name = std::filesystem::path(path).stem().string();
  view.dtype = dtype;
  view.shape = header->shape;
  view.elements = *element_count(header->shape);
  view.source = file_range(*file, header->data_begin, size - header->data_begin);
  if (header->elements.big_endian) view.source = byte_swapped(view.source, dtype->bytes);
  input.tensors.push_back(std::move(view));
  return input;
}

}  // namespace lowp
