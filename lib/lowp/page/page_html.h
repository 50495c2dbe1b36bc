// SPDX-License-Identifier: Apache-2.0
// Pieces of a page: a story as HTML, bytes as base64 text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lowp/report/report.h"

namespace lowp {

std::string story_html(const std::vector<Block>& story);
std::string base64(std::string_view bytes);
std::string bytes_of_hex(std::string_view hex);
// As zlib writes it (RFC 1950), at its best.
std::string deflated(std::string_view bytes);

}  // namespace lowp
