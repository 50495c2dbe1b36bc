// SPDX-License-Identifier: Apache-2.0
// A strict check that a text is well-formed XML of the kind we write: elements, quoted attributes, the five entities.
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace lowp_test {

inline bool entities_are_known(std::string_view text) {
  for (std::size_t at = text.find('&'); at != text.npos; at = text.find('&', at + 1)) {
    bool known = false;
    for (std::string_view entity : {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"}) {
      known |= text.substr(at).starts_with(entity);
    }
    if (!known) return false;
  }
  return true;
}

inline std::string_view take_name(std::string_view& rest) {
  std::size_t length = 0;
  while (length < rest.size() && (std::isalnum(static_cast<unsigned char>(rest[length])) || rest[length] == '-' ||
                                  rest[length] == ':' || rest[length] == '_')) {
    ++length;
  }
  const std::string_view name = rest.substr(0, length);
  rest.remove_prefix(length);
  return name;
}

// The inside of a start tag after its name: blanks, name="value" pairs, each name once.
inline bool attributes_are_fine(std::string_view rest) {
  std::vector<std::string_view> seen;
  while (true) {
    const std::size_t blanks = rest.find_first_not_of(" \n");
    if (blanks == rest.npos) return true;
    if (blanks == 0) return false;
    rest.remove_prefix(blanks);
    const std::string_view name = take_name(rest);
    if (name.empty() || !rest.starts_with("=\"")) return false;
    const std::size_t end = rest.find('"', 2);
    if (end == rest.npos || !entities_are_known(rest.substr(2, end - 2))) return false;
    for (std::string_view other : seen) {
      if (other == name) return false;
    }
    seen.push_back(name);
    rest.remove_prefix(end + 1);
  }
}

inline bool is_well_formed(std::string_view rest) {
  std::vector<std::string_view> open;
  bool had_root = false;
  while (!rest.empty()) {
    const std::size_t tag = std::min(rest.find('<'), rest.size());
    const std::string_view text = rest.substr(0, tag);
    if (!entities_are_known(text) || (open.empty() && text.find_first_not_of(" \n") != text.npos)) return false;
    rest.remove_prefix(tag);
    if (rest.empty()) break;
    const std::size_t end = rest.find('>');
    if (end == rest.npos) return false;
    std::string_view inside = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (inside.starts_with('/')) {
      if (open.empty() || open.back() != inside.substr(1)) return false;
      open.pop_back();
      continue;
    }
    const bool closed = inside.ends_with('/');
    if (closed) inside.remove_suffix(1);
    if (inside.find('<') != inside.npos || (open.empty() && had_root)) return false;
    const std::string_view name = take_name(inside);
    if (name.empty() || !attributes_are_fine(inside)) return false;
    had_root = true;
    if (!closed) open.push_back(name);
  }
  return had_root && open.empty();
}

}  // namespace lowp_test
