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
#include "lowp/tensor/row_major.h"

namespace lowp {
namespace {

constexpr std::uint64_t max_header_bytes = 65536;
constexpr std::size_t max_rank = 64;

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
  // "[('a', '<f4'), ...]": a list of any literals, as text.
  std::optional<std::string> list() {
    skip_space();
    const std::size_t begin = at_;
    int depth = 0;
    for (std::size_t i = at_; i < text_.size(); ++i) {
      if (text_[i] == '\'' || text_[i] == '"') i = std::min(text_.find(text_[i], i + 1), text_.size());
      if (i == text_.size()) break;
      depth += text_[i] == '[' ? 1 : text_[i] == ']' ? -1 : 0;
      if (depth != 0) continue;
      if (text_[i] != ']') break;
      at_ = i + 1;
      return std::string(text_.substr(begin, at_ - begin));
    }
    return std::nullopt;
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
      if (!fields.descr) fields.descr = literal.list();
      if (!fields.descr) return "a quoted descr";
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

// A descriptor that lost its name: void elements of one or two bytes, which numpy writes for types of ml_dtypes.
NpyDtype void_dtype(const std::string& descr, int bytes, const OpenOptions& options) {
  const Dtype* assumed = options.assume_dtype;
  if (assumed != nullptr && assumed->bytes == bytes) return {assumed, false, ""};
  if (assumed != nullptr)
    return {nullptr, false,
            fmt::format("dtype '{}' has elements of {} bytes, not those of {}", descr, bytes, assumed->name)};
  std::string names;
  for (const Dtype& row : dtype_table) {
    if (row.bytes == bytes && row.torch != "float16")
      names += fmt::format("{}{}", names.empty() ? "" : " or ", row.name);
  }
  return {nullptr, false,
          fmt::format("dtype '{}' lost its name in numpy; if it is one of those that are read, say so with "
                      "--assume-dtype {}",
                      descr, names)};
}

// Why a descriptor without a row is not read.
std::string_view reason_of(std::string_view code) {
  if (code.starts_with('[')) return "is structured (it has fields)";
  if (code.starts_with('O')) return "holds Python objects";
  if (code.starts_with("float8_") || code.starts_with("float6_") || code.starts_with("float4_"))
    return "is not read yet";
  if (code.size() < 2 || code.find_first_of("0123456789[") != 1) return "is not read";
  if (code[0] == 'c') return "is complex";
  return std::string_view("biumMSaU").find(code[0]) != std::string_view::npos ? "is not floating point" : "is not read";
}

NpyDtype classify(const std::string& descr, const OpenOptions& options) {
  const bool has_order = !descr.empty() && std::string_view("<>=|").find(descr[0]) != std::string_view::npos;
  const std::string_view code = std::string_view(descr).substr(has_order ? 1 : 0);
  for (const Dtype& row : dtype_table) {
    // Bare names are a workaround that some writers use for types numpy has no letter for.
    if (!code.empty() && (code == row.numpy || code == row.torch)) return {&row, has_order && descr[0] == '>', ""};
  }
  if (code == "V1" || code == "V2") return void_dtype(descr, code == "V1" ? 1 : 2, options);
  constexpr std::size_t shown = 40;
  return {nullptr, false,
          fmt::format("dtype '{}{}' {}", descr.substr(0, shown), descr.size() > shown ? "..." : "", reason_of(code))};
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
  NpyHeader header{classify(*fields.descr, options), *std::move(fields.shape), *fields.fortran_order,
                   prefix_bytes + length};
  header.elements.descr = *fields.descr;
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

TensorView npy_view(std::string name, const NpyHeader& header, std::shared_ptr<const ByteSource> data,
                    std::string where) {
  TensorView view;
  view.name = std::move(name);
  view.dtype = header.elements.dtype;
  view.shape = header.shape;
  view.elements = *element_count(header.shape);
  view.source = std::move(data);
  if (header.elements.big_endian) view.source = byte_swapped(std::move(view.source), view.dtype->bytes);
  if (header.fortran_order) set_fortran_order(view, std::move(where));
  return view;
}

void set_fortran_order(TensorView& view, std::string where) {
  if (view.elements == 0) return;
  std::vector<std::uint64_t> strides;
  std::uint64_t stride = 1;
  for (const std::uint64_t axis : view.shape) {
    strides.push_back(stride);
    stride *= axis;
  }
  if (is_row_major(view.shape, strides)) return;
  view.row_major = row_major_source(view.source, view.shape, strides, view.dtype->bytes, std::move(where));
}

Result<StreamedArray> start_npy(ByteStream& stream, const std::string& name, const OpenOptions& options) {
  const auto header = read_npy_header(stream, unknown_size, name, 0, options);
  if (!header) return header.error();
  return StreamedArray{header->elements.dtype,
                       header->elements.skip,
                       header->elements.big_endian,
                       header->fortran_order,
                       header->shape,
                       *element_count(header->shape),
                       true};
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
  if (header->elements.dtype == nullptr) {
    input.notes.push_back(printable("skipped the array: " + header->elements.skip));
    return input;
  }
  input.tensors.push_back(npy_view(std::filesystem::path(path).stem().string(), *header,
                                   file_range(*file, header->data_begin, size - header->data_begin), path));
  return input;
}

}  // namespace lowp
