#include "common/wire/wire.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/base/limits.hpp"
#include "tests/support/fuzz_seed.hpp"

namespace tocsin {
namespace {

using model::Observation;

model::Message a_message() { return {"port.unexpected", {{"port", "4444"}, {"host", "備份主機"}}}; }
AgentId an_agent() { return {std::string(64, 'a')}; }

Observation observed(model::CheckRef check, model::Facts facts) {
  Observation observation;
  observation.check = std::move(check);
  observation.at = Instant{1'700'000'000'000'000'000};
  observation.took = 1500us;
  observation.facts = std::move(facts);
  return observation;
}

Observation a_sockets_observation() {
  model::Listener listener;
  listener.protocol = model::Protocol::tcp;
  listener.address_class = model::AddressClass::any;
  listener.address = "0.0.0.0";
  listener.port = 4444;
  listener.executable = "/tmp/.x/sshd2";
  listener.executable_deleted = model::Tristate::yes;
  listener.executable_world_writable = model::Tristate::no;
  listener.uid = 1000;
  listener.user = "eve";
  listener.unit = "evil.service";
  listener.process_ids = {31337, 31338};
  listener.network_namespace = "4026531840";
  model::SocketsFacts facts;
  facts.listeners = {listener};
  facts.peers = {
      {model::Protocol::tcp, 4444, true, "203.0.113.0/24", 0, 3, Instant{5}, Instant{6}}};
  facts.listeners_over_limit = 1;
  facts.peers_over_limit = 2;
  facts.owners_unknown = 3;
  facts.source_events = true;
  facts.source_event_overflows = 4;
  facts.namespaces = 5;
  facts.namespaces_not_seen = 6;
  facts.hidden = {{model::Protocol::udp, 5555, true, false}};
  return observed({model::CheckKind::sockets, ""}, facts);
}

std::vector<Observation> one_of_each() {
  model::PingFacts ping{"10.0.0.1", model::PingMethod::tcp, 5, 4, 100, 200, 300,
                        1,          model::Tristate::yes};
  ping.gateway = "10.0.0.254";
  ping.on_link = true;
  model::ServiceFacts service{"ssh.service", "loaded", "failed", "dead", "exit-code", 2, 99, -1,
                              Instant{5},    true};
  service.recent_restarts = 3;
  service.job_pending = true;
  service.lasted_s = 60;
  model::AuditLogFacts audit;
  audit.source = "/var/log/audit/audit.log";
  audit.present = model::Tristate::yes;
  audit.readable = model::Tristate::no;
  audit.size_bytes = 10;
  audit.inode = 11;
  audit.device = 12;
  audit.modified = Instant{13};
  audit.records_seen = 14;
  audit.auditing_was_on = audit.replaced = audit.shrunk = audit.rotated_sibling = true;
  audit.head_changed = audit.zeroed = audit.new_boot = true;
  audit.sequence_gap = 15;
  audit.disk_full = model::Tristate::yes;
  audit.previous_size_bytes = 16;
  audit.boot_id = "b";
  audit.auditing_on = model::Tristate::no;
  model::ProcessGroup group{"[kworker]",
                            "/dev/shm/x",
                            0,
                            "root",
                            "x.service",
                            2,
                            true,
                            model::Tristate::yes,
                            model::Tristate::no,
                            model::Tristate::yes,
                            true,
                            model::Tristate::yes,
                            77};
  group.packaged = model::Tristate::no;
  model::ProcessesFacts processes{{group}, 120, 1, 2, 3, true};
  processes.hidden = {4242};
  processes.hidden_over_limit = 4;
  processes.hidden_searched = model::Tristate::yes;
  processes.units = {{"x.service", true, false, model::Tristate::no}};
  processes.units_over_limit = 5;
  processes.units_known = model::Tristate::yes;
  Observation blind;
  blind.check = {model::CheckKind::service, "ssh.service"};
  blind.outcome = model::Outcome::not_permitted;
  blind.detail = a_message();
  return {a_sockets_observation(),
          observed({model::CheckKind::ping, "10.0.0.1"}, ping),
          observed({model::CheckKind::service, "ssh.service"}, service),
          observed({model::CheckKind::audit_log, "/var/log/audit/audit.log"}, audit),
          observed({model::CheckKind::processes, ""}, processes),
          blind};
}

model::Fact a_fact(Observation observation) {
  return {"boot", MonoTime{7}, Instant{8}, model::Priority::critical, std::move(observation)};
}

std::vector<model::Fact> facts_of_every_kind() {
  std::vector<model::Fact> facts;
  for (Observation& o : one_of_each()) facts.push_back(a_fact(std::move(o)));
  model::Fact other{"boot", MonoTime{7}, Instant{8}, model::Priority::normal, {}};
  other.body = model::RequestResult{
      "r1", model::RequestOutcome::expired, a_message(), {a_sockets_observation()}};
  facts.push_back(other);
  other.body = model::SpoolLoss{9, Instant{1}, Instant{2}, a_message()};
  facts.push_back(other);
  other.body = model::AgentEvent{a_message()};
  facts.push_back(other);
  other.body = std::monostate{};
  facts.push_back(other);
  return facts;
}

std::vector<model::JournalBody> bodies_of_every_kind() {
  const model::Principal who{"wang", model::Role::officer, "ff00"};
  model::Command command{"c1", who, 4, "值班", model::Acknowledge{IncidentId{3}}};
  std::vector<model::JournalBody> bodies;
  for (model::Fact& fact : facts_of_every_kind()) {
    bodies.emplace_back(model::AgentFact{an_agent(), Epoch{~0ULL}, Seq{12}, std::move(fact)});
  }
  bodies.emplace_back(command);
  command.act = model::RegisterIncident{IncidentId{3}};
  bodies.emplace_back(command);
  command.act = model::RunCheck{an_agent(), {model::CheckKind::service, "a.service"}};
  bodies.emplace_back(command);
  command.act = model::RevokeAgent{an_agent()};
  bodies.emplace_back(command);
  command.act = model::JudgeIncident{IncidentId{3}, model::IncidentVerdict::fault};
  bodies.emplace_back(command);
  command.act = model::ApproveGrade{IncidentId{3}, model::Severity::a};
  bodies.emplace_back(command);
  command.act = model::EstimateRepair{IncidentId{3}, 6h};
  bodies.emplace_back(command);
  command.act = model::CloseIncident{IncidentId{3}, model::IncidentVerdict::security};
  bodies.emplace_back(command);
  command.act = model::AdmitAgent{an_agent(), "tsm-bk02", "t1", true};
  bodies.emplace_back(command);
  command.act = model::RevokeOperator{"wang"};
  bodies.emplace_back(command);
  command.act = model::CollectEvidence{an_agent(), IncidentId{3}, 24h, 10min};
  bodies.emplace_back(command);
  command.act = model::ExportEvidence{model::EvidenceId{2}};
  bodies.emplace_back(command);
  command.act = model::GiveUpEvidence{model::EvidenceId{2}, "王"};
  bodies.emplace_back(command);
  command.act = model::AddEvidence{IncidentId{3}, "螢幕.png", std::string(64, 'd'), 9};
  bodies.emplace_back(command);
  bodies.emplace_back(model::EvidenceEvent{an_agent(), "7.c1", model::EvidenceId{2},
                                           model::CustodyAct::damaged, who, std::string(64, 'b'), 5,
                                           4, 3, a_message()});
  bodies.emplace_back(model::FactRangeLost{an_agent(), Epoch{1}, Seq{2}, Seq{3}, a_message()});
  bodies.emplace_back(
      model::DeliveryOutcome{NotificationId{5}, 2, model::DeliveryResult::refused, a_message()});
  bodies.emplace_back(model::PolicyChange{"site", "ab", "site = \"x\"\n", who});
  bodies.emplace_back(model::AgentPresence{an_agent(), model::Presence::clone_suspected, Instant{4},
                                           a_message(), "0.1.0", "h", "Debian 12"});
  bodies.emplace_back(model::ClockStep{-3s});
  bodies.emplace_back(model::Tick{});
  bodies.emplace_back(model::CollectorEvent{a_message(), "0.1.0", 1});
  bodies.emplace_back(model::CertificateSeen{model::CertificateHolder::agent, an_agent().hex,
                                             Instant{5}, Instant{6}, std::string(64, 'e')});
  bodies.emplace_back(model::CollectorLook{
      "reach/7/10.0.0.1", observed({model::CheckKind::ping, "10.0.0.1"}, model::PingFacts{})});
  bodies.emplace_back(std::monostate{});
  command.act = model::CreateToken{"t1", "tsm-bk02", 600s, true};
  bodies.emplace_back(command);
  return bodies;
}

void expect_seed(const std::string& name, const std::string& bytes) {
  test::expect_seed("fuzz_wire", name, bytes);
}

TEST(Wire, EveryFactComesBackAsItWas) {
  int number = 0;
  for (const model::Fact& fact : facts_of_every_kind()) {
    const auto back = wire::decode_fact(wire::encode_fact(fact));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, fact);
    expect_seed(fmt::format("fact_{}", number++), wire::encode_fact(fact));
  }
}

TEST(Wire, EveryJournalEntryComesBackAsItWas) {
  int number = 0;
  for (const model::JournalBody& body : bodies_of_every_kind()) {
    const auto back = wire::decode_journal(wire::encode_journal(body));
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, body);
    expect_seed(fmt::format("journal_{}", number++), wire::encode_journal(body));
  }
}

TEST(Wire, AnAgentFactIsJournaledAsItWasSpooled) {
  const std::string spooled = wire::encode_fact(facts_of_every_kind().front());
  const auto back =
      wire::decode_journal(wire::encode_agent_fact(an_agent(), Epoch{1}, Seq{2}, spooled));
  ASSERT_TRUE(back);
  EXPECT_EQ(std::get<model::AgentFact>(*back).fact, facts_of_every_kind().front());
}

// It is written by hand, for speed; what is journaled must not depend on who wrote it.
TEST(Wire, AnAgentFactHasTheBytesThatProtobufGivesIt) {
  for (const std::uint64_t number : {0ULL, 1ULL, 127ULL, 128ULL, 16384ULL, 1ULL << 62, ~0ULL}) {
    for (const model::Fact& fact : facts_of_every_kind()) {
      for (const AgentId& agent : {an_agent(), AgentId{}}) {
        const model::AgentFact body{agent, Epoch{number}, Seq{number}, fact};
        EXPECT_EQ(
            wire::encode_agent_fact(agent, Epoch{number}, Seq{number}, wire::encode_fact(fact)),
            wire::encode_journal(body));
      }
    }
  }
}

TEST(Wire, AFactThatCannotBeReadIsKeptAsAnUnknownKind) {
  const auto back =
      wire::decode_journal(wire::encode_agent_fact(an_agent(), Epoch{1}, Seq{2}, "\xff\xff"));
  ASSERT_TRUE(back);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(std::get<model::AgentFact>(*back).fact.body));
  EXPECT_EQ(std::get<model::AgentFact>(*back).seq, Seq{2});
}

TEST(Wire, EveryStateDocumentComesBackAsItWas) {
  model::Host host;
  host.agent = an_agent();
  host.name = "tsm-bk02";
  host.presence = model::Presence::silent;
  host.checks.push_back({{model::CheckKind::sockets, ""},
                         model::Verdict::abnormal,
                         {a_message()},
                         Instant{1},
                         Instant{2},
                         Position{3},
                         a_sockets_observation()});
  host.epoch = Epoch{9};
  host.facts_lost = 2;
  EXPECT_EQ(wire::decode_host(wire::encode_host(host)), host);
  expect_seed("host", wire::encode_host(host));

  model::Finding finding;
  finding.id = FindingId{1};
  finding.dedup_key = "k";
  finding.agent = an_agent();
  finding.check = {model::CheckKind::sockets, ""};
  finding.code = "port.unexpected";
  finding.subject = "tcp any 4444";
  finding.message = a_message();
  finding.closed = Instant{8};
  finding.unwatched = true;
  finding.returned = {Instant{3}, Instant{5}};
  EXPECT_EQ(wire::decode_finding(wire::encode_finding(finding)), finding);
  expect_seed("finding", wire::encode_finding(finding));

  model::Incident incident;
  incident.id = IncidentId{4};
  incident.number = "SI-115-0042";
  incident.agent = an_agent();
  incident.title = a_message();
  incident.live = model::Severity::c;
  incident.peak = model::Severity::b;
  incident.explanation = {1,           model::Severity::c, {{"effect", "none"}}, {"C2"},
                          a_message(), a_message(),        Instant{77}};
  incident.acknowledged = Instant{5};
  incident.acknowledged_by = {"wang", model::Role::working_group, "f"};
  incident.findings = {FindingId{1}, FindingId{2}};
  EXPECT_EQ(wire::decode_incident(wire::encode_incident(incident)), incident);
  const model::Decided decided{{"chen", model::Role::officer, "f"}, Instant{6}, "因為"};
  incident.verdict = model::IncidentVerdict::false_alarm;
  incident.verdict_decided = decided;
  incident.approved_decided = decided;
  incident.decided_basis = model::Severity::d;
  incident.needs_review = true;
  incident.estimate = model::RepairEstimate{6h, decided, 2};
  incident.closed_decided = decided;
  incident.changed_by = decided.by;
  incident.transitions = {Instant{1}, Instant{2}};
  incident.transition_count = 9;
  incident.flapping = true;
  incident.explanation.asks = model::Severity::b;
  incident.asked = model::Severity::a;
  incident.asked_at = Instant{7};
  incident.confirmed = Instant{8};
  incident.told = model::Severity::d;
  incident.more_findings = 3;
  incident.unwatched = {FindingId{2}};
  incident.undecided = true;
  incident.network_told = NotificationId{7};
  EXPECT_EQ(wire::decode_incident(wire::encode_incident(incident)), incident);
  expect_seed("incident", wire::encode_incident(incident));

  const model::TimelineItem item{IncidentId{4}, 2, Instant{3}, Position{4}, a_message(), {}};
  EXPECT_EQ(wire::decode_timeline(wire::encode_timeline(item)), item);
  expect_seed("timeline", wire::encode_timeline(item));

  model::Notification notification;
  notification.id = NotificationId{3};
  notification.reason = "opened";
  notification.subject = a_message();
  notification.body = {a_message(), a_message()};
  notification.status = model::NotificationStatus::failed;
  EXPECT_EQ(wire::decode_notification(wire::encode_notification(notification)), notification);
  expect_seed("notification", wire::encode_notification(notification));

  model::Evidence evidence;
  evidence.id = model::EvidenceId{2};
  evidence.state = model::EvidenceState::unobtainable;
  evidence.request_id = "7.c1";
  evidence.agent = an_agent();
  evidence.host_name = "tsm-bk02";
  evidence.incident = IncidentId{4};
  evidence.name = "螢幕.png";
  evidence.asked_by = {"wang", model::Role::officer, "f"};
  evidence.asked = Instant{5};
  evidence.reason = "因為";
  evidence.received = Instant{6};
  evidence.manifest = std::string(64, 'b');
  evidence.bytes = 7;
  evidence.items = 8;
  evidence.missing = 9;
  evidence.problem = a_message();
  evidence.witness = "李";
  evidence.custody = {
      {Instant{5}, Position{6}, model::CustodyAct::asked, evidence.asked_by, a_message()}};
  evidence.custody_left_out = 3;
  EXPECT_EQ(wire::decode_evidence(wire::encode_evidence(evidence)), evidence);
  expect_seed("evidence", wire::encode_evidence(evidence));

  const model::CommandResult result{"c",
                                    Position{1},
                                    model::CommandOutcome::conflict,
                                    a_message(),
                                    {"lee", model::Role::duty, "x"},
                                    3,
                                    Instant{4},
                                    "r",
                                    "wang"};
  EXPECT_EQ(wire::decode_command_result(wire::encode_command_result(result)), result);
  expect_seed("command_result", wire::encode_command_result(result));
}

TEST(Wire, ChecksAndRequestsComeBackAsTheyWere) {
  const std::vector<model::CheckDefinition> checks{
      {{model::CheckKind::ping, "10.0.0.1"}, 60s, 5s, 3, 22, {}},
      {{model::CheckKind::sockets, ""}, 2s, 1s, 5, 0, "22,80-90", "22,1500", true}};
  EXPECT_EQ(wire::decode_checks(wire::encode_checks(checks)), checks);
  const model::Request request{"r1", 30s, checks.front()};
  EXPECT_EQ(wire::decode_request(wire::encode_request(request)), request);
  const model::Request restart{"r2", 30s, model::RestartUnit{"web.service"}};
  EXPECT_EQ(wire::decode_request(wire::encode_request(restart)), restart);
  const model::Request take{
      "r3", 30s, model::TakeEvidence{model::EvidenceId{2}, 24h, "wang", "因為", "SI-115-0042"}};
  EXPECT_EQ(wire::decode_request(wire::encode_request(take)), take);
}

// Nobody is asked for what the collector finds itself, and no host has it among its checks; an
// observation that claims to be such is read, so that the judge can say who sent it.
TEST(Wire, TheCollectorsOwnFindingsAreNoCheckOfAHost) {
  const model::CheckRef own{model::CheckKind::collector, "agent"};
  const auto checks_read = [](const model::CheckRef& check) {
    model::CheckDefinition definition;
    definition.check = check;
    return wire::decode_checks(wire::encode_checks({definition})).has_value();
  };
  const auto host_read = [](const model::CheckRef& check) {
    model::CheckStatus status;
    status.check = check;
    status.observation.outcome = model::Outcome::failed;
    model::Host host;
    host.agent = an_agent();
    host.checks = {status};
    return wire::decode_host(wire::encode_host(host)).has_value();
  };
  EXPECT_TRUE(checks_read({model::CheckKind::plugin, "agent"}));
  EXPECT_TRUE(host_read({model::CheckKind::plugin, "agent"}));
  EXPECT_FALSE(checks_read(own));
  EXPECT_FALSE(host_read(own));

  model::Finding finding;
  finding.id = FindingId{1};
  finding.agent = an_agent();
  finding.check = own;
  EXPECT_EQ(wire::decode_finding(wire::encode_finding(finding)), finding);
  Observation claim;
  claim.check = own;
  claim.at = Instant{5};
  EXPECT_EQ(wire::decode_fact(wire::encode_fact(a_fact(claim))), a_fact(claim));
}

// What version 0.1.0 kept under a ping's name is read as what it is; a ping's findings stay a
// ping's, whatever their target is called.
TEST(Wire, TheCollectorsOwnFindingsOfVersion010AreReadUnderTheirNewKind) {
  const auto read = [](const std::string& agent, const std::string& target, const char* code) {
    model::Finding finding;
    finding.agent = {agent};
    finding.check = {model::CheckKind::ping, target};
    finding.code = code;
    finding.dedup_key = agent + "/ping:" + target + "/" + code + "/";
    return wire::decode_finding(wire::encode_finding(finding)).value();
  };
  const std::string agent = an_agent().hex;
  const model::Finding silent = read(agent, "agent", "agent.silent");
  EXPECT_EQ(silent.check, (model::CheckRef{model::CheckKind::collector, "agent"}));
  EXPECT_EQ(silent.dedup_key, agent + "/collector:agent/agent.silent/");
  const model::Finding server = read("", "certificate/server", "certificate.server");
  EXPECT_EQ(server.check.kind, model::CheckKind::collector);
  EXPECT_EQ(server.dedup_key, "/collector:certificate/server/certificate.server/");
  const model::Finding ping = read(agent, "agent", "ping.unreachable");
  EXPECT_EQ(ping.check, (model::CheckRef{model::CheckKind::ping, "agent"}));
  EXPECT_EQ(ping.dedup_key, agent + "/ping:agent/ping.unreachable/");

  const auto key_of = [&](const char* kind, const std::string& key) {
    model::Incident incident;
    incident.id = IncidentId{1};
    incident.agent = an_agent();
    incident.kind = kind;
    incident.dedup_key = key;
    return wire::decode_incident(wire::encode_incident(incident)).value().dedup_key;
  };
  EXPECT_EQ(key_of("agent_silence", "agent_silence/" + agent + "/ping:agent/agent.silent/"),
            "agent_silence/" + agent + "/collector:agent/agent.silent/");
  const std::string slow = "performance/" + agent + "/ping:10.0.0.1/ping.rtt.high/";
  EXPECT_EQ(key_of("performance", slow), slow);
  EXPECT_EQ(key_of("network", "network/target/10.0.0.1"), "network/target/10.0.0.1");
}

TEST(Wire, HostileNamesAreMadeSafe) {
  Observation observation = a_sockets_observation();
  std::get<model::SocketsFacts>(observation.facts).listeners[0].user = "\x1b[2Jroot\n";
  const auto back = wire::decode_fact(wire::encode_fact(a_fact(observation)));
  ASSERT_TRUE(back);
  const auto& facts = std::get<model::SocketsFacts>(std::get<Observation>(back->body).facts);
  EXPECT_EQ(facts.listeners[0].user, "\\x1b[2Jroot\\x0a");
}

TEST(Wire, TooManyListenersAreRefusedAndTheErrorSaysHowMany) {
  Observation observation = a_sockets_observation();
  auto& facts = std::get<model::SocketsFacts>(observation.facts);
  facts.listeners.resize(limits::kListeners + 1, facts.listeners.front());
  const auto back = wire::decode_fact(wire::encode_fact(a_fact(observation)));
  ASSERT_FALSE(back);
  EXPECT_EQ(back.error().message, "sockets.listeners: 1025 items, at most 1024 are allowed");
}

TEST(Wire, FactsThatDoNotFitTheirKindAreRefused) {
  Observation observation = a_sockets_observation();
  observation.check = {model::CheckKind::ping, "10.0.0.1"};
  EXPECT_FALSE(wire::decode_fact(wire::encode_fact(a_fact(observation))));
  observation = a_sockets_observation();
  observation.outcome = model::Outcome::failed;
  EXPECT_FALSE(wire::decode_fact(wire::encode_fact(a_fact(observation))));
}

TEST(Wire, TheDigestIgnoresWhatAlwaysChangesAndNothingElse) {
  const Observation before = a_sockets_observation();
  Observation after = before;
  after.at = Instant{before.at.ns + 1};
  after.took = 9s;
  auto& facts = std::get<model::SocketsFacts>(after.facts);
  facts.listeners[0].process_ids = {1};
  facts.peers[0].count = 99;
  EXPECT_EQ(wire::significant_digest(before), wire::significant_digest(after));
  EXPECT_EQ(wire::significant_digest(before).size(), 32U);
  facts.listeners[0].port = 4445;
  EXPECT_NE(wire::significant_digest(before), wire::significant_digest(after));
}

// Whatever arrives, decoding answers: a value within the limits, or an error with a text.
TEST(Wire, MutatedBytesNeverGetPastTheLimits) {
  std::vector<std::string> samples;
  for (const auto& body : bodies_of_every_kind()) samples.push_back(wire::encode_journal(body));
  for (const auto& fact : facts_of_every_kind()) samples.push_back(wire::encode_fact(fact));
  EXPECT_TRUE(rc::check("decoders survive mutated input", [&] {
    std::string bytes = *rc::gen::elementOf(samples);
    const auto edits = *rc::gen::inRange(0, 8);
    for (int i = 0; i < edits && !bytes.empty(); ++i) {
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    }
    bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size() + 1));
    const auto fact = wire::decode_fact(bytes);
    if (fact) {
      RC_ASSERT(fact->boot_id.size() <= limits::kName);
      const bool same = wire::decode_fact(wire::encode_fact(*fact)) == fact;
      RC_ASSERT(same);
    } else {
      RC_ASSERT(!fact.error().message.empty());
    }
    const auto body = wire::decode_journal(bytes);
    if (!body) RC_ASSERT(!body.error().message.empty());
    static_cast<void>(wire::decode_host(bytes));
    static_cast<void>(wire::decode_incident(bytes));
    static_cast<void>(wire::decode_checks(bytes));
    static_cast<void>(wire::decode_evidence(bytes));
  }));
}

}  // namespace
}  // namespace tocsin
