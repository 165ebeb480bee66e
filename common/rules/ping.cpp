// M-01: does the device answer? One place alone can only suspect a break; the collector confirms.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/rules/checks.hpp"
#include "common/rules/findings.hpp"

namespace tocsin::rules {
namespace {

using model::PingFacts;
using model::RuleLimits;
using model::Verdict;

// Duplicated answers are no more than answers.
std::uint64_t received(const PingFacts& f) { return std::min(f.received, f.sent); }
std::uint64_t lost(const PingFacts& f) { return f.sent - received(f); }

// Integers on purpose: 1 of 5 lost is 0.19999999999999996 in doubles, and would miss a 20 % limit.
bool lost_at_least(const PingFacts& f, int permille) {
  return lost(f) > 0 &&
         lost(f) * 1000 >= static_cast<std::uint64_t>(std::max(permille, 0)) * f.sent;
}

bool slow(const PingFacts& f, const RuleLimits& l) {
  return received(f) > 0 && std::chrono::microseconds(f.rtt_avg_us) >= l.ping_rtt_warning;
}

bool vantage_at_fault(const PingFacts& f, const RuleLimits& l) {
  return f.gateway_reachable == model::Tristate::no &&
         (lost_at_least(f, l.ping_loss_warning_permille) || f.received == 0 || slow(f, l));
}

struct PingRule {
  std::string_view code;
  Verdict verdict;
  bool (*applies)(const PingFacts&, const RuleLimits&);
};

// First match wins, so the worst comes first; the last row always applies.
constexpr std::array kPingRules{
    PingRule{"ping.nothing_sent", Verdict::cannot_tell,
             [](const PingFacts& f, const RuleLimits&) { return f.sent == 0; }},
    PingRule{"ping.gateway", Verdict::cannot_tell, vantage_at_fault},
    PingRule{"ping.unreachable", Verdict::abnormal,
             [](const PingFacts& f, const RuleLimits&) { return f.received == 0; }},
    PingRule{"ping.neighbour_only", Verdict::normal,
             [](const PingFacts& f, const RuleLimits&) {
               return f.method == model::PingMethod::neighbour;
             }},
    PingRule{"ping.loss.high", Verdict::abnormal,
             [](const PingFacts& f, const RuleLimits& l) {
               return lost_at_least(f, l.ping_loss_critical_permille);
             }},
    PingRule{"ping.rtt.high", Verdict::abnormal, slow},
    PingRule{"ping.loss.some", Verdict::normal,
             [](const PingFacts& f, const RuleLimits& l) {
               return lost_at_least(f, l.ping_loss_warning_permille);
             }},
    PingRule{"ping.ok", Verdict::normal, [](const PingFacts&, const RuleLimits&) { return true; }},
};

}  // namespace

model::Judgement judge_ping(const PingFacts& facts, const RuleLimits& limits) {
  const auto rule = std::find_if(kPingRules.begin(), kPingRules.end(),
                                 [&](const PingRule& r) { return r.applies(facts, limits); });
  const std::string rtt_ms =
      fmt::format("{}.{}", facts.rtt_avg_us / 1000, facts.rtt_avg_us % 1000 / 100);
  model::Message message{
      std::string(rule->code),
      {said("address", facts.address), said("sent", facts.sent), said("received", received(facts)),
       said("lost", lost(facts)), said("rtt_ms", rtt_ms)}};
  model::Judgement judgement =
      rule->verdict == Verdict::abnormal
          ? conclude_abnormal(subject_part(facts.address), std::move(message))
          : conclude(rule->verdict, std::move(message));
  // An answer to an address query is no measure of the way, and what did not come took no time.
  if (facts.method == model::PingMethod::neighbour) judgement.unseen.push_back(all_of("ping.loss"));
  if (facts.method == model::PingMethod::neighbour || facts.received == 0) {
    judgement.unseen.push_back(all_of("ping.rtt"));
  }
  return judgement;
}

}  // namespace tocsin::rules
