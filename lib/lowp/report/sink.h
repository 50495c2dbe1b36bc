// SPDX-License-Identifier: Apache-2.0
// Where a document goes, piece by piece: it never has to be held whole.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace lowp {

// Writers append to `text` and ask now and then whether to go on. Pieces are taken in order; whoever takes them says
// false when no more is wanted (a full disk), after which nothing more is given.
class Sink {
 public:
  using Take = std::function<bool(std::string_view piece)>;
  explicit Sink(Take take) : take_(std::move(take)) {}

  std::string text;

  // Gives away what has gathered once it is worth it. False: stop.
  bool go_on() { return text.size() < piece_bytes ? open_ : flush(); }
  bool flush() {
    open_ = open_ && (text.empty() || take_(text));
    text.clear();
    return open_;
  }

 private:
  static constexpr std::size_t piece_bytes = 1 << 16;
  Take take_;
  bool open_ = true;
};

}  // namespace lowp
