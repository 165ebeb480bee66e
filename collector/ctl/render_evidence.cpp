#include <fmt/format.h>

#include "collector/ctl/evidence.hpp"
#include "collector/ctl/render.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/evidence/manifest.hpp"
#include "common/i18n/table.hpp"
#include "common/model/evidence.hpp"

namespace tocsin::ctl {
namespace {

std::string clean(std::string_view text) { return clean_text(text, limits::kText); }

std::string state_text(const View& view, v1::EvidenceState::State state) {
  return say(view, fmt::format("evidence_state.{}",
                               model::to_string(static_cast<model::EvidenceState>(state))));
}

std::string act_text(const View& view, v1::CustodyAct act) {
  return say(view,
             fmt::format("custody.{}", model::to_string(static_cast<model::CustodyAct>(act))));
}

std::string person(const View& view, const v1::Principal& by) {
  return by.name().empty() ? say(view, "principal.system") : clean(by.name());
}

std::string host_of(const v1::EvidenceState& row) {
  return row.host_name().empty() ? clean(row.name()) : clean(row.host_name());
}

void add_head(const View& view, Labelled& lines, const v1::EvidenceState& row,
              std::int64_t now_ns) {
  const auto add = [&](std::string_view label, std::string text) {
    if (!text.empty()) lines.add(say(view, label), std::move(text));
  };
  add("ctl.evidence.state", state_text(view, row.state()));
  add("ctl.evidence.host", clean(row.host_name()));
  add("ctl.evidence.file", clean(row.name()));
  add("ctl.evidence.incident",
      row.incident_id() == 0 ? std::string() : fmt::format("#{}", row.incident_id()));
  add("ctl.evidence.asked", fmt::format("{}  {}", person(view, row.asked_by()),
                                        clock_text(view, row.asked_ns(), now_ns)));
  add("ctl.evidence.reason", clean(row.reason()));
  if (row.received_ns() != 0) {
    add("ctl.evidence.received", clock_text(view, row.received_ns(), now_ns));
    add("ctl.evidence.content", say(view, "ctl.evidence.content.text",
                                    {{"items", number(row.items())},
                                     {"missing", number(row.missing())},
                                     {"bytes", number(row.bytes())}}));
    add("ctl.evidence.manifest", clean(row.manifest_sha256()));
  }
  if (!row.problem().code().empty()) add("ctl.evidence.problem", words(view, row.problem()));
  add("ctl.evidence.witness", clean(row.witness()));
}

std::string items_text(const View& view, const std::string& text) {
  const auto manifest = evidence::parse_manifest(text);
  if (!manifest) return {};
  i18n::Table kept(
      {title(view, "ctl.evidence.column.what"), title(view, "ctl.evidence.column.bytes"), "SHA-256",
       title(view, "ctl.evidence.column.source"), title(view, "ctl.evidence.column.note")});
  i18n::Table missing({title(view, "ctl.evidence.column.what"),
                       title(view, "ctl.evidence.column.reason"),
                       title(view, "ctl.evidence.column.source")});
  for (const evidence::Item& item : manifest->items) {
    if (item.file.empty()) {
      missing.add({item.what, item.reason, item.source});
      continue;
    }
    std::string cut = item.cut;
    if (item.left_out > 0) cut += fmt::format(" -{}", item.left_out);
    kept.add({item.what, number(item.bytes), item.sha256.substr(0, 12), item.source, cut});
  }
  std::string out = "\n" + kept.render(view.width);
  if (missing.rows() > 0) {
    out += "\n" + say(view, "ctl.evidence.missing") + "\n" + missing.render(view.width);
  }
  return out;
}

}  // namespace

std::string render_evidence_list(const View& view, const v1::EvidenceList& list) {
  i18n::Table table(
      {"ID", title(view, "ctl.evidence.column.state"), title(view, "ctl.evidence.column.host"),
       title(view, "ctl.evidence.column.incident"), title(view, "ctl.evidence.column.bytes"),
       title(view, "ctl.evidence.column.by"), title(view, "ctl.evidence.column.at")});
  for (const v1::EvidenceState& row : list.evidence()) {
    table.add({fmt::format("E-{}", row.id()), state_text(view, row.state()), host_of(row),
               row.incident_id() == 0 ? "-" : fmt::format("#{}", row.incident_id()),
               row.received_ns() == 0 ? "-" : number(row.bytes()), person(view, row.asked_by()),
               clock_text(view, row.asked_ns(), list.as_of().journal_ns())});
  }
  return table.render(view.width) + as_of_text(view, list.as_of()) + "\n";
}

std::string custody_text(const View& view, const v1::EvidenceState& row) {
  // Not as of now: who reads it does so much later.
  i18n::Table table({title(view, "ctl.evidence.column.at"), title(view, "ctl.evidence.column.act"),
                     title(view, "ctl.evidence.column.by"),
                     title(view, "ctl.evidence.column.position"),
                     title(view, "ctl.evidence.column.note")});
  for (const v1::CustodyItem& item : row.custody()) {
    table.add({clock_text(view, item.at_ns(), 0), act_text(view, item.act()),
               person(view, item.by()), number(item.position()), words(view, item.detail())});
  }
  std::string text = table.render(0);
  if (row.custody_left_out() > 0) {
    text +=
        say(view, "ctl.evidence.custody_left_out", {{"count", number(row.custody_left_out())}}) +
        "\n";
  }
  return text;
}

std::string render_evidence(const View& view, const v1::EvidenceDetail& detail) {
  const v1::EvidenceState& row = detail.evidence();
  Labelled lines(view);
  add_head(view, lines, row, detail.as_of().journal_ns());
  std::string text = fmt::format("E-{}\n", row.id()) + lines.render() + "\n" +
                     say(view, "ctl.evidence.custody") + "\n" + custody_text(view, row);
  return text + items_text(view, detail.manifest()) + as_of_text(view, detail.as_of()) + "\n";
}

std::string render_evidence_report(const View& view, std::string_view name,
                                   const v1::EvidenceReport& report) {
  if (report.intact()) {
    return "o " +
           say(view, "evidence.verified",
               {{"evidence", std::string(name)},
                {"files", number(report.files())},
                {"bytes", number(report.bytes())}}) +
           "\n";
  }
  std::string text;
  for (const v1::Message& problem : report.problems()) text += "X " + words(view, problem) + "\n";
  return text;
}

}  // namespace tocsin::ctl
