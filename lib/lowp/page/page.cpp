// SPDX-License-Identifier: Apache-2.0
#include "lowp/page/page.h"

#include <fmt/format.h>
#include <zlib.h>

#include <cmath>
#include <map>

#include "lowp/base/contract.h"
#include "lowp/base/version.h"
#include "lowp/page/page_assets.h"
#include "lowp/report/escape.h"
#include "lowp/report/html.h"
#include "lowp/report/humanize.h"

namespace lowp {
namespace {

template <class Items, class Each>
void append_list(std::string& out, const Items& items, Each each) {
  out += "[";
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ",";
    first = false;
    each(item);
  }
  out += "]";
}

std::string integer_or_null(const std::optional<int>& value) {
  return value ? fmt::format("{}", *value) : "null";
}

// The one place that knows what advice is made of.
void append_advice(std::string& out, const Recommendation& advice) {
  out += fmt::format("\"start\":{},\"window\":{},\"low\":{},\"high\":{},\"note\":",
                     integer_or_null(advice.pictured_scale_log2()), advice.has_window(),
                     integer_or_null(advice.window_low), integer_or_null(advice.window_high));
  append_json_string(out, advice.pictured_note());
}

// What counts cannot say, of all tensors together: per scale the exact results and the decibels, where they are known.
void append_errors(std::string& out, const std::vector<Outcome>& outcomes) {
  append_list(out, outcomes, [&](const Outcome& outcome) {
    const bool exact = outcome.exact && outcome.exact->exact(), snr = outcome.error && outcome.error->snr_db;
    out += fmt::format("[{},{}]", exact ? fmt::format("{}", outcome.exact->most) : "null",
                       snr ? fmt::format("{:.1f}", *outcome.error->snr_db) : "null");
  });
}

void append_format(std::string& out, const AuditFindings& f, const PageCounts& counts, std::size_t format) {
  out += "{\"name\":";
  append_json_string(out, f.question.formats[format].name);
  out += ",";
  append_advice(out, f.recommendations[format]);
  out += ",\"sides\":";
  append_list(out, counts.sides(), [&](Signs side) {
    const ClassEdges edges = edges_of(f.question.target(format), side == Signs::negative);
    out += "{\"edges\":";
    append_list(out, std::vector{edges.flushed, edges.subnormal, edges.finite}, [&](Threshold edge) {
      const PageEdge place = counts.place_of(edge);
      out += fmt::format("[{},{}]", place.binade, place.cut);
    });
    out += fmt::format(",\"beyond\":\"{}\"}}", class_name(edges.beyond));
  });
  out += ",\"errors\":";
  append_errors(out, f.result.total[format]);
  out += "}";
}

// Names are many and recur from step to step: each is written once.
std::string content_of(const AuditFindings& f, const PageCounts& counts) {
  const Summary& summary = f.result.summary;
  std::map<std::string_view, std::size_t> numbers;
  std::vector<const TensorSummary*> names;
  std::string records;
  for_each_tensor(summary, [&](TensorRef ref, const StepSummary&, const TensorSummary& tensor) {
    if (!counts_elements(tensor.evidence)) return;
    const auto [known, is_new] = numbers.try_emplace(tensor.name, names.size());
    if (is_new) names.push_back(&tensor);
    append_base128(records, ref.step);
    append_base128(records, known->second);
    records += counts.record(ref);
  });
  std::string head = fmt::format(
      "{{\"scales\":[{},{}],\"cuts\":{},\"rounding\":\"{}\",\"overflow\":\"{}\",\"formats\":", f.question.scales.low,
      f.question.scales.high, counts.cuts(), rounding_name(f.question.rounding), overflow_name(f.question.overflow));
  std::vector<std::size_t> formats;
  for (std::size_t format = 0; format < f.question.formats.size(); ++format) formats.push_back(format);
  append_list(head, formats, [&](std::size_t format) { append_format(head, f, counts, format); });
  head += ",\"steps\":";
  append_list(head, summary.steps, [&](const StepSummary& step) {
    head += "[";
    append_json_string(head, visible(step.path));
    head += step.step ? fmt::format(",{}]", *step.step) : ",null]";
  });
  head += ",\"names\":";
  append_list(head, names, [&](const TensorSummary* tensor) { append_json_string(head, visible(tensor->name)); });
  head += "}";
  std::string content;
  append_base128(content, head.size());
  return content + head + records;
}

std::string title_of(const Summary& summary) {
  const std::string& first = summary.steps.front().path;
  return summary.steps.size() == 1 ? first : fmt::format("{} and {} more", first, summary.steps.size() - 1);
}

std::string inputs_html(const Summary& summary) {
  std::string out = "<h2>Files</h2>\n<ul>";
  for (const StepSummary& step : summary.steps) {
    out += "<li>" + xml_text(step.path) + ": " + counted(step.tensors.size(), "tensor", "tensors");
    if (step.dump_scale_log2 != 0) out += ", divided by their loss scale " + power_text(step.dump_scale_log2);
    for (const std::string& note : step.notes) out += "; " + xml_text(note);
    out += "</li>\n";
  }
  return out + "</ul>\n";
}

// As zlib writes it (RFC 1950), at its best.
std::string deflated(std::string_view bytes) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  std::string out(size, '\0');
  const int code = compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()),
                             static_cast<uLong>(bytes.size()), Z_BEST_COMPRESSION);
  contract(code == Z_OK, "room for what zlib writes");
  out.resize(size);
  return out;
}

}  // namespace

std::string audit_page(const AuditFindings& findings, const std::vector<Block>& story, const PageCounts& counts) {
  const std::string title = title_of(findings.result.summary);
  std::string out = page_head(title, page_style, page_style_sha256, page_script_sha256);
  out += "<body><header><h1>Precision audit</h1><p>" + xml_text(title) + "</p></header>\n<main>\n<section id=answer>\n";
  out += story_html(story);
  out += "</section>\n<section id=app hidden></section>\n<section>\n" + inputs_html(findings.result.summary);
  out += fmt::format("<p>Rounding {}, overflow {}. Made by precision-audit {}.</p></section>\n</main>\n",
                     rounding_name(findings.question.rounding), overflow_name(findings.question.overflow), version);
  out += "<script id=data type=application/octet-stream>" + base64(deflated(content_of(findings, counts))) +
         "</script>\n<script>";
  out += page_script;
  return out += "</script></body></html>\n";
}

}  // namespace lowp
