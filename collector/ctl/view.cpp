#include "collector/ctl/view.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/i18n/table.hpp"
#include "common/model/check.hpp"
#include "common/model/severity.hpp"
#include "common/model/verdict.hpp"
#include "common/time/civil.hpp"
#include "common/wire/proto.hpp"

namespace tocsin::ctl {
namespace {

constexpr int kWide = 110;  // cells
constexpr std::string_view kPlain = "\x1b[0m";

std::string_view colour_of(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_A:
      return "\x1b[1;31m";
    case v1::SEVERITY_B:
      return "\x1b[33m";
    case v1::SEVERITY_C:
      return "\x1b[93m";
    case v1::SEVERITY_D:
      return "\x1b[36m";
    default:
      return {};
  }
}

// The text of "prefix.word", or the word itself where this program does not know it.
std::string word_of(const View& view, std::string_view prefix, std::string_view word) {
  const std::string_view text = i18n::text(view.language, fmt::format("{}.{}", prefix, word));
  return text.empty() ? clean_text(word, limits::kName) : std::string(text);
}

}  // namespace

std::string say(const View& view, std::string_view code, Values values) {
  model::Message message{std::string(code), {}};
  for (const auto& [name, value] : values) {
    message.parameters.push_back({std::string(name), value});
  }
  return i18n::render(view.language, message);
}

std::string title(const View& view, std::string_view code) {
  std::string text = say(view, code);
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string narrow(const View& view, std::string_view text, int cells) {
  return view.width == 0 ? std::string(text) : i18n::cut(text, cells);
}

bool is_narrow(const View& view) { return view.width > 0 && view.width < kWide; }

std::string folded(const View& view, std::string_view text) {
  if (view.width < 2) return std::string(text) + '\n';
  std::string out;
  for (const std::string& line : i18n::wrap(text, view.width)) out += line + '\n';
  return out;
}

std::string words(const View& view, const v1::Message& message) {
  const auto decoded = wire::from_proto(message);
  if (!decoded) return clean_text(message.code(), limits::kName);
  if (decoded->code.empty()) return {};
  return clean_text(i18n::render(view.language, *decoded), 4 * limits::kText);
}

std::string number(std::uint64_t value) { return fmt::format("{}", value); }

std::string age_text(Duration age) {
  const auto total = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  if (age < Duration::zero()) return "-";
  if (total < 60) return fmt::format("{}s", total);
  if (total < 3600) return fmt::format("{}m{:02}s", total / 60, total % 60);
  if (total < 86400) return fmt::format("{}h{:02}m", total / 3600, total % 3600 / 60);
  return fmt::format("{}d{:02}h", total / 86400, total % 86400 / 3600);
}

std::int64_t last_heard_ns(const v1::HostState& host, std::int64_t now_ns) {
  if (host.agent_id().empty()) return host.last_fact_ns();
  if (host.presence() == v1::AgentPresence::STATE_HEARD) return now_ns;
  if (host.agent_version().empty() && host.last_fact_ns() == 0) return 0;
  // Of one that fell silent this is when it was heard last.
  return std::max(host.presence_since_ns(), host.last_fact_ns());
}

std::string clock_text(const View& view, std::int64_t at_ns, std::int64_t now_ns) {
  constexpr std::size_t kDateBytes = 10;
  if (at_ns == 0) return "-";
  const std::string at = time::local_text(Instant{at_ns}, view.zone);
  const std::string now = time::local_text(Instant{now_ns}, view.zone);
  const bool same_day =
      at.size() > kDateBytes + 1 && at.substr(0, kDateBytes) == now.substr(0, kDateBytes);
  return same_day ? at.substr(kDateBytes + 1) : at;
}

std::string_view severity_sign(v1::Severity severity) {
  switch (severity) {
    case v1::SEVERITY_A:
      return "A!!";
    case v1::SEVERITY_B:
      return "B!";
    case v1::SEVERITY_C:
      return "C^";
    case v1::SEVERITY_D:
      return "D-";
    case v1::SEVERITY_E:
      return "E.";
    default:
      return "-";
  }
}

std::string_view severity_word(v1::Severity severity) {
  if (!v1::Severity_IsValid(severity)) return "?";
  return model::to_string(static_cast<model::Severity>(severity));
}

v1::Severity shown_severity(const v1::IncidentState& incident) {
  const bool holds = !incident.needs_review() || incident.approved() >= incident.live();
  if (incident.approved() != v1::SEVERITY_UNSPECIFIED && holds) return incident.approved();
  if (incident.live() != v1::SEVERITY_UNSPECIFIED) return incident.live();
  return incident.peak();
}

std::string reference_of(const v1::IncidentState& incident) {
  if (incident.number().empty()) return fmt::format("#{}", incident.id());
  return clean_text(incident.number(), limits::kName);
}

std::string argument_of(const v1::IncidentState& incident) {
  if (incident.number().empty()) return fmt::format("{}", incident.id());
  return clean_text(incident.number(), limits::kName);
}

std::string stage_text(const View& view, v1::Stage stage) {
  if (stage < v1::STAGE_IDENTIFICATION || stage > v1::STAGE_FOLLOW_UP) return "?";
  return fmt::format("{} {}", static_cast<int>(stage),
                     word_of(view, "stage", model::to_string(static_cast<model::Stage>(stage))));
}

std::string kind_text(const View& view, std::string_view kind) {
  return word_of(view, "kind", kind);
}

std::string role_text(const View& view, v1::Role role) {
  return word_of(view, "role", model::to_string(static_cast<model::Role>(role)));
}

std::string verdict_text(const View& view, v1::Verdict verdict) {
  return word_of(view, "verdict", model::to_string(static_cast<model::Verdict>(verdict)));
}

std::string_view verdict_sign(v1::Verdict verdict) {
  switch (verdict) {
    case v1::VERDICT_NORMAL:
      return "o";
    case v1::VERDICT_ABNORMAL:
      return "X";
    case v1::VERDICT_CANNOT_TELL:
      return "?";
    case v1::VERDICT_NOT_RUN:
      return "-";
    default:
      return " ";
  }
}

std::string check_text(const v1::CheckRef& check) {
  const auto decoded = wire::any_check(check);
  return decoded ? model::to_string(*decoded) : "?";
}

std::string as_of_text(const View& view, const v1::AsOf& as_of) {
  const std::string at = clock_text(view, as_of.journal_ns(), as_of.journal_ns());
  if (as_of.judge_lag() == 0) return say(view, "ctl.as_of.live", {{"at", at}});
  return say(view, "ctl.as_of.behind", {{"at", at}, {"count", number(as_of.judge_lag())}});
}

void Labelled::add(std::string label, std::string text) {
  lines_.emplace_back(std::move(label), std::move(text));
}

std::string Labelled::render() const {
  constexpr int kNarrowest = 20;
  int label_width = 0;
  for (const auto& [label, text] : lines_) {
    label_width = std::max(label_width, i18n::display_width(label) + 2);
  }
  const int text_width = std::max(view_.width - label_width, kNarrowest);
  std::string out;
  for (const auto& [label, text] : lines_) {
    std::vector<std::string> folded{text};
    if (view_.width > 0) folded = i18n::wrap(text, text_width);
    std::string first = label;
    for (const std::string& line : folded) {
      std::string whole = i18n::fit(first, label_width) + line;
      whole.erase(whole.find_last_not_of(' ') + 1);
      out += whole + '\n';
      first.clear();
    }
  }
  return out;
}

std::string coloured(const View& view, std::string_view table,
                     const std::vector<v1::Severity>& grades) {
  if (!view.colour) return std::string(table);
  std::string out;
  std::size_t row = 0;
  while (!table.empty()) {
    const std::size_t end = std::min(table.find('\n'), table.size() - 1);
    const std::string_view line = table.substr(0, end);
    table.remove_prefix(end + 1);
    const bool has_grade = row > 0 && row <= grades.size();
    const std::string_view colour = has_grade ? colour_of(grades[row - 1]) : std::string_view{};
    if (colour.empty()) {
      out.append(line).append("\n");
    } else {
      out.append(colour).append(line).append(kPlain).append("\n");
    }
    ++row;
  }
  return out;
}

}  // namespace tocsin::ctl
