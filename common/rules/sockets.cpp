// M-07, M-08: listening ports and connection sources against what the owner approved. "Not
// registered at IANA" is a hint; "not in the approved set" is the finding.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "common/rules/baseline.hpp"
#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"
#include "common/rules/judge.hpp"
#include "common/rules/network.hpp"
#include "common/rules/port_names.hpp"
#include "common/rules/programs.hpp"

namespace tocsin::rules {
namespace {

using model::Baseline;
using model::Listener;
using model::ListenerRule;
using model::Parameter;
using model::PeerAggregate;
using model::Protocol;
using model::SourceRule;
using model::Tristate;

// How well a rule fits, the best last. `changed`: but for the file that the program is.
enum class Match { no, changed, file_unknown, owner_unknown, yes };

// Text that the rule wants and the host may not have seen.
Match match_text(std::string_view wanted, std::string_view seen) {
  if (wanted.empty() || wanted == seen) return Match::yes;
  return seen.empty() ? Match::owner_unknown : Match::no;
}

Match match_file(const ListenerRule& rule, const Listener& listener) {
  switch (file_match(rule.package, rule.sha256, listener.file)) {
    case FileMatch::changed:
      return Match::changed;
    case FileMatch::unknown:
      return Match::file_unknown;
    case FileMatch::same:
      break;
  }
  return Match::yes;
}

Match match(const ListenerRule& rule, const Listener& listener) {
  if (rule.redirect) return Match::no;  // Nothing listens there, or it is not what was approved.
  const std::uint16_t last = std::max(rule.port, rule.port_to);
  const bool port = rule.port == 0 || (listener.port >= rule.port && listener.port <= last);
  const bool address = rule.address_classes.empty() ||
                       std::find(rule.address_classes.begin(), rule.address_classes.end(),
                                 listener.address_class) != rule.address_classes.end();
  if (rule.protocol != listener.protocol || !port || !address) return Match::no;
  const Match program = std::min(
      match_text(program_path(rule.executable), program_path(listener.executable)),
      match_text(rule.user, rule.user.starts_with("uid:") ? user_text(listener.user, listener.uid)
                                                          : listener.user));
  return program != Match::yes ? program : match_file(rule, listener);
}

Match best_match(const std::vector<ListenerRule>& rules, const Listener& listener) {
  Match best = Match::no;
  for (const ListenerRule& rule : rules) best = std::max(best, match(rule, listener));
  return best;
}

// Signs that make an unapproved listener worse; empty where there are none.
std::string why_of(const Listener& listener, bool changed) {
  std::string why;
  for (const std::string& sign : signs_of(listener)) {
    why.append(why.empty() ? "" : " ").append(sign);
  }
  if (changed) why.append(why.empty() ? "" : " ").append("@why.changed");
  return why;
}

std::string place_of(const Listener& listener) {
  return fmt::format("{} {} {} ", to_string(listener.protocol), to_string(listener.address_class),
                     listener.port);
}

std::string subject_of(const Listener& listener) {
  std::string subject = place_of(listener) + subject_part(program_path(listener.executable)) + " " +
                        subject_part(user_text(listener.user, listener.uid));
  if (!listener.network_namespace.empty()) {
    subject.append(" ").append(subject_part(listener.network_namespace));
  }
  return subject;
}

// Whose it is could not be seen: it may be whatever was found there before.
model::Unseen same_place(const Listener& listener) {
  return beginning("port.unexpected", place_of(listener));
}

model::Violation unexpected_listener(const Listener& listener, const std::string& signs) {
  const std::string_view name = port_name(listener.protocol, listener.port);
  const std::string_view path = program_path(listener.executable);
  std::string subject = subject_of(listener);
  model::Message message{
      "port.unexpected",
      {said("protocol", to_string(listener.protocol)), said("address", listener.address),
       said("port", listener.port), said("executable", path.empty() ? "?" : path),
       said("user", user_text(listener.user, listener.uid)), said("unit", listener.unit),
       Parameter{"iana", name.empty() ? "@iana.none" : std::string(name)},
       Parameter{"why", signs.empty() ? "@why.not_in_baseline" : signs}}};
  return {"port.unexpected", std::move(subject), std::move(message)};
}

model::Violation hidden_listener(const model::HiddenListener& hidden) {
  const std::string_view shown = hidden.by_netlink ? "@hidden.by_netlink"
                                 : hidden.by_bind  ? "@hidden.by_bind"
                                                   : "@hidden.by_text";
  model::Message message{"port.concealed",
                         {said("protocol", to_string(hidden.protocol)), said("port", hidden.port),
                          Parameter{"shown", std::string(shown)}}};
  return {"port.concealed", fmt::format("{} {}", to_string(hidden.protocol), hidden.port),
          std::move(message)};
}

void judge_listeners(const std::vector<Listener>& listeners, const Baseline& baseline,
                     Findings& findings) {
  std::uint64_t dynamic = 0;
  for (const Listener& listener : listeners) {
    const Match best = best_match(baseline.listeners, listener);
    switch (best) {
      case Match::yes:
        continue;
      case Match::file_unknown:
        findings.blind(
            {"port.file_unknown",
             {said("protocol", to_string(listener.protocol)), said("address", listener.address),
              said("port", listener.port), said("executable", program_path(listener.executable))}},
            only("port.unexpected", subject_of(listener)));
        continue;
      case Match::owner_unknown:
        findings.blind({"port.owner_unknown",
                        {said("protocol", to_string(listener.protocol)),
                         said("address", listener.address), said("port", listener.port)}},
                       same_place(listener));
        continue;
      case Match::changed:
      case Match::no:
        break;
    }
    if (listener.executable.empty()) findings.unseen(same_place(listener));
    const std::string signs = why_of(listener, best == Match::changed);
    if (listener.protocol == Protocol::udp && listener.port >= kFirstDynamicPort && signs.empty()) {
      ++dynamic;
      continue;
    }
    findings.add(unexpected_listener(listener, signs), signs.empty() ? 0 : 1);
  }
  if (dynamic > 0) findings.note({"port.ephemeral", {said("count", dynamic)}});
}

// The approved networks of a local service; no rule: nullopt, any source is welcome.
std::optional<std::vector<Network>> approved_sources(const Baseline& baseline,
                                                     const PeerAggregate& peer) {
  std::optional<std::vector<Network>> networks;
  for (const SourceRule& rule : baseline.sources) {
    if (rule.protocol != peer.protocol || rule.port != peer.local_port) continue;
    if (!networks) networks.emplace();
    for (const std::string& text : rule.networks) {
      if (const auto network = parse_network(text)) networks->push_back(*network);
    }
  }
  return networks;
}

std::string subject_of(const PeerAggregate& peer) {
  return fmt::format("{} {} {}", to_string(peer.protocol), peer.local_port,
                     subject_part(peer.remote_prefix));
}

void judge_source(const PeerAggregate& peer, const std::vector<Network>& approved,
                  Findings& findings) {
  const std::vector<Parameter> parameters{said("protocol", to_string(peer.protocol)),
                                          said("port", peer.local_port),
                                          said("source", peer.remote_prefix)};
  const std::optional<Network> source = parse_network(peer.remote_prefix);
  if (!source) {
    findings.blind({"source.unreadable", parameters},
                   beginning("source.unexpected",
                             fmt::format("{} {} ", to_string(peer.protocol), peer.local_port)));
    return;
  }
  const auto inside = [&](const Network& n) { return contains(n, *source); };
  const auto partly = [&](const Network& n) { return overlaps(n, *source); };
  if (is_loopback(*source) || std::any_of(approved.begin(), approved.end(), inside)) return;
  if (std::any_of(approved.begin(), approved.end(), partly)) {
    findings.blind({"source.too_coarse", parameters}, only("source.unexpected", subject_of(peer)));
    return;
  }
  findings.add({"source.unexpected", subject_of(peer), {"source.unexpected", parameters}});
}

void judge_sources(const std::vector<PeerAggregate>& peers, const Baseline& baseline,
                   Findings& findings) {
  for (const PeerAggregate& peer : peers) {
    if (!peer.inbound) continue;
    if (const auto approved = approved_sources(baseline, peer)) {
      judge_source(peer, *approved, findings);
    }
  }
}

// Who sends to a UDP service that is not connected leaves no trace in the kernel's tables.
void judge_unseen_sources(const model::SocketsFacts& facts, const Baseline& baseline,
                          Findings& findings) {
  for (const SourceRule& rule : baseline.sources) {
    const bool offered = rule.protocol == model::Protocol::udp &&
                         std::any_of(facts.listeners.begin(), facts.listeners.end(), [&](auto& l) {
                           return l.protocol == rule.protocol && l.port == rule.port;
                         });
    if (!offered) continue;
    findings.blind(
        {"source.udp_unseen", {said("port", rule.port)}},
        beginning("source.unexpected", fmt::format("{} {} ", to_string(rule.protocol), rule.port)));
  }
}

void incomplete(std::uint32_t count, std::string_view code, Findings& findings) {
  if (count > 0) findings.blind({"observation.incomplete", {said("count", count)}}, all_of(code));
}

// Was there a list, and is there none in force now? An owner who never made one wants no findings.
bool has_lost_its_list(const Baseline* baseline) {
  return baseline == nullptr || baseline->expired;
}

}  // namespace

namespace {

void take_listeners(const model::SocketsFacts& facts, const Baseline* baseline,
                    Findings& findings) {
  incomplete(facts.listeners_over_limit, "port.unexpected", findings);
  // Whatever was approved: nothing that belongs there hides.
  for (const model::HiddenListener& hidden : facts.hidden) {
    findings.add(hidden_listener(hidden), 2);
  }
  if (facts.taken_unlisted > 0) {
    findings.note({"port.taken_unlisted", {said("count", facts.taken_unlisted)}});
  }
  if (facts.ports_tried_from == model::kNoPortTried) findings.note({"port.none_tried", {}});
  if (facts.ports_tried_from > 1 && facts.ports_tried_from < model::kNoPortTried) {
    findings.note({"port.not_tried", {said("to", facts.ports_tried_from - 1)}});
  }
  if (facts.namespaces_not_seen > 0) {
    findings.note({"port.namespaces_not_seen", {said("count", facts.namespaces_not_seen)}});
    // Of six words and more: the last names the namespace. (Or the program's path has a space: that
    // one waits too.)
    findings.unseen({"port.unexpected", model::Unseen::Subjects::like, {"* * * * * *"}});
  }
  if (baseline == nullptr || !baseline->has_listeners) {
    findings.blind(no_baseline(baseline, "@baseline.part.listeners"), nothing_else());
    for (const Listener& listener : facts.listeners) {
      findings.unseen(only("port.unexpected", subject_of(listener)));
    }
  } else {
    judge_listeners(facts.listeners, *baseline, findings);
  }
}

// Without approved sources every source is welcome.
void take_sources(const model::SocketsFacts& facts, const Baseline* baseline, Findings& findings) {
  if (baseline == nullptr || baseline->sources.empty()) {
    if (!has_lost_its_list(baseline)) return;
    for (const PeerAggregate& peer : facts.peers) {
      findings.unseen(only("source.unexpected", subject_of(peer)));
    }
    if (facts.peers_over_limit > 0) findings.unseen(all_of("source.unexpected"));
    return;
  }
  judge_sources(facts.peers, *baseline, findings);
  judge_unseen_sources(facts, *baseline, findings);
  incomplete(facts.peers_over_limit, "source.unexpected", findings);
  if (facts.sources_not_exact > 0) {
    findings.note({"source.not_exact", {said("count", facts.sources_not_exact)}});
  }
  if (!facts.source_events) findings.note({"source.short_unseen", {}});
  if (facts.source_event_overflows > 0) {
    findings.note({"source.events_lost", {said("count", facts.source_event_overflows)}});
  }
}

model::Message listeners_ok(const model::SocketsFacts& facts, const Baseline* baseline) {
  return {"port.ok",
          {said("count", facts.listeners.size()),
           said("version", baseline == nullptr ? 0 : baseline->version)}};
}

}  // namespace

std::vector<std::string> signs_of(const Listener& listener) {
  std::vector<std::string> signs;
  if (is_memory_file(listener.executable)) signs.emplace_back("@why.memory_only");
  if (listener.executable_world_writable == Tristate::yes) {
    signs.emplace_back("@why.world_writable");
  }
  if (listener.executable_deleted == Tristate::yes) signs.emplace_back("@why.deleted");
  return signs;
}

model::Judgement judge_sockets(const model::SocketsFacts& facts, const Baseline* baseline) {
  Findings findings;
  take_listeners(facts, baseline, findings);
  take_sources(facts, baseline, findings);
  return std::move(findings).finish(listeners_ok(facts, baseline));
}

model::Judgement judge_part(const model::SocketsFacts& facts, const Baseline* baseline,
                            SocketsPart part) {
  Findings findings;
  if (part == SocketsPart::listeners) {
    take_listeners(facts, baseline, findings);
    return std::move(findings).finish(listeners_ok(facts, baseline));
  }
  take_sources(facts, baseline, findings);
  if (baseline == nullptr || baseline->sources.empty()) {
    findings.blind({"baseline.none", {{"part", "@baseline.part.sources"}}});
  }
  return std::move(findings).finish({"source.ok", {said("count", facts.peers.size())}});
}

}  // namespace tocsin::rules
