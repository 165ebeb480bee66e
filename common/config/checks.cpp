#include "common/config/checks.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "common/config/duration.hpp"
#include "common/config/text.hpp"
#include "common/model/ports.hpp"
#include "common/model/targets.hpp"

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

bool listed_ports(const std::string& text) {
  const auto ports = model::parse_ports(text);
  return ports && ports->size() <= model::kMostListed;
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
  if (definition.check.kind == model::CheckKind::sockets) {
    table.text("exact_sources", definition.exact_sources, limits::kText);
    if (!definition.exact_sources.empty() && !listed_ports(definition.exact_sources)) {
      table.error("exact_sources",
                  fmt::format("\"exact_sources\" is a list such as \"22,1500\" of at most {} ports",
                              model::kMostListed));
    }
  }
  if (table.has("kind")) check_target(table, definition.check);
  return definition;
}

// A ping of several addresses is a check of each: each has its own verdict.
std::vector<model::CheckDefinition> one_for_each_target(Table& table,
                                                        model::CheckDefinition definition) {
  const std::string targets = definition.check.target;
  const bool several = targets.find_first_of(",-/") != std::string::npos;
  if (definition.check.kind != model::CheckKind::ping || !several) return {std::move(definition)};
  const auto addresses = model::parse_targets(targets, limits::kChecks);
  if (!addresses) {
    table.error("target",
                fmt::format("\"target\" is an address, or a list such as "
                            "\"10.20.0.7,10.20.0.10-10.20.0.60,10.20.1.0/28\" of at most {}",
                            limits::kChecks));
    return {};
  }
  std::vector<model::CheckDefinition> each;
  for (const std::string& address : *addresses) {
    each.push_back(definition);
    each.back().check.target = address;
  }
  return each;
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
    for (const model::CheckDefinition& check : one_for_each_target(entry, read_check(entry))) {
      if (!seen.insert(check.check).second) {
        entry.error("kind", fmt::format("check {} is there twice", model::to_string(check.check)));
      }
      if (checks.size() == limits::kChecks) {
        entry.error("target", fmt::format("there are more than {} checks", limits::kChecks));
        return checks;
      }
      checks.push_back(check);
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
    if (!definition.exact_sources.empty()) {
      text += fmt::format("exact_sources = {}\n", toml_text(definition.exact_sources));
    }
    if (!definition.ports.empty()) text += fmt::format("ports = {}\n", toml_text(definition.ports));
  }
  return text;
}

}  // namespace tocsin::config
