#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "collector/ctl/render.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/i18n/table.hpp"
#include "common/model/check.hpp"
#include "common/wire/proto.hpp"

namespace tocsin::ctl {
namespace {

constexpr int kHostCells = 24;
constexpr int kVersionCells = 12;

std::string clean(std::string_view text) { return clean_text(text, limits::kName); }

std::ptrdiff_t count(const v1::HostState& host, v1::Verdict verdict) {
  return std::count_if(host.checks().begin(), host.checks().end(),
                       [&](const v1::CheckStatus& check) { return check.verdict() == verdict; });
}

// Others look at it; nobody looks into it.
bool is_agentless(const v1::HostState& host) { return host.agent_id().empty(); }

v1::Severity worst_open(const v1::HostList& list, const v1::HostState& host) {
  v1::Severity worst = v1::SEVERITY_UNSPECIFIED;
  for (const v1::IncidentState& incident : list.open_incidents()) {
    const bool its = is_agentless(host) ? incident.host_name() == host.name()
                                        : incident.agent_id() == host.agent_id();
    if (!its) continue;
    worst = std::max(worst, shown_severity(incident));
  }
  return worst;
}

// The four answers are never merged: a host that is silent is not normal, nor is one that no check
// can tell anything about.
std::string state_text(const View& view, const v1::HostState& host, v1::Severity worst) {
  if (host.revoked()) return "- " + say(view, "ctl.host.revoked");
  if (!is_agentless(host) && host.presence() != v1::AgentPresence::STATE_HEARD) {
    switch (host.presence()) {
      case v1::AgentPresence::STATE_CLONE_SUSPECTED:
        return "! " + say(view, "presence.clone_suspected");
      case v1::AgentPresence::STATE_REFUSED:
        return "! " + say(view, "presence.refused");
      default:
        return "? " + say(view, "presence.silent");
    }
  }
  if (worst != v1::SEVERITY_UNSPECIFIED) {
    return fmt::format("{} {}", severity_sign(worst), say(view, "verdict.abnormal"));
  }
  if (is_agentless(host) && count(host, v1::VERDICT_ABNORMAL) == 0) {
    return "? " + say(view, "ctl.host.agentless");
  }
  for (const v1::Verdict verdict : {v1::VERDICT_ABNORMAL, v1::VERDICT_CANNOT_TELL}) {
    if (count(host, verdict) > 0) {
      return fmt::format("{} {}", verdict_sign(verdict), verdict_text(view, verdict));
    }
  }
  if (count(host, v1::VERDICT_NORMAL) == 0) return "- " + verdict_text(view, v1::VERDICT_NOT_RUN);
  return "o " + say(view, "verdict.normal");
}

std::string last_heard(const View& view, const v1::HostState& host, std::int64_t now_ns) {
  const std::int64_t heard = last_heard_ns(host, now_ns);
  if (heard == 0) return "-";
  if (!is_agentless(host) && heard == now_ns) return say(view, "ctl.host.heard_now");
  return age_text(Duration(now_ns - heard));
}

// Not calm either: a host on which no check has said anything yet.
bool is_calm(const v1::HostState& host, v1::Severity worst) {
  if (is_agentless(host)) {
    return worst == v1::SEVERITY_UNSPECIFIED && count(host, v1::VERDICT_NORMAL) > 0 &&
           count(host, v1::VERDICT_ABNORMAL) == 0;
  }
  return host.presence() == v1::AgentPresence::STATE_HEARD && worst == v1::SEVERITY_UNSPECIFIED &&
         count(host, v1::VERDICT_NORMAL) > 0 && count(host, v1::VERDICT_ABNORMAL) == 0 &&
         count(host, v1::VERDICT_CANNOT_TELL) == 0;
}

std::string clause_text(const v1::CheckRef& check) {
  const auto decoded = wire::from_proto(check);
  return decoded ? std::string(model::clause_of(decoded->kind)) : "";
}

// The first says most; of a host that others look at, who looked is needed too. Where the agent may
// not look, what forbids it says more.
std::string reasons_text(const View& view, const v1::HostState& host,
                         const v1::CheckStatus& check) {
  if (check.reasons().empty()) return "";
  if (check.reasons(0).code() == "observation.not_permitted" && check.reasons_size() > 1) {
    return words(view, check.reasons(1));
  }
  std::string text = words(view, check.reasons(0));
  if (is_agentless(host) && check.reasons_size() > 1) {
    text += " " + words(view, check.reasons(check.reasons_size() - 1));
  }
  return text;
}

}  // namespace

std::string render_hosts(const View& view, const v1::HostList& list) {
  const std::int64_t now = list.as_of().journal_ns();
  const bool with_system = !is_narrow(view);
  std::vector<std::string> titles{
      title(view, "ctl.column.host"),       title(view, "ctl.column.state"),
      title(view, "ctl.column.abnormal"),   title(view, "ctl.column.cannot_tell"),
      title(view, "ctl.column.last_heard"), title(view, "ctl.column.agent")};
  if (with_system) titles.push_back(title(view, "ctl.column.system"));
  i18n::Table table(std::move(titles));
  std::vector<v1::Severity> grades;
  std::uint64_t calm = 0;
  for (const v1::HostState& host : list.hosts()) {
    grades.push_back(worst_open(list, host));
    if (is_calm(host, grades.back())) ++calm;
    std::vector<std::string> cells{narrow(view, clean(host.name()), kHostCells),
                                   state_text(view, host, grades.back()),
                                   fmt::format("{}", count(host, v1::VERDICT_ABNORMAL)),
                                   fmt::format("{}", count(host, v1::VERDICT_CANNOT_TELL)),
                                   last_heard(view, host, now),
                                   narrow(view, clean(host.agent_version()), kVersionCells)};
    if (with_system) cells.push_back(clean(host.operating_system()));
    table.add(std::move(cells));
  }
  const auto total = static_cast<std::uint64_t>(list.hosts_size());
  return (total == 0 ? std::string() : coloured(view, table.render(view.width), grades)) +
         say(view, "ctl.hosts.sum",
             {{"attention", number(total - calm)},
              {"normal", number(calm)},
              {"as_of", as_of_text(view, list.as_of())}}) +
         "\n";
}

std::string render_host(const View& view, const v1::HostList& list) {
  const v1::HostState& host = list.hosts(0);
  const std::int64_t now = list.as_of().journal_ns();
  Labelled lines(view);
  lines.add(say(view, "ctl.column.host"), clean(host.name()));
  lines.add(say(view, "ctl.column.state"), state_text(view, host, worst_open(list, host)));
  lines.add(say(view, "ctl.column.last_heard"), last_heard(view, host, now));
  if (is_agentless(host)) {
    lines.add(say(view, "ctl.column.agent"), say(view, "ctl.host.agentless.text"));
  } else {
    lines.add(say(view, "ctl.column.agent"),
              fmt::format("{}  {}", clean(host.agent_version()), clean(host.agent_id())));
    lines.add(say(view, "ctl.column.system"), clean(host.operating_system()));
    lines.add(
        say(view, "ctl.host.facts"),
        say(view, "ctl.host.facts.text",
            {{"count", number(host.facts())},
             {"lost", number(host.facts_lost())},
             {"age",
              host.last_fact_ns() == 0 ? "-" : age_text(Duration(now - host.last_fact_ns()))}}));
  }
  std::string text = lines.render();
  if (!host.checks().empty()) {
    i18n::Table table({"", title(view, "ctl.column.check"), title(view, "ctl.column.clause"),
                       title(view, "ctl.column.verdict"), title(view, "ctl.column.since"),
                       title(view, "ctl.column.reason")});
    for (const v1::CheckStatus& check : host.checks()) {
      table.add({std::string(verdict_sign(check.verdict())), check_text(check.check()),
                 clause_text(check.check()), verdict_text(view, check.verdict()),
                 clock_text(view, check.since_ns(), now), reasons_text(view, host, check)});
    }
    text += "\n" + table.render(view.width);
  }
  if (!list.open_incidents().empty()) {
    v1::IncidentList open;
    *open.mutable_as_of() = list.as_of();
    *open.mutable_incidents() = list.open_incidents();
    text += "\n" + render_incidents(view, open);
  }
  return text;
}

}  // namespace tocsin::ctl
