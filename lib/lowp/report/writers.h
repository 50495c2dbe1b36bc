// SPDX-License-Identifier: Apache-2.0
// THE TABLE of writers: one row makes an output known everywhere.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "lowp/report/report.h"
#include "lowp/report/sink.h"

namespace lowp {

// `stream` gives the whole document to a sink, `write` appends it to a string. Every text in a report is untrusted: each writer escapes control
// characters, invalid UTF-8 and whatever its own syntax gives a meaning.
struct Writer {
  std::string_view name;       // as given to --output: "json"
  std::string_view extension;  // ".json"
  std::string_view what;
  bool reads_tables;   // if not, a report without them gives the same document
  bool reads_figures;  // likewise; such a document can be the picture beside an answer
  // What each of its documents begins with, where that tells them from files of other programs; else empty.
  std::string_view mark;
  void (*stream)(const Report& report, const TextStyle& style, Sink& sink);

  void write(const Report& report, const TextStyle& style, std::string& out) const;
};

std::span<const Writer> writers();                 // text json csv markdown svg
const Writer* find_writer(std::string_view name);  // nullptr if unknown

}  // namespace lowp
