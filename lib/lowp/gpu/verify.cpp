// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/verify.h"

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <sstream>

#include "lowp/core/formats.h"
#include "lowp/gpu/matrix_checks.h"

namespace lowp::gpu {
namespace {

constexpr std::uint64_t quick_part = 64;

std::string hex(std::uint32_t code, Format f) {
  constexpr char digit[] = "0123456789ABCDEF";
  std::string text = "0x";
  for (int at = (f.width + 3) / 4 - 1; at >= 0; --at) text += digit[code >> (4 * at) & 0xF];
  return text;
}

std::string scalar_text(const Rule& rule, const ScalarMismatch& m) {
  std::string operands = hex(m.inputs.a, rule.source);
  if (!is_conversion(rule)) operands += ", " + hex(m.inputs.b, rule.source);
  if (rule.operation == Operation::fma) operands += ", " + hex(m.inputs.c, rule.source);
  return operands + ": hardware " + hex(m.returned, rule.target) + ", core " + hex(m.expected, rule.target);
}

// The first line of `text` that starts with `key` and a tab: what stands after it.
std::string value_of(const std::string& text, const std::string& key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(key + "\t")) return line.substr(key.size() + 1);
  }
  return {};
}

std::string digest_text(std::uint64_t digest) {
  std::ostringstream text;
  text << std::hex << std::setfill('0') << std::setw(16) << digest;
  return text.str();
}

template <class Rows, class Value>
std::string name_in(const Rows& rows, Value value, Value Rows::value_type::* member) {
  for (const auto& row : rows) {
    if (row.*member == value) return std::string(row.name);
  }
  return {};
}

// "fp32 fp16 nearest_even ieee" with tabs, as the recorded table has it.
std::string digest_key(std::string_view source, std::string_view target, const Rule& rule) {
  return std::string(source) + "\t" + std::string(target) + "\t" +
         name_in(rounding_names, rule.how.rounding, &RoundingName::mode) + "\t" +
         name_in(overflow_names, rule.how.overflow, &OverflowName::rule);
}

class Run {
 public:
  Run(Backend& backend, const VerifyOptions& options, const std::function<void(const VerifyLine&)>& done)
      : backend_(backend), options_(options), done_(done) {
    result_.chip = backend.chip();
  }

  Verification all() {
    const auto start = std::chrono::steady_clock::now();
    for (std::size_t row = 0; row < conversion_rows().size(); ++row) conversion(row);
    for (std::size_t row = 0; row < arithmetic_rows().size(); ++row) arithmetic(row);
    core();
    MatrixChecks matrices(backend_, options_, result_);
    for (std::size_t row = 0; row < mma_rows().size(); ++row) {
      for (const MatrixCheck& check : matrix_checks) {
        line(std::string(check.part), matrix_name(mma_rows()[row]), mma_rows()[row].architecture,
             [&](VerifyLine& into) { (matrices.*check.run)(row, into); });
      }
    }
    matrices.say_open_points();
    result_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(result_);
  }

 private:
  template <class Work>
  void line(std::string part, std::string name, int architecture, Work work) {
    const std::string full_name = part + " " + name;
    if (full_name.find(options_.only) == std::string::npos) return;
    VerifyLine into{std::move(part), std::move(name), 0, 0, 0, {}, {}};
    const auto start = std::chrono::steady_clock::now();
    if (has_instruction(result_.chip.code, architecture)) {
      try {
        work(into);
      } catch (const DeviceError& error) {
        throw DeviceError(full_name + ": " + error.what());
      }
      if (into.cases == 0 && into.note.empty()) return;  // nothing of the kind for this row
    } else {
      into.note = "not run: not in code for " + code_text(result_.chip.code);
    }
    into.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    done_(into);
    result_.lines.push_back(std::move(into));
  }

  void take(const Rule& rule, const SweepOutcome& outcome, VerifyLine& into) {
    into.cases = outcome.inputs;
    into.mismatches = outcome.mismatches;
    for (const ScalarMismatch& m : outcome.first) into.first.push_back(scalar_text(rule, m));
  }
  Selection inputs_of(const Rule& rule) const {
    const std::uint64_t all = all_inputs(rule);
    return options_.quick && all > 1 << 20 ? Selection{all / quick_part, quick_part} : Selection{all};
  }

  void conversion(std::size_t row) {
    const ConversionRow& what = conversion_rows()[row];
    line("conversion", std::string(what.ptx), what.architecture, [&](VerifyLine& into) {
      const SweepOutcome outcome = backend_.sweep_conversion(row, inputs_of(what.rule));
      take(what.rule, outcome, into);
      if (what.rule.operation == Operation::convert_between) into.note = "either neighbour is right";
      // The recorded digests know neither relu nor magnitudes in unsigned formats.
      const bool recordable =
          what.rule.operation == Operation::convert && !what.rule.relu && is_signed(what.rule.target);
      if (!recordable || !outcome.returned_digest || outcome.inputs != all_inputs(what.rule)) return;
      const std::string recorded = value_of(options_.digests, digest_key(what.source, what.target, what.rule));
      const std::string returned = digest_text(*outcome.returned_digest);
      into.note = recorded.empty() ? "digest " + returned + ", none recorded" : "digest as recorded";
      if (recorded.empty() || recorded == returned) return;
      into.note = "digest differs";
      into.first.push_back("digest " + returned + ", recorded " + recorded);
      into.mismatches = std::max<std::uint64_t>(into.mismatches, 1);
    });
  }

  void arithmetic(std::size_t row) {
    const ArithmeticRow& what = arithmetic_rows()[row];
    line("arithmetic", std::string(what.ptx), what.architecture, [&](VerifyLine& into) {
      take(what.rule, backend_.sweep_arithmetic(row, inputs_of(what.rule)), into);
      into.note = all_inputs(what.rule) == std::uint64_t{1} << 32 ? "every pair" : "drawn operands";
    });
  }

  // Every recorded digest again, by core on the device. A case is one digest.
  void core() {
    line("core", "recorded digests", 0, [&](VerifyLine& into) {
      std::istringstream lines(options_.digests);
      for (std::string text; !options_.quick && std::getline(lines, text);) {
        if (text.empty() || text[0] == '#') continue;
        std::istringstream words(text);
        std::string source, target, rounding, overflow, digest;
        words >> source >> target >> rounding >> overflow >> digest;
        Rule rule{Operation::convert, find_format(source).format, find_format(target).format, {}};
        for (const RoundingName& name : rounding_names) {
          if (name.name == rounding) rule.how.rounding = name.mode;
        }
        for (const OverflowName& name : overflow_names) {
          if (name.name == overflow) rule.how.overflow = name.rule;
        }
        ++into.cases;
        const std::string own = digest_text(backend_.core_digest(rule));
        if (own == digest) continue;
        if (++into.mismatches <= 3) into.first.push_back(text + ": on the device " + own);
      }
      into.note = into.cases != 0  ? "core compiled for the device"
                  : options_.quick ? "not run: --quick"
                                   : "not run: no table of digests";
    });
  }

  Backend& backend_;
  const VerifyOptions& options_;
  const std::function<void(const VerifyLine&)>& done_;
  Verification result_;
};

}  // namespace

std::uint64_t Verification::mismatches() const {
  std::uint64_t sum = 0;
  for (const VerifyLine& line : lines) sum += line.mismatches;
  return sum;
}

Verification verify(Backend& backend, const VerifyOptions& options,
                    const std::function<void(const VerifyLine&)>& done) {
  return Run(backend, options, done).all();
}

}  // namespace lowp::gpu
