// SPDX-License-Identifier: Apache-2.0
#include "lowp/gpu/sass.h"

#include <array>
#include <cstdint>
#include <iomanip>
#include <sstream>
#include <string_view>

namespace lowp::gpu {
namespace {

constexpr std::array arithmetic{"HMMA", "QMMA", "HGMMA", "QGMMA", "F2FP", "FADD", "HADD2", "HFMA2", "F2F"};

bool is_arithmetic(std::string_view opcode) {
  const std::string_view head = opcode.substr(0, opcode.find('.'));
  for (const std::string_view name : arithmetic) {
    if (head == name) return true;
  }
  return false;
}

// The instruction of a line "/*0070*/  @!P0 HMMA.16816.F32 R4, ... ;  /* encoding */", blanks as they are.
std::string_view instruction_in(std::string_view line) {
  const std::size_t begin = line.find("*/"), end = line.find(';');
  if (line.find("/*") == line.npos || begin == line.npos || end == line.npos || end < begin + 2) return {};
  line = line.substr(begin + 2, end - begin - 2);
  const std::size_t first = line.find_first_not_of(" \t");
  return first == line.npos ? std::string_view() : line.substr(first);
}

std::string opcode_of(std::string_view instruction) {
  std::istringstream words{std::string(instruction)};
  std::string word;
  words >> word;
  if (word.starts_with('@')) words >> word;
  return word;
}

}  // namespace

std::map<std::string, std::string> sass_of(const std::string& disassembly, const std::string& function) {
  std::istringstream lines(disassembly);
  std::map<std::string, int> counts;
  std::uint64_t hash = 0xCBF29CE484222325;
  bool inside = false, found = false;
  for (std::string line; std::getline(lines, line);) {
    if (const std::size_t at = line.find("Function : "); at != line.npos) {
      inside = !function.empty() && line.substr(at + 11) == function;
      found |= inside;
    }
    const std::string_view instruction = inside ? instruction_in(line) : std::string_view();
    if (instruction.empty()) continue;
    for (const char c : instruction) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
    if (const std::string opcode = opcode_of(instruction); is_arithmetic(opcode)) ++counts[opcode];
  }
  if (!found) return {};
  std::string text;
  for (const auto& [opcode, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + opcode;
  }
  std::ostringstream hash_text;
  hash_text << std::hex << std::setfill('0') << std::setw(16) << hash;
  return {{"sass", text}, {"sass_hash", hash_text.str()}};
}

}  // namespace lowp::gpu
