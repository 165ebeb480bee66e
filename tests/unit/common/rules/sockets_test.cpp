#include <algorithm>

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "common/rules/baseline.hpp"
#include "common/rules/findings.hpp"
#include "tests/unit/common/rules/support.hpp"

namespace tocsin::rules {
namespace {

using model::AddressClass;
using model::Baseline;
using model::Listener;
using model::PeerAggregate;
using model::Protocol;
using model::SocketsFacts;
using model::Tristate;
using model::Verdict;

Listener listener(Protocol protocol, std::uint16_t port, const char* executable,
                  const char* user = "root") {
  Listener l;
  l.protocol = protocol;
  l.address = "0.0.0.0";
  l.port = port;
  l.executable = executable;
  l.user = user;
  l.process_ids = {31337};
  return l;
}

Listener sshd() { return listener(Protocol::tcp, 22, "/usr/sbin/sshd"); }
Listener backdoor() {
  Listener l = listener(Protocol::tcp, 4544, "/tmp/.x/sshd2");
  l.executable_world_writable = Tristate::yes;
  return l;
}

Baseline baseline() {
  Baseline b;
  b.version = 12;
  b.has_listeners = true;
  b.listeners = {{Protocol::tcp, {AddressClass::any}, 22, 0, "/usr/sbin/sshd", "root", ""}};
  b.sources = {{Protocol::tcp, 22, {"10.1.0.0/16", "10.9.9.9/32"}}};
  return b;
}

PeerAggregate peer(const char* prefix, std::uint16_t port = 22) {
  return {Protocol::tcp, port, true, prefix, 0, 3};
}

model::Judgement judged(const SocketsFacts& facts, const Baseline& b = baseline()) {
  return judge(seen(model::CheckKind::sockets, facts), &b, {});
}
model::Judgement judged(std::vector<Listener> listeners, std::vector<PeerAggregate> peers = {}) {
  SocketsFacts facts;
  facts.listeners = std::move(listeners);
  facts.peers = std::move(peers);
  facts.source_events = true;
  return judged(facts);
}

TEST(SocketRules, AcceptWhatIsInTheBaseline) {
  const model::Judgement judgement = judged({sshd()}, {peer("10.1.7.0/24")});
  EXPECT_EQ(judgement.verdict, Verdict::normal);
  EXPECT_EQ(first_reason(judgement), "port.ok");
  EXPECT_EQ(parameter(judgement.reasons.front(), "version"), "12");
}

TEST(SocketRules, FindAPortThatIsNotApproved) {
  const model::Judgement judgement = judged({sshd(), backdoor()});
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  const model::Violation& violation = judgement.violations.front();
  EXPECT_EQ(violation.code, "port.unexpected");
  EXPECT_EQ(violation.subject, "tcp any 4544 /tmp/.x/sshd2 root");
  EXPECT_EQ(parameter(violation.message, "why"), "@why.world_writable");
  EXPECT_EQ(parameter(violation.message, "iana"), "@iana.none");
}

TEST(SocketRules, GiveTheRegisteredNameAsAHint) {
  const model::Judgement judgement = judged({listener(Protocol::tcp, 25, "/usr/sbin/exim4")});
  EXPECT_EQ(parameter(judgement.violations.front().message, "iana"), "smtp");
  EXPECT_EQ(parameter(judgement.violations.front().message, "why"), "@why.not_in_baseline");
}

TEST(SocketRules, NoticeAnotherProgramOnAnApprovedPort) {
  EXPECT_EQ(judged({listener(Protocol::tcp, 22, "/opt/x/sshd")}).verdict, Verdict::abnormal);
  EXPECT_EQ(judged({listener(Protocol::tcp, 22, "/usr/sbin/sshd", "www-data")}).verdict,
            Verdict::abnormal);
  EXPECT_EQ(judged({listener(Protocol::udp, 22, "/usr/sbin/sshd")}).verdict, Verdict::abnormal);
  Listener local = sshd();
  local.address_class = AddressClass::loopback;
  EXPECT_EQ(judged({local}).verdict, Verdict::abnormal);
}

TEST(SocketRules, MatchRangesAndWildcards) {
  Baseline b = baseline();
  b.listeners = {{Protocol::tcp, {}, 6000, 6010, "", "", ""}};
  SocketsFacts facts;
  facts.listeners = {listener(Protocol::tcp, 6010, "/any", "any")};
  EXPECT_EQ(judged(facts, b).verdict, Verdict::normal);
  facts.listeners.front().port = 6011;
  EXPECT_EQ(judged(facts, b).verdict, Verdict::abnormal);
}

// A daemon that was updated and not restarted runs a deleted file; its port stays approved.
TEST(SocketRules, KeepAnUpdatedDaemonApproved) {
  EXPECT_EQ(judged({listener(Protocol::tcp, 22, "/usr/sbin/sshd (deleted)")}).verdict,
            Verdict::normal);
}

TEST(SocketRules, CannotTellWithoutABaseline) {
  SocketsFacts facts;
  facts.listeners = {sshd()};
  const model::Judgement none = judge(seen(model::CheckKind::sockets, facts), nullptr, {});
  EXPECT_EQ(none.verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(none), "baseline.none");
  Baseline without;
  EXPECT_EQ(judged(facts, without).verdict, Verdict::cannot_tell);
}

TEST(SocketRules, CannotTellWhoListensWhenTheOwnerIsHidden) {
  const model::Judgement judgement = judged({listener(Protocol::tcp, 22, "", "root")});
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(judgement), "port.owner_unknown");
  EXPECT_EQ(judged({listener(Protocol::tcp, 4544, "", "root")}).verdict, Verdict::abnormal);
}

TEST(SocketRules, AreNeverNormalWhenSomeWereNotListed) {
  SocketsFacts facts;
  facts.listeners = {sshd()};
  facts.listeners_over_limit = 1;
  EXPECT_EQ(judged(facts).verdict, Verdict::cannot_tell);
  facts.listeners_over_limit = 0;
  facts.peers_over_limit = 1;
  EXPECT_EQ(judged(facts).verdict, Verdict::cannot_tell);
}

// A client's unconnected UDP socket gets a number that nobody chose.
TEST(SocketRules, TakeDynamicUdpPortsAsInformation) {
  const model::Judgement judgement =
      judged({listener(Protocol::udp, 51022, "/usr/sbin/chronyd", "chrony")});
  EXPECT_EQ(judgement.verdict, Verdict::normal);
  EXPECT_TRUE(says(judgement, "port.ephemeral"));
  EXPECT_EQ(judged({listener(Protocol::tcp, 51022, "/usr/bin/nc")}).verdict, Verdict::abnormal);
  Listener hidden = listener(Protocol::udp, 51022, "/tmp/x");
  hidden.executable_world_writable = Tristate::yes;
  EXPECT_EQ(judged({hidden}).verdict, Verdict::abnormal);
}

TEST(SocketRules, FindASourceThatIsNotApproved) {
  const model::Judgement judgement = judged({sshd()}, {peer("203.0.113.0/24")});
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations.front().code, "source.unexpected");
  EXPECT_EQ(judgement.violations.front().subject, "tcp 22 203.0.113.0/24");
}

TEST(SocketRules, AcceptSourcesOfThisHostAndOfOpenServices) {
  EXPECT_EQ(judged({sshd()}, {peer("127.0.0.0/24")}).verdict, Verdict::normal);
  EXPECT_EQ(judged({sshd()}, {peer("203.0.113.0/24", 443)}).verdict, Verdict::normal);
  PeerAggregate outbound = peer("203.0.113.0/24");
  outbound.inbound = false;
  EXPECT_EQ(judged({sshd()}, {outbound}).verdict, Verdict::normal);
}

// Peers come as /24; one approved host inside says nothing about the others.
TEST(SocketRules, CannotTellAPartlyApprovedSource) {
  const model::Judgement judgement = judged({sshd()}, {peer("10.9.9.0/24")});
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(judgement), "source.too_coarse");
  EXPECT_EQ(first_reason(judged({sshd()}, {peer("nonsense")})), "source.unreadable");
}

// procedure M-08: an address is inside the approved network or it is not.
TEST(SocketRules, JudgeAnAddressWhereTheRuleIsFinerThanANetwork) {
  Baseline b = baseline();
  b.sources = {{Protocol::tcp, 22, {"10.9.9.16/28", "2001:db8::10/124"}}};
  SocketsFacts facts;
  facts.listeners = {sshd()};
  facts.peers = {peer("10.9.9.17"), peer("2001:db8::1f")};
  EXPECT_EQ(judge_part(facts, &b, SocketsPart::sources).verdict, Verdict::normal);
  facts.peers = {peer("10.9.9.32"), peer("2001:db8::20")};
  const model::Judgement judgement = judge_part(facts, &b, SocketsPart::sources);
  ASSERT_EQ(judgement.violations.size(), 2U);
  EXPECT_EQ(judgement.violations[0].subject, "tcp 22 10.9.9.32");
  EXPECT_EQ(judgement.violations[1].subject, "tcp 22 2001:db8::20");
  EXPECT_FALSE(says(judgement, "source.not_exact"));
  facts.sources_not_exact = 1;
  EXPECT_TRUE(says(judge_part(facts, &b, SocketsPart::sources), "source.not_exact"));
}

TEST(SocketRules, OnlyPortsWithARuleFinerThanANetworkNeedAddresses) {
  Baseline b;
  EXPECT_EQ(ports_of_fine_sources(b), "");
  b.sources = {{Protocol::tcp, 443, {"10.0.0.0/8", "10.1.1.0/24", "2001:db8::/64", "nonsense"}},
               {Protocol::tcp, 1500, {"10.0.0.0/8", "10.1.1.0/25"}},
               {Protocol::tcp, 22, {"2001:db8::/65"}},
               {Protocol::udp, 22, {"10.1.1.1"}}};
  EXPECT_EQ(ports_of_fine_sources(b), "22,1500");
}

// procedure M-08: what the look at sources could not see is said where sources are judged.
TEST(SocketRules, WhatTheLookAtSourcesMissedIsMentioned) {
  SocketsFacts facts;
  facts.listeners = {sshd()};
  facts.peers = {peer("10.1.2.0/24")};
  EXPECT_TRUE(says(judged(facts), "source.short_unseen"));
  facts.source_events = true;
  EXPECT_FALSE(says(judged(facts), "source.short_unseen"));
  EXPECT_FALSE(says(judged(facts), "source.events_lost"));
  facts.source_event_overflows = 1;
  EXPECT_TRUE(says(judged(facts), "source.events_lost"));
  EXPECT_EQ(judged(facts).verdict, Verdict::normal);
}

// procedure M-08: who sends to it stands in no table of the kernel.
TEST(SocketRules, CannotTellWhoUsesAServiceOverUdp) {
  Baseline b = baseline();
  b.sources.push_back({Protocol::udp, 514, {"10.1.0.0/16"}});
  SocketsFacts facts;
  facts.listeners = {sshd()};
  EXPECT_EQ(judge_part(facts, &b, SocketsPart::sources).verdict, Verdict::normal)
      << "nothing listens there";
  facts.listeners.push_back(sshd());
  facts.listeners.back().protocol = Protocol::udp;
  facts.listeners.back().port = 514;
  auto judgement = judge_part(facts, &b, SocketsPart::sources);
  EXPECT_EQ(judgement.verdict, Verdict::cannot_tell);
  EXPECT_EQ(first_reason(judgement), "source.udp_unseen");
  // A socket that is connected is seen.
  facts.peers = {peer("203.0.113.0/24", 514)};
  facts.peers.back().protocol = Protocol::udp;
  judgement = judge_part(facts, &b, SocketsPart::sources);
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
}

// A source is one finding for each service that it reaches, however often it comes.
TEST(SocketRules, OneFindingForEachServiceAndSource) {
  Baseline b = baseline();
  b.sources.push_back({Protocol::tcp, 443, {"10.1.0.0/16"}});
  SocketsFacts facts;
  facts.listeners = {sshd()};
  PeerAggregate again = peer("203.0.113.0/24");
  again.count = 99;
  facts.peers = {peer("203.0.113.0/24"), peer("203.0.113.0/24", 443), peer("198.51.100.0/24")};
  const auto first = judge_part(facts, &b, SocketsPart::sources).violations;
  ASSERT_EQ(first.size(), 3U);
  facts.peers[0] = again;
  const auto later = judge_part(facts, &b, SocketsPart::sources).violations;
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].subject, later[i].subject);
}

TEST(SocketRules, PutTheWorstFirst) {
  const model::Judgement judgement =
      judged({listener(Protocol::tcp, 25, "/usr/sbin/exim4"), backdoor()});
  EXPECT_EQ(judgement.violations.front().subject, "tcp any 4544 /tmp/.x/sshd2 root");
}

TEST(SocketRules, CleanHostileNames) {
  Listener hostile = listener(Protocol::tcp, 4544, "@verdict.normal\x1b[2J\n", "\x7f");
  const model::Violation violation = judged({hostile}).violations.front();
  EXPECT_EQ(violation.subject, "tcp any 4544 @verdict.normal\\x1b[2J\\x0a \\x7f");
  EXPECT_EQ(parameter(violation.message, "executable"), "\\x40verdict.normal\\x1b[2J\\x0a");
}

TEST(SocketRules, JudgeTheClausesApart) {
  SocketsFacts facts;
  facts.listeners = {backdoor()};
  facts.peers = {peer("10.1.7.0/24")};
  Baseline b = baseline();
  EXPECT_EQ(judge_part(facts, &b, SocketsPart::listeners).verdict, Verdict::abnormal);
  EXPECT_EQ(judge_part(facts, &b, SocketsPart::sources).verdict, Verdict::normal);
  EXPECT_EQ(first_reason(judge_part(facts, &b, SocketsPart::sources)), "source.ok");
  facts.listeners = {sshd()};
  facts.peers = {peer("203.0.113.0/24")};
  EXPECT_EQ(judge_part(facts, &b, SocketsPart::listeners).verdict, Verdict::normal);
  EXPECT_EQ(judge_part(facts, &b, SocketsPart::sources).verdict, Verdict::abnormal);
  b.sources.clear();
  const auto without = judge_part(facts, &b, SocketsPart::sources);
  EXPECT_EQ(without.verdict, Verdict::cannot_tell);
  EXPECT_EQ(parameter(without.reasons.at(0), "part"), "@baseline.part.sources");
  EXPECT_EQ(judge_part(facts, nullptr, SocketsPart::sources).verdict, Verdict::cannot_tell);
}

Listener any_listener() {
  Listener l = listener(*rc::gen::element(Protocol::tcp, Protocol::udp),
                        *rc::gen::inRange<std::uint16_t>(20, 30),
                        *rc::gen::element("/usr/sbin/sshd", "/tmp/x", "", "/usr/bin/nc"));
  l.address_class = *rc::gen::element(AddressClass::any, AddressClass::loopback);
  l.executable_world_writable = l.executable == "/tmp/x" ? Tristate::yes : Tristate::no;
  return l;
}

std::vector<Listener> any_listeners(int most) {
  std::vector<Listener> listeners(static_cast<std::size_t>(*rc::gen::inRange(0, most)));
  for (Listener& l : listeners) l = any_listener();
  return listeners;
}

TEST(SocketRules, AreMonotoneInListeners) {
  EXPECT_TRUE(rc::check("one listener more is never milder", [] {
    std::vector<Listener> listeners = any_listeners(80);
    const model::Judgement fewer = judged(listeners);
    listeners.push_back(any_listener());
    const model::Judgement more = judged(listeners);
    RC_ASSERT(harm(more.verdict) >= harm(fewer.verdict));
    RC_ASSERT(more.violations.size() >= fewer.violations.size());
  }));
}

TEST(SocketRules, DependOnNeitherOrderNorProcessIds) {
  EXPECT_TRUE(rc::check("same set, same judgement", [] {
    std::vector<Listener> listeners = any_listeners(30);
    const model::Judgement before = judged(listeners);
    std::reverse(listeners.begin(), listeners.end());
    for (Listener& l : listeners) l.process_ids = {*rc::gen::arbitrary<std::uint32_t>()};
    RC_ASSERT(judged(listeners) == before);
  }));
}

TEST(SocketRules, BoundAndCountWhatTheyList) {
  std::vector<Listener> listeners;
  for (int i = 0; i < 1000; ++i) {
    listeners.push_back(listener(Protocol::tcp, static_cast<std::uint16_t>(1000 + i), "/usr/x"));
  }
  listeners.push_back(backdoor());
  const model::Judgement judgement = judged(listeners);
  EXPECT_EQ(judgement.violations.size(), kViolations);
  EXPECT_TRUE(says(judgement, "observation.more"));
  EXPECT_EQ(parameter(judgement.reasons.back(), "count"), "945");
  EXPECT_EQ(judgement.violations.front().subject, "tcp any 4544 /tmp/.x/sshd2 root");
}

// procedure M-07
TEST(SocketRules, APortThatNothingListsAndNobodyCanTakeIsConcealed) {
  SocketsFacts facts;
  facts.hidden = {{Protocol::tcp, 31337, false, false, true}};
  const model::Judgement judgement = judged(facts);
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations[0].code, "port.concealed");
  const auto shown = [&](bool by_netlink, bool by_text, bool by_bind) {
    facts.hidden = {{Protocol::tcp, 31337, by_netlink, by_text, by_bind}};
    return parameter(judged(facts).violations.at(0).message, "shown");
  };
  EXPECT_EQ(shown(false, false, true), "@hidden.by_bind");
  EXPECT_EQ(shown(true, false, false), "@hidden.by_netlink");
  EXPECT_EQ(shown(false, true, false), "@hidden.by_text");
}

// It may be a socket that is bound and does not listen: worth saying, no finding.
TEST(SocketRules, WhatTheKernelDoesNotListCompletelyIsOnlyMentioned) {
  SocketsFacts facts;
  facts.listeners = {sshd()};
  const model::Verdict verdict = judged(facts).verdict;
  facts.taken_unlisted = 2;
  const model::Judgement judgement = judged(facts);
  EXPECT_EQ(judgement.verdict, verdict);
  EXPECT_TRUE(says(judgement, "port.taken_unlisted"));
}

// procedure M-07: which ports are not looked at is said, with the reason.
TEST(SocketRules, PortsThatMayNotBeTriedAreMentioned) {
  SocketsFacts facts;
  facts.listeners = {sshd()};
  const model::Verdict verdict = judged(facts).verdict;
  for (const std::uint32_t everything : {0U, 1U}) {  // Not said, or all of them.
    facts.ports_tried_from = everything;
    EXPECT_FALSE(says(judged(facts), "port.not_tried"));
    EXPECT_FALSE(says(judged(facts), "port.none_tried"));
  }
  facts.ports_tried_from = 1024;
  EXPECT_TRUE(says(judged(facts), "port.not_tried"));
  EXPECT_EQ(judged(facts).verdict, verdict);
  facts.ports_tried_from = model::kNoPortTried;
  EXPECT_TRUE(says(judged(facts), "port.none_tried"));
  EXPECT_FALSE(says(judged(facts), "port.not_tried"));
}

// procedure M-07
TEST(SocketRules, AHiddenListenerIsAbnormalWhateverIsApproved) {
  SocketsFacts facts;
  facts.listeners = {sshd()};
  facts.hidden = {{Protocol::tcp, 22, true, false}};
  const model::Judgement judgement = judged(facts);
  EXPECT_EQ(judgement.verdict, Verdict::abnormal);
  ASSERT_EQ(judgement.violations.size(), 1U);
  EXPECT_EQ(judgement.violations[0].code, "port.concealed");
  EXPECT_EQ(judgement.violations[0].subject, "tcp 22");
}

}  // namespace
}  // namespace tocsin::rules
