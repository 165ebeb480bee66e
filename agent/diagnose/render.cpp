#include "agent/diagnose/render.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/i18n/table.hpp"
#include "common/rules/judge.hpp"
#include "common/time/civil.hpp"

namespace tocsin::agent {
namespace {

using i18n::Language;
using model::Message;
using model::Verdict;

constexpr int kNarrowest = 60;
constexpr int kTitleCells = 18;
constexpr int kTextColumn = 28;  // "  o 2.4 " and the title and two spaces

constexpr std::array kVerdicts{Verdict::abnormal, Verdict::cannot_tell, Verdict::normal,
                               Verdict::not_run, Verdict::not_applicable};

// ASCII only: other signs are one cell wide on some terminals and two on others.
char sign_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::normal:
      return 'o';
    case Verdict::abnormal:
      return 'X';
    case Verdict::cannot_tell:
      return '?';
    case Verdict::not_run:
      return '-';
    case Verdict::not_applicable:
      return '/';
  }
  return '?';
}

std::string item_code(std::string_view part, const DiagnosisItem& item) {
  return fmt::format("diagnose.{}.{}", part, item.name);
}

// Lines of `text`, the first behind `first`, the others behind as many spaces.
void add_wrapped(std::string& out, std::string first, std::string_view text, int width) {
  const int indent = i18n::display_width(first);
  for (const std::string& line : i18n::wrap(text, width - indent)) {
    out += first + line + '\n';
    first.assign(static_cast<std::size_t>(indent), ' ');
  }
}

Message counts_of(const Diagnosis& diagnosis) {
  Message message{"diagnose.result", {}};
  for (const Verdict verdict : kVerdicts) {
    message.parameters.push_back(
        {std::string(to_string(verdict)), std::to_string(count(diagnosis, verdict))});
  }
  return message;
}

std::string seconds_text(Duration took) {
  const auto tenths = std::max<std::int64_t>(took.count(), 0) / 100'000'000;
  return fmt::format("{}.{}", tenths / 10, tenths % 10);
}

std::string title_of(const Diagnosis& diagnosis, Language language, std::string_view zone) {
  const HostFacts& host = diagnosis.host;
  const bool known = time::zone_exists(zone);
  std::string when =
      fmt::format("{} {}", time::local_text(host.at, zone), known ? zone : std::string_view("UTC"));
  const auto civil = time::civil(host.at, known ? zone : "UTC");
  if (language == Language::zh_tw && civil) {
    const Message year{"diagnose.roc_year",
                       {{"year", std::to_string(time::roc_year(civil->year))}}};
    when += fmt::format(" ({})", render(language, year));
  }
  return fmt::format("{}  {}  {}  {}", text(language, "diagnose.title"),
                     clean_text(host.name, limits::kName),
                     clean_text(host.operating_system, limits::kName), when);
}

// By what was judged, and how long it took.
void add_approval(Message& baseline, const Approval& approval, Instant now) {
  baseline.code = now < approval.expires ? "diagnose.baseline_approved" : "diagnose.baseline_over";
  const auto days = std::max<std::int64_t>(0, (now - approval.at) / std::chrono::hours(24));
  baseline.parameters.push_back({"by", approval.by});
  baseline.parameters.push_back({"days", std::to_string(days)});
  baseline.parameters.push_back({"until", time::rfc3339(approval.expires).substr(0, 10)});
}

std::string basis_of(const Diagnosis& diagnosis, Language language) {
  Message baseline{"diagnose.no_baseline", {}};
  if (diagnosis.baseline_name) {
    baseline = {"diagnose.baseline",
                {{"name", *diagnosis.baseline_name},
                 {"version", std::to_string(diagnosis.baseline_version)}}};
    if (diagnosis.approval) add_approval(baseline, *diagnosis.approval, diagnosis.host.at);
  }
  const Message took{"diagnose.took", {{"seconds", seconds_text(diagnosis.host.took)}}};
  return fmt::format("{}   {}", render(language, baseline), render(language, took));
}

// Names a check that could not look; its reason speaks of the outcome only.
std::string about_of(const JudgedCheck& check) {
  const bool named =
      check.observation.outcome != model::Outcome::seen && !check.observation.check.target.empty();
  return named ? check.observation.check.target + ": " : "";
}

// What an item says, a line each, before they are wrapped.
std::vector<std::string> lines_of(const DiagnosisItem& item, const Diagnosis& diagnosis,
                                  Language language) {
  std::vector<std::string> lines;
  if (item.checks.empty()) {
    lines.emplace_back(text(language, item_code("not_run", item)));
  }
  for (const JudgedCheck& check : item.checks) {
    // Several checks under one clause: each with its own sign.
    std::string prefix;
    if (item.checks.size() > 1) prefix = fmt::format("{} ", sign_of(check.judgement.verdict));
    std::string about = about_of(check);
    for (const Message& reason : check.judgement.reasons) {
      lines.push_back(prefix + about + render(language, reason));
      prefix.assign(prefix.size(), ' ');
      about.clear();
    }
  }
  if (item.name == "outbound") {
    lines.push_back(render(language, {"diagnose.hint.outbound", {{"host", diagnosis.host.name}}}));
  }
  if (item.verdict == Verdict::abnormal) {
    lines.emplace_back(text(language, item_code("next", item)));
  }
  return lines;
}

void add_item(std::string& out, const DiagnosisItem& item, const Diagnosis& diagnosis,
              Language language, int width) {
  std::string first = fmt::format("  {} {} {}  ", sign_of(item.verdict), item.number,
                                  i18n::fit(text(language, item_code("item", item)), kTitleCells));
  for (const std::string& line : lines_of(item, diagnosis, language)) {
    add_wrapped(out, first, line, width);
    first.assign(kTextColumn, ' ');
  }
}

// The groups of the abnormal items: "@diagnose.group.2 @diagnose.group.3".
std::string abnormal_groups(const Diagnosis& diagnosis) {
  std::string groups;
  for (const DiagnosisItem& item : diagnosis.items) {
    const std::string group = fmt::format("@diagnose.group.{}", item.number.front());
    if (item.verdict != Verdict::abnormal || groups.find(group) != groups.npos) continue;
    if (!groups.empty()) groups += ' ';
    groups += group;
  }
  return groups;
}

std::string severity_code(model::Severity severity) {
  switch (severity) {
    case model::Severity::none:
      return "severity.none";
    case model::Severity::e:
      return "severity.e";
    case model::Severity::d:
      return "severity.d";
    case model::Severity::c:
      return "severity.c";
    case model::Severity::b:
      return "severity.b";
    case model::Severity::a:
      return "severity.a";
  }
  return "severity.none";
}

// The conclusion and what to do, a line each.
std::vector<Message> conclusion_of(const Diagnosis& diagnosis) {
  if (count(diagnosis, Verdict::abnormal) > 0) {
    return {{"diagnose.verdict.abnormal",
             {{"kinds", abnormal_groups(diagnosis)},
              {"severity", std::string(to_string(diagnosis.suggested))},
              {"meaning", "@" + severity_code(diagnosis.suggested)}}},
            {"diagnose.step.evidence", {}},
            {"diagnose.step.report", {}},
            {"diagnose.step.keep", {}}};
  }
  const std::size_t cannot_tell = count(diagnosis, Verdict::cannot_tell);
  const std::size_t not_run = count(diagnosis, Verdict::not_run);
  if (cannot_tell + not_run == 0) return {{"diagnose.verdict.normal", {}}};
  return {{"diagnose.verdict.unsure",
           {{"cannot_tell", std::to_string(cannot_tell)}, {"not_run", std::to_string(not_run)}}}};
}

// JSON by hand: the object is small, and nothing else in the agent needs a library for it.
std::string quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : clean_text(value, limits::kPath)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

template <class Values, class Write>
std::string array_of(const Values& values, Write write) {
  std::string out = "[";
  for (const auto& value : values) out.append(out.size() == 1 ? "" : ",").append(write(value));
  return out + ']';
}

std::string message_json(const Message& message) {
  std::string parameters = "{";
  for (const model::Parameter& p : message.parameters) {
    if (parameters.size() > 1) parameters += ',';
    parameters += quoted(p.name) + ':' + quoted(p.value);
  }
  return fmt::format("{{\"code\":{},\"parameters\":{}}}}}", quoted(message.code), parameters);
}

std::string violation_json(const model::Violation& violation) {
  return fmt::format("{{\"code\":{},\"subject\":{},\"severity\":{}}}", quoted(violation.code),
                     quoted(violation.subject),
                     quoted(to_string(rules::suggested_severity(violation))));
}

std::string check_json(const JudgedCheck& check) {
  return fmt::format(
      "{{\"check\":{},\"outcome\":{},\"verdict\":{},\"reasons\":{},\"violations\":{}}}",
      quoted(to_string(check.observation.check)), quoted(to_string(check.observation.outcome)),
      quoted(to_string(check.judgement.verdict)), array_of(check.judgement.reasons, message_json),
      array_of(check.judgement.violations, violation_json));
}

std::string item_json(const DiagnosisItem& item) {
  return fmt::format("{{\"item\":{},\"name\":{},\"clause\":{},\"verdict\":{},\"checks\":{}}}",
                     quoted(item.number), quoted(item.name), quoted(item.clause),
                     quoted(to_string(item.verdict)), array_of(item.checks, check_json));
}

std::string baseline_json(const Diagnosis& diagnosis) {
  if (!diagnosis.baseline_name) return "null";
  std::string approval;
  if (diagnosis.approval) {
    approval =
        fmt::format(",\"approvedBy\":{},\"approvedAt\":{},\"expires\":{}",
                    quoted(diagnosis.approval->by), quoted(time::rfc3339(diagnosis.approval->at)),
                    quoted(time::rfc3339(diagnosis.approval->expires)));
  }
  return fmt::format("{{\"name\":{},\"version\":{}{}}}", quoted(*diagnosis.baseline_name),
                     diagnosis.baseline_version, approval);
}

}  // namespace

std::string render_table(const Diagnosis& diagnosis, Language language, int width,
                         std::string_view zone) {
  width = std::max(width, kNarrowest);
  std::string out;
  add_wrapped(out, "", title_of(diagnosis, language, zone), width);
  add_wrapped(out, "  ", render(language, counts_of(diagnosis)), width);
  add_wrapped(out, "  ", basis_of(diagnosis, language), width);
  char group = '\0';
  for (const DiagnosisItem& item : diagnosis.items) {
    if (item.number.front() != group) {
      group = item.number.front();
      const std::string code = fmt::format("diagnose.group.{}", group);
      out += fmt::format("\n{} {}\n", group, text(language, code));
    }
    add_item(out, item, diagnosis, language, width);
  }
  out += '\n';
  for (const Message& line : conclusion_of(diagnosis)) {
    add_wrapped(out, "", render(language, line), width);
  }
  add_wrapped(out, "", text(language, "diagnose.legend"), width);
  return out;
}

std::string render_json(const Diagnosis& diagnosis) {
  const auto count_json = [&](Verdict verdict) {
    return fmt::format("{}:{}", quoted(to_string(verdict)), count(diagnosis, verdict));
  };
  std::string counts;
  for (const Verdict verdict : kVerdicts) {
    counts.append(counts.empty() ? "" : ",").append(count_json(verdict));
  }
  return fmt::format(
      "{{\"host\":{},\"operatingSystem\":{},\"at\":{},\"tookMs\":{},\"rulesVersion\":{},"
      "\"baseline\":{},\"suggested\":{},\"counts\":{{{}}},\"items\":{}}}\n",
      quoted(diagnosis.host.name), quoted(diagnosis.host.operating_system),
      quoted(time::rfc3339(diagnosis.host.at)), diagnosis.host.took / std::chrono::milliseconds(1),
      rules::kRulesVersion, baseline_json(diagnosis), quoted(to_string(diagnosis.suggested)),
      counts, array_of(diagnosis.items, item_json));
}

int nagios_code(const Diagnosis& diagnosis) {
  if (count(diagnosis, Verdict::abnormal) > 0) {
    return diagnosis.suggested >= model::Severity::c ? 2 : 1;
  }
  return count(diagnosis, Verdict::cannot_tell) > 0 ? 3 : 0;
}

std::string render_nagios(const Diagnosis& diagnosis, Language language) {
  constexpr std::array<std::string_view, 4> kStates{"OK", "WARNING", "CRITICAL", "UNKNOWN"};
  std::string figures;
  for (const Verdict verdict : kVerdicts) {
    figures += fmt::format(" {}={}", to_string(verdict), count(diagnosis, verdict));
  }
  std::string details;
  for (const DiagnosisItem& item : diagnosis.items) {
    for (const JudgedCheck& check : item.checks) {
      const Verdict verdict = check.judgement.verdict;
      if (verdict != Verdict::abnormal && verdict != Verdict::cannot_tell) continue;
      for (const Message& reason : check.judgement.reasons) {
        details +=
            fmt::format("{} {} {}\n", sign_of(verdict), item.number, render(language, reason));
      }
    }
  }
  // '|' begins the figures; a name from the host must not.
  std::replace(details.begin(), details.end(), '|', '!');
  return fmt::format("TOCSIN {} - {} |{}\n{}",
                     kStates[static_cast<std::size_t>(nagios_code(diagnosis))],
                     render(language, counts_of(diagnosis)), figures, details);
}

}  // namespace tocsin::agent
