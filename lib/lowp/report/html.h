// SPDX-License-Identifier: Apache-2.0
// A report as one web page to look at and to pass on, and the pieces that other pages are made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lowp/report/report.h"

namespace lowp {

// How a page of ours begins, so that it can be told from another program's before it is written over.
inline constexpr std::string_view page_mark = "<!DOCTYPE html><!-- precision-audit -->\n";

// Everything from the mark to <body>: the policy of the page lets only this style in, and this script, each given with
// its SHA-256 in hexadecimal; nothing is asked for from anywhere. No script where its hash is empty.
std::string page_head(std::string_view title, std::string_view style, std::string_view style_sha256,
                      std::string_view script_sha256);
// Blocks as HTML; every text is untrusted and inert.
std::string story_html(const std::vector<Block>& story);
// The story and the pictures of a report, which needs no script. `heading` says what was asked: "precision-audit
// replay".
std::string report_page(const Report& report, std::string_view heading);

std::string base64(std::string_view bytes);

}  // namespace lowp
