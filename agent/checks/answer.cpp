#include "agent/checks/answer.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include "agent/checks/answer_facts.hpp"
#include "agent/checks/observation.hpp"
#include "agent/checks/probe_targets.hpp"
#include "common/net/tcp.hpp"

namespace tocsin::agent {
namespace {

using model::AnswerOutcome;

constexpr std::size_t kMostBytes = 4096;
constexpr Duration kForReport = 100ms;  // of the deadline

// Waits until the socket is ready; false at the deadline or a stop.
bool ready(const net::Fd& fd, short events, MonoTime until, const CheckContext& context) {
  while (!context.stop.stop_requested()) {
    const Duration left = until - context.time.steady();
    if (left <= 0s) return false;
    pollfd waiting{fd.get(), events, 0};
    const Duration slice = std::min<Duration>(left, 100ms);
    if (::poll(&waiting, 1, static_cast<int>(slice.count() / 1'000'000) + 1) > 0) return true;
  }
  return false;
}

AnswerOutcome outcome_of(int error) {
  if (error == ECONNREFUSED) return AnswerOutcome::refused;
  if (error == ENETUNREACH || error == EHOSTUNREACH) return AnswerOutcome::unreachable;
  return AnswerOutcome::timed_out;
}

Said talk(const AnswerUrl& url, MonoTime until, const CheckContext& context) {
  net::Connecting connecting = net::begin_connect(url.address, url.port);
  if (connecting.error == EINPROGRESS) {
    if (!ready(connecting.fd, POLLOUT, until, context)) return {AnswerOutcome::timed_out, 0, {}};
    connecting.error = net::connect_error(connecting.fd);
  }
  if (connecting.error != 0) return {outcome_of(connecting.error), 0, {}};
  if (auto said = meaning_of_answer(url.scheme, {}, false)) return *said;
  const std::string first = greeting(url);
  // It is short: a new connection takes all of it.
  if (!first.empty() && ::send(connecting.fd.get(), first.data(), first.size(), MSG_NOSIGNAL) < 0) {
    return {AnswerOutcome::no_answer, 0, {}};
  }
  std::string bytes;
  while (ready(connecting.fd, POLLIN, until, context)) {
    char piece[1024];
    const ssize_t n = ::recv(connecting.fd.get(), piece, sizeof piece, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n > 0) bytes.append(piece, static_cast<std::size_t>(n));
    const bool ended = n <= 0 || bytes.size() >= kMostBytes;
    if (auto said = meaning_of_answer(url.scheme, bytes, ended)) return *said;
  }
  return meaning_of_answer(url.scheme, bytes, true).value_or(Said{});
}

}  // namespace

model::Observation observe_answer(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const std::string& target = check.check.target;
  const auto url = parse_answer_url(target);
  if (!url) {
    return run.unseen(Error{ErrorCode::invalid_argument, "not a URL with an address: " + target});
  }
  const std::string address = net::to_string(url->address);
  if (!may_probe(context.settings, address)) {
    return run.unseen(model::Outcome::not_permitted, {"probe.not_allowed", {{"address", address}}});
  }
  Said said = talk(*url, run.deadline() + -kForReport, context);
  model::AnswerFacts facts;
  facts.url = target;
  facts.outcome = said.outcome;
  facts.status = said.status;
  facts.said = std::move(said.line);
  const Duration took = context.time.steady() - run.started();
  facts.took_ms = static_cast<std::uint32_t>(took.count() / 1'000'000);
  return run.seen(std::move(facts));
}

}  // namespace tocsin::agent
