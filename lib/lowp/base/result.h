// SPDX-License-Identifier: Apache-2.0
// Bad input is a value: what was wrong, where, in one line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace lowp {

// One fault of one input. `offset` is a byte offset into `file` where there is one. Texts may hold names from the file;
// message() escapes control characters and invalid UTF-8, so a message is always one printable line.
struct Error {
  std::string file;
  std::optional<std::uint64_t> offset;
  std::string wanted;
  std::string found;

  std::string message() const;  // "FILE: at byte N: wanted W, found F"; what is not known is left out
};

// A T or the Error that prevented it. `if (!result) return result.error();`
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : held_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return held_.index() == 0; }
  T& operator*() & { return std::get<0>(held_); }
  const T& operator*() const& { return std::get<0>(held_); }
  T&& operator*() && { return std::get<0>(std::move(held_)); }
  T* operator->() { return &std::get<0>(held_); }
  const T* operator->() const { return &std::get<0>(held_); }
  const Error& error() const { return std::get<1>(held_); }

 private:
  std::variant<T, Error> held_;
};

// Success without a value.
struct Done {};

// `text` as one printable line of UTF-8: control characters as \xNN, invalid bytes as U+FFFD.
std::string printable(std::string_view text);

}  // namespace lowp
