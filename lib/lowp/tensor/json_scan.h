// SPDX-License-Identifier: Apache-2.0
// JSON from strangers, event by event: nothing is built, and whatever a scan does not expect is refused.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "lowp/base/result.h"

namespace lowp {

// Base of a scan: every event is refused unless overridden. An override returns false through refuse() to stop.
// Depth is what the overrides accept: they know their grammar, so nesting cannot run away. Include in .cpp files only.
class JsonScan : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a boolean"); }
  bool number_integer(number_integer_t) override { return refuse("a negative number"); }
  bool number_unsigned(number_unsigned_t) override { return refuse("a number"); }
  bool number_float(number_float_t, const string_t& text) override { return refuse("the number " + text); }
  bool string(string_t&) override { return refuse("a string"); }
  bool binary(binary_t&) override { return refuse("binary data"); }
  bool start_object(std::size_t) override { return refuse("an object"); }
  bool key(string_t&) override { return refuse("a key"); }
  bool end_object() override { return refuse("the end of an object"); }
  bool start_array(std::size_t) override { return refuse("an array"); }
  bool end_array() override { return refuse("the end of an array"); }
  bool parse_error(std::size_t position, const std::string& token, const nlohmann::detail::exception&) override {
    position_ = position;
    found_ = fmt::format("'{}'", token.substr(token.size() > 24 ? token.size() - 24 : 0));
    wanted_ = "valid JSON";
    return false;
  }

  // What stopped the scan; `base` is the offset of the text in `file`.
  Error error(const std::string& file, std::uint64_t base) const {
    std::optional<std::uint64_t> offset;
    if (position_) offset = base + (*position_ > 0 ? *position_ - 1 : 0);
    return {file, offset, wanted_, found_};
  }

 protected:
  // The scan says what it is waiting for, so that a refusal can say what was wanted.
  virtual std::string expected() const = 0;
  bool refuse(std::string found) {
    wanted_ = expected();
    found_ = std::move(found);
    return false;
  }

 private:
  std::optional<std::size_t> position_;
  std::string wanted_;
  std::string found_;
};

}  // namespace lowp
