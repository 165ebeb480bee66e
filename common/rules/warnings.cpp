// M-04: are there abnormal warnings? The procedure reads the audit log only where there are none;
// we look at both always. What a record means was decided on the host, by the message catalogue;
// here it is told apart what a finding is worth: an access that was tried, a backup that failed, a
// part of the machine that is failing now, or an error to look at.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/i18n/i18n.hpp"
#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"
#include "common/rules/messages.hpp"

namespace tocsin::rules {
namespace {

using model::WarningGroup;
using model::WarningLevel;
using model::WarningsFacts;

// Not what a program did to itself: "audit.program_crashed".
constexpr std::array<std::string_view, 16> kAccess{"account.",
                                                   "audit.access_denied",
                                                   "audit.account_locked",
                                                   "audit.anomaly",
                                                   "audit.auth_failed",
                                                   "audit.integrity",
                                                   "audit.login_failed",
                                                   "audit.promiscuous",
                                                   "audit.suspicious_",
                                                   "auditd.",
                                                   "net.promiscuous",
                                                   "net.syn_flood",
                                                   "pam.",
                                                   "sshd.",
                                                   "su.",
                                                   "sudo."};

std::string_view code_of(const WarningGroup& group) {
  if (is_storage_protect(group.id)) return "warning.backup";
  if (std::any_of(kAccess.begin(), kAccess.end(),
                  [&](std::string_view start) { return group.id.starts_with(start); })) {
    return "warning.access";
  }
  return group.level == WarningLevel::critical ? "warning.critical" : "warning.system";
}

// What the site says of its message goes before what we say of one with that id.
void add_meaning(const WarningGroup& group, std::vector<model::Parameter>& parameters) {
  const auto& [en, zh_tw] = group.meaning;
  if (en.empty()) {
    const std::string code = text_of_message(group.id);
    parameters.push_back({"meaning", code.empty() ? "@message.of_site" : "@" + code});
    return;
  }
  parameters.push_back(said("meaning", en));
  if (!zh_tw.empty() && zh_tw != en) {
    parameters.push_back(said(i18n::name_in(i18n::Language::zh_tw, "meaning"), zh_tw));
  }
}

model::Message message_of(std::string_view code, const WarningsFacts& facts,
                          const WarningGroup& group) {
  model::Message message{
      std::string(code),
      {said("source", facts.source), said("id", group.id), said("count", group.count)}};
  add_meaning(group, message.parameters);
  message.parameters.push_back(said("example", group.example));
  return message;
}

}  // namespace

model::Judgement judge_warnings(const WarningsFacts& facts) {
  Findings findings;
  for (const WarningGroup& group : facts.groups) {
    if (group.level < WarningLevel::error) {
      findings.note(message_of("warning.seen", facts, group));
      continue;
    }
    const std::string_view code = code_of(group);
    const std::string subject = subject_part(group.id) + " " + subject_part(facts.source);
    findings.add({std::string(code), subject, message_of(code, facts, group)},
                 static_cast<int>(group.level));
  }
  const auto source = said("source", facts.source);
  if (facts.present == model::Tristate::no) findings.blind({"warning.no_log", {source}});
  if (facts.long_records > 0) {
    findings.note({"warning.cut", {source, said("count", facts.long_records)}});
  }
  if (facts.groups_over_limit > 0) {
    findings.blind({"warning.more", {source, said("count", facts.groups_over_limit)}});
  }
  if (facts.lost_bytes > 0) {
    findings.blind({"warning.lost", {source, said("count", facts.lost_bytes)}});
  }
  if (facts.lost_track) findings.blind({"warning.lost_track", {source}});
  if (facts.bytes_behind > 0 && facts.source == "journal") {
    findings.blind({"warning.more_entries", {source}});
  } else if (facts.bytes_behind > 0) {
    findings.blind({"warning.behind", {source, said("count", facts.bytes_behind)}});
  }
  return std::move(findings).finish({"warning.ok", {source, said("records", facts.records)}});
}

}  // namespace tocsin::rules
