// SPDX-License-Identifier: Apache-2.0
// 480 is NaN in E4M3: found out while compiling.
#include <cstdio>

#include "lowp/core/convert.h"
#include "lowp/core/formats.h"

constexpr lowp::Format fp32 = lowp::find_format("fp32").format, e4m3 = lowp::find_format("e4m3").format;
static_assert(lowp::encode(e4m3, {}, lowp::decode(fp32, 0x43f00000)) == 0x7f);

int main() {
  std::printf("%02x\n", static_cast<unsigned>(lowp::encode(e4m3, {}, lowp::decode(fp32, 0x43e00000))));  // 448: 7e
}
