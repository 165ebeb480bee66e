#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "collector/core/grade.hpp"
#include "collector/ctl/render.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/model/check.hpp"
#include "common/rules/messages.hpp"

namespace tocsin::ctl {
namespace {

std::string clean(std::string_view text) { return clean_text(text, limits::kText); }

std::optional<model::CheckKind> kind_of_code(std::string_view code) {
  using model::CheckKind;
  constexpr std::array kPrefixes{
      std::pair{std::string_view("audit."), CheckKind::audit_log},
      std::pair{std::string_view("ping."), CheckKind::ping},
      std::pair{std::string_view("port."), CheckKind::sockets},
      std::pair{std::string_view("process."), CheckKind::processes},
      std::pair{std::string_view("reach."), CheckKind::ping},
      std::pair{std::string_view("service."), CheckKind::service},
      std::pair{std::string_view("source."), CheckKind::sockets},
      std::pair{std::string_view("message."), CheckKind::warnings},
      std::pair{std::string_view("warning."), CheckKind::warnings},
  };
  for (const auto& [prefix, kind] : kPrefixes) {
    if (code.starts_with(prefix)) return kind;
  }
  return std::nullopt;
}

std::string_view value_of(const v1::Message& message, std::string_view name) {
  for (const v1::Parameter& parameter : message.parameters()) {
    if (parameter.name() == name) return parameter.value();
  }
  return {};
}

// What to do now, a step a line: they stand two spaces apart in the text.
void add_advice(const View& view, std::string_view code, Labelled& lines) {
  const std::string advice = say(view, fmt::format("advice.{}", code));
  std::string_view rest = advice;
  std::string label = say(view, "ctl.explain.advice");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("  "), rest.size());
    lines.add(std::exchange(label, {}), std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
}

std::string_view severity_code(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_A:
      return "severity.a";
    case v1::SEVERITY_B:
      return "severity.b";
    case v1::SEVERITY_C:
      return "severity.c";
    case v1::SEVERITY_D:
      return "severity.d";
    case v1::SEVERITY_E:
      return "severity.e";
    default:
      return "severity.none";
  }
}

void add_clause(const View& view, model::CheckKind kind, Labelled& lines) {
  lines.add(say(view, "ctl.explain.clause"),
            fmt::format("{}  {}", model::clause_of(kind),
                        say(view, fmt::format("check.{}", model::to_string(kind)))));
}

// What a message of the catalogue means and what to do (procedure M-04): "sshd.failed_password",
// "ANR2997W". A code of Storage Protect that is not listed has its family's text.
std::string explain_message(const View& view, std::string_view id) {
  const std::string code = rules::text_of_message(id);
  if (code.empty()) return {};
  Labelled lines(view);
  lines.add(clean(id), std::string(i18n::text(i18n::Language::zh_tw, code)));
  lines.add("", std::string(i18n::text(i18n::Language::en, code)));
  lines.add(say(view, "ctl.explain.what_to_do"), say(view, code + ".do"));
  add_clause(view, model::CheckKind::warnings, lines);
  return lines.render();
}

}  // namespace

std::string explain_severity(const View& view, v1::Severity severity) {
  return fmt::format("{}  {}\n", severity_sign(severity), say(view, severity_code(severity))) +
         say(view, "ctl.explain.table") + "\n";
}

std::string explain_code(const View& view, std::string_view code) {
  if (std::string message = explain_message(view, code); !message.empty()) return message;
  const std::string_view chinese = i18n::text(i18n::Language::zh_tw, code);
  const std::string_view english = i18n::text(i18n::Language::en, code);
  if (english.empty()) return {};
  Labelled lines(view);
  lines.add(clean(code), std::string(chinese));
  lines.add("", std::string(english));
  if (const auto kind = kind_of_code(code)) {
    add_clause(view, *kind, lines);
  }
  if (const auto meaning = collector::meaning_of(code)) {
    lines.add(say(view, "ctl.explain.kind"), kind_text(view, collector::to_string(meaning->kind)));
    lines.add(say(view, "ctl.explain.grading"), say(view, "ctl.explain.grades"));
    add_advice(view, code, lines);
  } else {
    lines.add(say(view, "ctl.explain.grading"), say(view, "ctl.explain.no_grade"));
  }
  return lines.render();
}

bool tells_of_message(const v1::IncidentState& incident, std::string_view id) {
  return incident.title().code().starts_with("warning.") && value_of(incident.title(), "id") == id;
}

std::string explain_site_message(const View& view, const v1::IncidentState& incident) {
  const std::string_view for_all = value_of(incident.title(), "meaning");
  const std::string_view zh_tw =
      value_of(incident.title(), i18n::name_in(i18n::Language::zh_tw, "meaning"));
  Labelled lines(view);
  lines.add(clean(value_of(incident.title(), "id")), clean(zh_tw.empty() ? for_all : zh_tw));
  if (!zh_tw.empty()) lines.add("", clean(for_all));
  lines.add(say(view, "ctl.explain.told_by"),
            fmt::format("{}  {}", reference_of(incident), clean(incident.host_name())));
  add_clause(view, model::CheckKind::warnings, lines);
  return lines.render();
}

std::vector<std::string> similar_codes(std::string_view word, std::size_t most) {
  const std::string_view stem = word.substr(0, word.find('.'));
  std::vector<std::string> similar;
  for (const std::string_view code : i18n::codes()) {
    if (similar.size() == most) break;
    if (code.substr(0, code.find('.')) == stem || code.find(word) != std::string_view::npos) {
      similar.emplace_back(code);
    }
  }
  return similar;
}

std::string render_explanation(const View& view, const v1::IncidentDetail& detail) {
  const v1::IncidentState& incident = detail.incident();
  const v1::GradeExplanation& why = incident.explanation();
  Labelled lines(view);
  lines.add(reference_of(incident), words(view, incident.title()));
  lines.add(say(view, "ctl.explain.proposed"),
            fmt::format("{}  {}", severity_sign(why.proposed()),
                        say(view, severity_code(why.proposed()))));
  std::string hits;
  for (const std::string& hit : why.hits()) hits += (hits.empty() ? "" : ", ") + clean(hit);
  lines.add(say(view, "ctl.explain.rules"),
            say(view, "ctl.explain.rules.text",
                {{"rules", hits.empty() ? "-" : hits}, {"version", number(why.rules_version())}}));
  std::string label = say(view, "ctl.explain.facts");
  for (const v1::Parameter& fact : why.facts()) {
    lines.add(std::exchange(label, {}),
              fmt::format("{} = {}", clean(fact.name()), clean(fact.value())));
  }
  if (!why.nearest_miss().code().empty()) {
    lines.add(say(view, "ctl.explain.nearest_miss"), words(view, why.nearest_miss()));
  }
  if (!why.changes_next().code().empty()) {
    lines.add(
        say(view, "ctl.explain.changes_next"),
        fmt::format("{}  {}", clock_text(view, why.changes_next_ns(), detail.as_of().journal_ns()),
                    words(view, why.changes_next())));
  }
  return lines.render();
}

}  // namespace tocsin::ctl
