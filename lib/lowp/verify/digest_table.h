// SPDX-License-Identifier: Apache-2.0
// Digests of conversions as a table of lines: recorded on one machine, compared on another.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lowp/base/result.h"
#include "lowp/verify/conversion_sweep.h"

namespace lowp::verify {

class DigestTable {
 public:
  // The table the program was built with: data/golden/digests.tsv.
  static const DigestTable& recorded();
  // Lines "source target rounding overflow digest" with tabs between; empty lines and lines that start with # are
  // skipped. A line of any other shape, or a case that occurs twice, sets `wrong_line` (from 1) and stops.
  static DigestTable parse(std::string_view text, std::optional<std::size_t>& wrong_line);

  // A file of such lines, of at most 16 MiB; an Error names the wrong line.
  static Result<DigestTable> read(const std::string& path);

  std::optional<std::uint64_t> find(const SweepCase& what) const;
  void set(const SweepCase& what, std::uint64_t digest);
  std::size_t size() const { return digests_.size(); }
  std::string text() const;  // with a head that says what the digests are; parse() reads it back

 private:
  std::map<std::string, std::uint64_t, std::less<>> digests_;  // by the first four columns
};

}  // namespace lowp::verify
