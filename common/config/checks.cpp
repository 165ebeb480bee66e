#include "common/config/checks.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "common/config/duration.hpp"
#include "common/config/text.hpp"
#include "common/model/ports.hpp"

namespace tocsin::config {
namespace {

void check_target(Table& table, const model::CheckRef& check) {
  if (model::has_target(check.kind) != !check.target.empty()) {
    table.error("target", fmt::format("a {} check {}", model::to_string(check.kind),
                                      model::has_target(check.kind) ? "needs a \"target\""
                                                                    : "has no \"target\""));
  } else if ((check.kind == model::CheckKind::audit_log ||
              check.kind == model::CheckKind::warnings) &&
             check.target != "journal" && check.target.front() != '/') {
    table.error("target", fmt::format("the target of {} check is an absolute path or \"journal\"",
                                      check.kind == model::CheckKind::warnings ? "a warnings"
                                                                               : "an audit_log"));
  } else if (check.kind == model::CheckKind::login && check.target != "local" &&
             !check.target.starts_with("ssh://")) {
    table.error("target", "the target of a login check is \"local\" or \"ssh://HOST:PORT\"");
  }
}

model::CheckDefinition read_check(Table& table) {
  model::CheckDefinition definition;
  table.require({"kind"});
  table.word("kind", definition.check.kind, model::check_kind_from, kind_words());
  table.text("target", definition.check.target, limits::kPath);
  definition.interval = model::default_interval(definition.check.kind);
  table.duration("interval", definition.interval, {1s, 24h});
  table.duration("deadline", definition.deadline, {100ms, 10min});
  if (!table.has("deadline")) {
    definition.deadline =
        std::min(model::default_deadline(definition.check.kind), definition.interval);
  } else if (definition.deadline > definition.interval) {
    table.error("deadline", "\"deadline\" is longer than \"interval\"");
  }
  if (definition.check.kind == model::CheckKind::ping) {
    table.number("packets", definition.ping_packets, 1, 100);
    table.number("tcp_port", definition.ping_tcp_port, 0, 65535);
  }
  if (definition.check.kind == model::CheckKind::port_scan) {
    table.text("ports", definition.ports, limits::kText);
    if (!definition.ports.empty() && !model::parse_ports(definition.ports)) {
      table.error("ports",
                  fmt::format("\"ports\" is a list such as \"22,80,1500-1510\" of at most {}",
                              model::kMostPorts));
    }
  }
  if (table.has("kind")) check_target(table, definition.check);
  return definition;
}

}  // namespace

std::string kind_words() {
  std::string words;
  for (const model::CheckKind kind : model::kCheckKinds) {
    words.append(words.empty() ? "" : ", ").append(model::to_string(kind));
  }
  return words;
}

std::vector<model::CheckDefinition> read_checks(Table& table) {
  std::vector<model::CheckDefinition> checks;
  std::set<model::CheckRef> seen;
  for (Table& entry : table.tables("checks", limits::kChecks)) {
    checks.push_back(read_check(entry));
    if (!seen.insert(checks.back().check).second) {
      entry.error("kind",
                  fmt::format("check {} is there twice", model::to_string(checks.back().check)));
    }
  }
  return checks;
}

std::string print_checks(const std::vector<model::CheckDefinition>& checks,
                         const std::string& heading) {
  std::string text;
  for (const model::CheckDefinition& definition : checks) {
    text += fmt::format("\n[[{}]]\nkind = {}\n", heading,
                        toml_text(model::to_string(definition.check.kind)));
    if (model::has_target(definition.check.kind)) {
      text += fmt::format("target = {}\n", toml_text(definition.check.target));
    }
    text +=
        fmt::format("interval = {}\ndeadline = {}\n", toml_text(duration_text(definition.interval)),
                    toml_text(duration_text(definition.deadline)));
    if (definition.check.kind == model::CheckKind::ping) {
      text += fmt::format("packets = {}\ntcp_port = {}\n", definition.ping_packets,
                          definition.ping_tcp_port);
    }
    if (!definition.ports.empty()) text += fmt::format("ports = {}\n", toml_text(definition.ports));
  }
  return text;
}

}  // namespace tocsin::config
