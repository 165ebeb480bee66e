#include "agent/actions/restart.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "agent/actions/snapshot.hpp"
#include "agent/os/file_sum.hpp"
#include "agent/os/files.hpp"
#include "agent/os/packages.hpp"
#include "agent/os/systemd.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr Duration kLongestCall = 2s;
// A service that ends again at once was not restarted.
constexpr Duration kSettled = 1s;

model::Parameter said(std::string_view name, std::string_view value) {
  return {std::string(name), clean_text(value, limits::kText)};
}

RestartOutcome failed(const char* code, const std::string& unit, std::string_view why) {
  return {model::RequestOutcome::failed, {code, {said("unit", unit), said("why", why)}}};
}

// Does a program differ from what its package installed? `program`: as systemd names it. Where it
// is of no package, or that keeps no sums, there is nothing to differ from.
Result<bool> differs_from_package(const std::string& program, const RestartPlace& place) {
  if (program.empty()) return false;
  os::Packages packages(place.root);
  const auto owners = packages.owners({program}, place.stop);
  if (!owners) {
    if (owners.error().code == ErrorCode::not_found) return false;  // No dpkg here.
    return fail(owners.error());
  }
  const auto expected = packages.sum_of(owners->front());
  if (!expected) return false;
  const auto file = os::open_regular(os::under(place.root, program));
  if (!file) return fail(file.error());
  const auto sum = os::md5_of(file->fd);
  if (!sum) return fail(sum.error());
  return *sum != *expected;
}

bool is_up(const os::UnitProperties& unit) {
  const bool one_shot = unit.type == "oneshot" || unit.remain_after_exit;
  return unit.active_state == "active" ||
         (one_shot && unit.active_state == "inactive" && unit.result == "success");
}

// What the unit is a moment after it came up: one that crashes at once looks well for an instant.
Result<os::UnitProperties> settled(const std::string& unit, os::UnitProperties up,
                                   const RestartPlace& place) {
  const MonoTime until = place.time.steady() + kSettled;
  while (is_up(up) && place.time.steady() < until && !place.stop.stop_requested()) {
    os::pause(100ms);
    auto now = os::unit_properties(unit, place.root, kLongestCall);
    if (!now) return now;
    const bool same = now->restarts == up.restarts && now->main_pid == up.main_pid;
    if (!same) now->active_state = "restarted";
    up = std::move(*now);
  }
  return up;
}

constexpr Duration kAskAgain = 200ms;

// Asked again and again until it answers: a service may need a while after systemd calls it active.
ProbeAnswer ask_until(const RestartPlace& place, MonoTime end) {
  const MonoTime until = std::min(end, place.time.steady() + place.probe.within);
  for (;;) {
    const MonoTime now = place.time.steady();
    ProbeAnswer answer = place.probe.ask(std::max<Duration>(until - now, kAskAgain));
    const bool over = place.time.steady() + kAskAgain >= until || place.stop.stop_requested();
    if (answer.answers || over) return answer;
    os::pause(kAskAgain);
  }
}

RestartOutcome probed(RestartOutcome outcome, const ProbeAnswer& answer,
                      const RestartProbe& probe) {
  model::Message& detail = outcome.detail;
  detail.code = answer.answers ? "action.restarted_answers" : "action.no_answer";
  if (!answer.answers) outcome.outcome = model::RequestOutcome::failed;
  detail.parameters.push_back(said("probe", probe.target));
  if (answer.answers) return outcome;
  const auto why = std::find_if(answer.why.parameters.begin(), answer.why.parameters.end(),
                                [](const model::Parameter& p) { return p.name == "why"; });
  for (model::Parameter& parameter : detail.parameters) {
    if (parameter.name != "why") continue;
    // One of our own codes, not the service's words.
    parameter.value = why == answer.why.parameters.end() ? "@answer.why.wrong_answer" : why->value;
  }
  return outcome;
}

RestartOutcome outcome_of(const std::string& unit, const Result<os::UnitProperties>& after,
                          const Snapshot& snapshot) {
  if (!after) {
    RestartOutcome outcome = failed("action.restart_failed", unit, after.error().message);
    outcome.detail.parameters.push_back(said("snapshot", snapshot.digest));
    return outcome;
  }
  const bool up = is_up(*after);
  return {up ? model::RequestOutcome::done : model::RequestOutcome::failed,
          {up ? "action.restarted" : "action.restart_failed",
           {said("unit", unit), said("why", after->active_state + " " + after->result),
            said("state", after->active_state), said("snapshot", snapshot.digest),
            said("file", snapshot.file)}}};
}

}  // namespace

RestartOutcome restart_service(const std::string& unit, const RestartPlace& place) {
  if (!os::valid_unit_name(unit) || !os::systemd_runs(place.root)) {
    return failed("action.not_possible", unit, "no systemd, or not a unit's name");
  }
  const MonoTime end = place.time.steady() + place.limit;
  const auto before = os::unit_properties(unit, place.root, kLongestCall);
  if (!before) return failed("action.not_possible", unit, before.error().message);
  if (before->load_state != "loaded") {
    return failed("action.not_possible", unit, before->load_state);
  }
  const auto differs = differs_from_package(before->program, place);
  if (!differs) return failed("action.not_possible", unit, differs.error().message);
  if (*differs) return failed("action.binary_changed", unit, before->program);
  const auto snapshot =
      take_snapshot(unit, *before, place.root, place.snapshots, place.time.wall(), place.stop);
  if (!snapshot) return failed("action.no_snapshot", unit, snapshot.error().message);
  Result<os::UnitProperties> after = os::restart_unit(
      unit, place.root, std::max<Duration>(end - place.time.steady(), 1s), place.stop);
  if (after) after = settled(unit, std::move(*after), place);
  RestartOutcome outcome = outcome_of(unit, after, *snapshot);
  const bool up = outcome.outcome == model::RequestOutcome::done;
  if (!up || !place.probe.ask) return outcome;
  const ProbeAnswer answer = ask_until(place, end);
  return probed(std::move(outcome), answer, place.probe);
}

}  // namespace tocsin::agent
