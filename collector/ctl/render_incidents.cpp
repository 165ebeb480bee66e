#include <map>

#include <fmt/format.h>

#include "collector/ctl/render.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/i18n/table.hpp"
#include "common/model/incident.hpp"

namespace tocsin::ctl {
namespace {

// Widths that leave room for the number, which must never be cut, and for the title.
constexpr int kHostCells = 16;
constexpr int kKindCells = 16;
constexpr int kPersonCells = 10;
constexpr int kRecipientCells = 24;

std::string clean(std::string_view text) { return clean_text(text, limits::kName); }

std::string who_acknowledged(const View& view, const v1::IncidentState& incident) {
  if (incident.acknowledged_ns() != 0) return clean(incident.acknowledged_by().name());
  return incident.closed_ns() != 0 ? "-" : say(view, "ctl.unacknowledged");
}

std::string sum_line(const View& view, const v1::IncidentList& list) {
  std::map<v1::Severity, std::uint64_t, std::greater<>> open;
  std::uint64_t total = 0;
  for (const v1::IncidentState& incident : list.incidents()) {
    if (incident.closed_ns() != 0) continue;
    ++open[shown_severity(incident)];
    ++total;
  }
  std::string grades;
  for (const auto& [severity, count] : open) {
    grades += fmt::format("{}{} {}", grades.empty() ? "" : ", ", severity_word(severity), count);
  }
  return say(view, "ctl.incidents.sum",
             {{"shown", number(static_cast<std::uint64_t>(list.incidents_size()))},
              {"open", number(total)},
              {"grades", grades.empty() ? "" : " (" + grades + ")"},
              {"as_of", as_of_text(view, list.as_of())}});
}

void add_person(const View& view, Labelled& lines, std::string_view label,
                const v1::Principal& person, std::int64_t at_ns, std::int64_t now_ns) {
  if (at_ns == 0) return;
  const std::string name =
      person.name().empty() ? say(view, "principal.system") : clean(person.name());
  lines.add(say(view, label), fmt::format("{}  {}", name, clock_text(view, at_ns, now_ns)));
}

std::string decided_text(const View& view, const v1::Decided& decided, std::int64_t now_ns) {
  return fmt::format("{}  {}  {}", clean(decided.by().name()),
                     clock_text(view, decided.at_ns(), now_ns),
                     clean_text(decided.reason(), limits::kText));
}

// A worse grade is put to a person, and nobody has decided since.
bool awaits_assent(const v1::IncidentState& incident) {
  return incident.asked_ns() != 0 && incident.recovered_ns() == 0 && incident.closed_ns() == 0 &&
         incident.approved_decided().at_ns() < incident.asked_ns() &&
         incident.explanation().asks() > shown_severity(incident);
}

std::string verdict_text(const View& view, v1::IncidentVerdict verdict) {
  const auto word = model::to_string(static_cast<model::IncidentVerdict>(verdict));
  return say(view, fmt::format("incident_verdict.{}", word));
}

// Who decided what of it; what nobody decided is not shown.
void add_decisions(const View& view, Labelled& lines, const v1::IncidentState& incident,
                   std::int64_t now_ns) {
  if (incident.has_verdict_decided()) {
    lines.add(say(view, "ctl.incident.verdict"),
              fmt::format("{}  {}", verdict_text(view, incident.verdict()),
                          decided_text(view, incident.verdict_decided(), now_ns)));
  }
  if (incident.has_approved_decided()) {
    lines.add(say(view, "ctl.incident.approved"),
              fmt::format("{}  {}", severity_sign(incident.approved()),
                          decided_text(view, incident.approved_decided(), now_ns)));
  }
  if (incident.needs_review()) {
    lines.add("", say(view, "ctl.incident.needs_review"));
  }
  if (incident.undecided()) {
    lines.add("", say(view, "ctl.incident.undecided"));
  }
  if (incident.more_findings() > 0) {
    lines.add(
        "", say(view, "ctl.incident.more_findings", {{"count", number(incident.more_findings())}}));
  }
  if (awaits_assent(incident)) {
    lines.add(say(view, "ctl.incident.asked"),
              say(view, "ctl.incident.asked.text",
                  {{"severity", std::string(severity_word(incident.explanation().asks()))},
                   {"at", clock_text(view, incident.asked_ns(), now_ns)},
                   {"reference", argument_of(incident)}}));
  }
  if (incident.has_estimate()) {
    const v1::RepairEstimate& estimate = incident.estimate();
    const Duration duration = std::chrono::seconds(estimate.duration_s());
    lines.add(
        say(view, "ctl.incident.estimate"),
        say(view, "ctl.incident.estimate.text",
            {{"duration", age_text(duration)},
             {"until", clock_text(view, estimate.decided().at_ns() + duration.count(), now_ns)},
             {"who", decided_text(view, estimate.decided(), now_ns)},
             {"count", number(estimate.revisions())}}));
  }
  if (incident.has_closed_decided()) {
    lines.add(say(view, "ctl.incident.cause"),
              decided_text(view, incident.closed_decided(), now_ns));
  }
}

std::string header(const View& view, const v1::IncidentState& incident) {
  return folded(view, fmt::format("{}  {}  {}  {}", reference_of(incident),
                                  severity_sign(shown_severity(incident)),
                                  clean(incident.host_name()), words(view, incident.title())));
}

std::string left_out(const View& view, std::uint32_t count) {
  return count == 0 ? "" : say(view, "ctl.incident.left_out", {{"count", number(count)}}) + "\n";
}

std::string closed_text(const View& view, const v1::FindingState& finding, std::int64_t now_ns) {
  const std::string at = clock_text(view, finding.closed_ns(), now_ns);
  return finding.unwatched() ? say(view, "ctl.finding.unwatched", {{"at", at}}) : at;
}

std::string findings_table(const View& view, const v1::IncidentDetail& detail) {
  const std::int64_t now = detail.as_of().journal_ns();
  // The id is what `baseline propose --from-finding` takes.
  i18n::Table table({title(view, "ctl.column.id"), title(view, "ctl.column.since"),
                     title(view, "ctl.column.closed"), title(view, "ctl.column.check"),
                     title(view, "ctl.column.finding")});
  for (const v1::FindingState& finding : detail.findings()) {
    table.add({number(finding.id()), clock_text(view, finding.since_ns(), now),
               closed_text(view, finding, now), check_text(finding.check()),
               words(view, finding.message())});
  }
  return left_out(view, detail.findings_left_out()) + table.render(view.width);
}

std::string status_text(const View& view, v1::NotificationState::Status status) {
  switch (status) {
    case v1::NotificationState::STATUS_PENDING:
      return say(view, "notification_status.pending");
    case v1::NotificationState::STATUS_DELIVERED:
      return say(view, "notification_status.delivered");
    case v1::NotificationState::STATUS_FAILED:
      return say(view, "notification_status.failed");
    case v1::NotificationState::STATUS_SUPPRESSED:
      return say(view, "notification_status.suppressed");
    default:
      return "?";
  }
}

std::string detail_text(const View& view, const v1::NotificationState& notification) {
  if (!notification.suppressed().empty()) {
    return say(view, "suppressed." + clean(notification.suppressed()));
  }
  return words(view, notification.last_detail());
}

std::string notifications_table(const View& view, const v1::IncidentDetail& detail) {
  i18n::Table table({title(view, "ctl.column.time"), title(view, "ctl.column.recipient"),
                     title(view, "ctl.column.channel"), title(view, "ctl.column.why"),
                     title(view, "ctl.column.outcome"), title(view, "ctl.column.attempts"),
                     title(view, "ctl.column.detail")});
  for (const v1::NotificationState& one : detail.notifications()) {
    table.add({clock_text(view, one.created_ns(), detail.as_of().journal_ns()),
               narrow(view, clean(one.recipient()), kRecipientCells),
               narrow(view, clean(one.channel()), kPersonCells),
               say(view, "notify_reason." + clean(one.reason())), status_text(view, one.status()),
               number(one.attempts()), detail_text(view, one)});
  }
  return left_out(view, detail.notifications_left_out()) + table.render(view.width);
}

std::string next_step(const View& view, const v1::IncidentState& incident) {
  if (incident.closed_ns() != 0) return {};
  const std::string reference = argument_of(incident);
  if (incident.acknowledged_ns() == 0) {
    return say(view, "ctl.next.acknowledge", {{"reference", reference}}) + "\n";
  }
  if (incident.number().empty()) {
    return say(view, "ctl.next.register", {{"reference", reference}}) + "\n";
  }
  if (incident.recovered_ns() != 0 || incident.undecided()) {
    return say(view, "ctl.next.close", {{"reference", reference}}) + "\n";
  }
  return {};
}

}  // namespace

std::string render_incidents(const View& view, const v1::IncidentList& list) {
  const std::int64_t now = list.as_of().journal_ns();
  const bool wide = !is_narrow(view);
  std::vector<std::string> titles{title(view, "ctl.column.number"),
                                  title(view, "ctl.column.severity"),
                                  title(view, "ctl.column.host")};
  if (wide) {
    titles.push_back(title(view, "ctl.column.kind"));
    titles.push_back(title(view, "ctl.column.stage"));
  }
  for (const auto* code : {"ctl.column.acknowledged", "ctl.column.age", "ctl.column.title"}) {
    titles.push_back(title(view, code));
  }
  i18n::Table table(std::move(titles));
  std::vector<v1::Severity> grades;
  for (const v1::IncidentState& incident : list.incidents()) {
    grades.push_back(shown_severity(incident));
    std::vector<std::string> cells{reference_of(incident),
                                   std::string(severity_sign(grades.back())),
                                   narrow(view, clean(incident.host_name()), kHostCells)};
    if (wide) {
      cells.push_back(narrow(view, kind_text(view, incident.kind()), kKindCells));
      cells.push_back(incident.closed_ns() != 0 ? say(view, "ctl.closed")
                                                : stage_text(view, incident.stage()));
    }
    cells.push_back(narrow(view, who_acknowledged(view, incident), kPersonCells));
    cells.push_back(age_text(Duration(now - incident.opened_ns())));
    cells.push_back(words(view, incident.title()));
    table.add(std::move(cells));
  }
  std::string text;
  if (!grades.empty()) text = coloured(view, table.render(view.width), grades);
  text += sum_line(view, list) + "\n";
  if (list.more()) {
    const auto& last = list.incidents(list.incidents_size() - 1);
    text += say(view, "ctl.incidents.more", {{"id", number(last.id())}}) + "\n";
  }
  return text;
}

std::string render_incident(const View& view, const v1::IncidentDetail& detail) {
  const v1::IncidentState& incident = detail.incident();
  const std::int64_t now = detail.as_of().journal_ns();
  Labelled lines(view);
  lines.add(say(view, "ctl.column.number"),
            incident.number().empty()
                ? say(view, "ctl.incident.provisional", {{"id", number(incident.id())}})
                : fmt::format("{} (#{})", reference_of(incident), incident.id()));
  lines.add(say(view, "ctl.column.severity"),
            say(view, "ctl.incident.grades",
                {{"live", std::string(severity_word(incident.live()))},
                 {"peak", std::string(severity_word(incident.peak()))},
                 {"approved", std::string(severity_word(incident.approved()))}}));
  lines.add(say(view, "ctl.column.kind"), kind_text(view, incident.kind()));
  lines.add(say(view, "ctl.column.stage"), stage_text(view, incident.stage()));
  lines.add(say(view, "ctl.incident.first_bad"), clock_text(view, incident.first_bad_ns(), now));
  lines.add(say(view, "ctl.incident.opened"),
            fmt::format("{} ({})", clock_text(view, incident.opened_ns(), now),
                        age_text(Duration(now - incident.opened_ns()))));
  for (const auto& [label, at] : {std::pair{"ctl.incident.recovered", incident.recovered_ns()},
                                  std::pair{"ctl.incident.closed", incident.closed_ns()}}) {
    if (at != 0) lines.add(say(view, label), clock_text(view, at, now));
  }
  if (incident.acknowledged_ns() == 0) {
    lines.add(say(view, "ctl.column.acknowledged"), who_acknowledged(view, incident));
  }
  add_person(view, lines, "ctl.column.acknowledged", incident.acknowledged_by(),
             incident.acknowledged_ns(), now);
  add_person(view, lines, "ctl.incident.registered", incident.registered_by(),
             incident.registered_ns(), now);
  add_decisions(view, lines, incident, now);
  lines.add(say(view, "ctl.incident.revision"), number(incident.revision()));
  std::string text = header(view, incident) + "\n" + lines.render();
  if (!detail.findings().empty()) text += "\n" + findings_table(view, detail);
  if (!detail.notifications().empty()) text += "\n" + notifications_table(view, detail);
  if (const std::string next = next_step(view, incident); !next.empty()) text += "\n" + next;
  return text;
}

std::string render_timeline(const View& view, const v1::IncidentDetail& detail) {
  i18n::Table table({title(view, "ctl.column.time"), title(view, "ctl.column.who"),
                     title(view, "ctl.column.event"), title(view, "ctl.column.position")});
  for (const v1::TimelineItem& item : detail.timeline()) {
    table.add({clock_text(view, item.at_ns(), detail.as_of().journal_ns()),
               item.principal().name().empty() ? "-" : clean(item.principal().name()),
               words(view, item.message()), number(item.position())});
  }
  return header(view, detail.incident()) + "\n" + left_out(view, detail.timeline_left_out()) +
         table.render(view.width);
}

}  // namespace tocsin::ctl
