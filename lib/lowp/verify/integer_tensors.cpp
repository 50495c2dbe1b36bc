// SPDX-License-Identifier: Apache-2.0
#include "lowp/verify/integer_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "lowp/tensor/checked.h"

namespace lowp {
namespace {

int integer_bytes(std::string_view dtype) {
  if (dtype == "U8") return 1;
  if (dtype == "U16") return 2;
  if (dtype == "U32") return 4;
  return dtype == "U64" ? 8 : 0;
}

}  // namespace

const SafetensorsEntry* IntegerTensors::find(std::string_view name) const {
  const auto entry = std::ranges::find(header_.entries, name, &SafetensorsEntry::name);
  return entry == header_.entries.end() ? nullptr : &*entry;
}

Result<std::vector<std::uint64_t>> IntegerTensors::read(std::string_view name, std::vector<std::uint64_t> shape) const {
  const SafetensorsEntry* entry = find(name);
  const auto wanted = [&](std::string found) {
    return Error{file_.path(), std::nullopt,
                 fmt::format("unsigned integers [{}] as tensor '{}'", fmt::join(shape, ", "), name), std::move(found)};
  };
  if (entry == nullptr) return wanted("no such tensor");
  const int bytes = integer_bytes(entry->dtype);
  if (bytes == 0) return wanted("dtype " + entry->dtype);
  if (entry->shape != shape) return wanted(fmt::format("[{}]", fmt::join(entry->shape, ", ")));
  std::vector<std::byte> raw(static_cast<std::size_t>(entry->end - entry->begin));
  if (auto done = file_.read(header_.data_begin + entry->begin, raw); !done) return done.error();
  const auto step = static_cast<std::size_t>(bytes);
  std::vector<std::uint64_t> numbers(raw.size() / step);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    numbers[i] = little_endian(std::span<const std::byte>(raw).subspan(i * step, step));
  }
  return numbers;
}

std::string metadata_of(const SafetensorsHeader& header, const std::string& key) {
  const auto found = header.metadata.find(key);
  return found == header.metadata.end() ? std::string() : found->second;
}

}  // namespace lowp
