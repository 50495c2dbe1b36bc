// SPDX-License-Identifier: Apache-2.0
#include "subjects.h"

#include <cstdio>

namespace lowp::proof {

std::vector<Subject> subjects() {
  std::vector<Subject> all;
  const auto add = [&all](std::string_view name, Format format) {
    all.push_back({std::string(name), format, oracle::find_oracle_format(name)});
  };
  for (const NamedFormat& row : format_table) add(row.name, row.format);
  for (const char* name :
       {"e2m5",        "e6m9",        "e5m10",       "e11m4",       "e8m15",       "e11m52",      "e3m3",
        "e5m4b9fnuz",  "e3m4b6fn",    "e4m1fin",     "binary8p4se", "binary8p3se", "binary8p1se", "binary8p3sf",
        "binary8p4ue", "binary8p5uf", "binary8p1uf", "binary4p2sf", "binary3p2se", "binary6p3ue", "binary15p8se"}) {
    add(name, find_format(name).format);
  }
  return all;
}

std::vector<Subject> subjects_up_to(int width) {
  std::vector<Subject> chosen;
  for (const Subject& s : subjects()) {
    if (s.format.width <= width && s.description != nullptr) chosen.push_back(s);
  }
  return chosen;
}

std::vector<ModeUnderTest> modes() {
  std::vector<ModeUnderTest> all;
  for (const RoundingName& row : rounding_names) {
    if (row.name.starts_with("stochastic")) continue;  // stochastic_proof.cpp
    ModeUnderTest m{row.mode, oracle::Mode::nearest_even, false, row.name};
    m.known = oracle::find_mode(row.name, m.judge);
    all.push_back(m);
  }
  return all;
}

oracle::Saturation saturation_of(Overflow rule) {
  return {rule.saturate_finite, rule.saturate_inf};
}

std::string Tally::describe(std::uint64_t got, std::uint64_t wanted, std::uint64_t source, std::string_view what) {
  char line[160];
  std::snprintf(line, sizeof line, "source 0x%llx: got 0x%llx, must be 0x%llx (",
                static_cast<unsigned long long>(source), static_cast<unsigned long long>(got),
                static_cast<unsigned long long>(wanted));
  return line + std::string(what) + ")";
}

bool same_number(const Exact& x, const oracle::CodeValue& v) {
  switch (x.kind) {
    case Kind::nan: return v.meaning == oracle::Meaning::nan;
    case Kind::zero: return v.meaning == oracle::Meaning::zero && x.negative == v.negative;
    case Kind::inf: return v.meaning == oracle::Meaning::infinity && x.negative == v.negative;
    case Kind::finite: break;
  }
  return v.meaning == oracle::Meaning::number && x.negative == v.negative && !x.sticky && x.significand != 0 &&
         oracle::compare({oracle::Integer(x.significand), x.exponent}, v.magnitude) == 0;
}

}  // namespace lowp::proof
