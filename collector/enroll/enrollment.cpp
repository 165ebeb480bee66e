#include "collector/enroll/enrollment.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "common/model/journal.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kSigningRequestBytes = 8 << 10;
constexpr std::size_t kHostNameBytes = 253;
constexpr std::size_t kCommandIdBytes = 16;
constexpr Duration kClockTolerance = 5min;  // The host's clock may be behind ours.
constexpr std::chrono::milliseconds kJudgeWait{10'000};

bool is_host_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  };
  return !name.empty() && name.size() <= kHostNameBytes &&
         std::all_of(name.begin(), name.end(), fits);
}

Result<AgentId> key_of(std::string_view signing_request) {
  if (signing_request.empty() || signing_request.size() > kSigningRequestBytes) {
    return fail(ErrorCode::invalid_argument, "the signing request is empty or too large");
  }
  auto agent = crypto::agent_id_of_request(signing_request);
  if (!agent) return fail(ErrorCode::invalid_argument, agent.error().message);
  return agent;
}

Result<IssuedCertificate> issue(const Signer& signer, const AgentId& agent,
                                std::string_view signing_request, Instant now) {
  crypto::CertificateRequest wanted;
  wanted.identity.kind = crypto::Identity::Kind::agent;
  wanted.identity.agent = agent;
  wanted.not_before = now - kClockTolerance;
  wanted.life = kAgentCertificateLife + kClockTolerance;
  auto certificate = crypto::sign_certificate(signer.authority, signing_request, wanted);
  if (!certificate) return fail(certificate.error());
  // Read back: it ends with the authority's own certificate, if that is sooner.
  const auto info = crypto::read_certificate(*certificate);
  if (!info) return fail(ErrorCode::internal, info.error().message);
  return IssuedCertificate{agent, std::move(*certificate), signer.authorities_pem, info->not_after};
}

// One answer whatever was wrong with the token, so that nobody learns which tokens exist.
Error not_a_token() {
  return {ErrorCode::unauthenticated, "the token is not valid (unknown, used or expired)"};
}

Error key_is_revoked() {
  return {ErrorCode::permission_denied,
          "this host's key was revoked; enrol it with a new one (tocsin-agent enroll --again "
          "--new-key)"};
}

// What the judge did not allow, for the person at the host.
Error refused_because(const std::string& code) {
  if (code == "command.agent_revoked") return key_is_revoked();
  if (code == "command.host_name_taken") {
    return {ErrorCode::permission_denied,
            "another host is enrolled under this name; a token made with --replace lets this one "
            "take it over"};
  }
  return {ErrorCode::permission_denied, "the collector does not admit this host's key"};
}

}  // namespace

Enrollment::Enrollment(Parts parts) : parts_(std::move(parts)), limiter_(parts_.limits) {}

Result<IssuedCertificate> Enrollment::enroll(const std::string& peer_address,
                                             std::string_view token,
                                             std::string_view signing_request,
                                             std::string_view host_name) {
  TOCSIN_TRY(allow(peer_address));
  if (!is_host_name(host_name)) {
    return fail(ErrorCode::invalid_argument, "the host name is not one");
  }
  // What is wrong with the request is said before the token is used up.
  const auto agent = key_of(signing_request);
  if (!agent) return fail(agent.error());
  if (token.empty() || token.size() > limits::kTokenBytes) return fail(not_a_token());
  if (parts_.judge.admission(*agent).revoked) return fail(key_is_revoked());
  const auto grant = parts_.take_token(token, host_name, *agent);
  if (!grant) {
    const std::lock_guard lock(mutex_);
    ++refused_tokens_;
    log::warning("enroll.refused",
                 {{"peer", peer_address}, {"host", host_name}, {"error", grant.error().message}});
    if (grant.error().code == ErrorCode::unauthenticated) return fail(not_a_token());
    return fail(ErrorCode::unavailable, "tokens cannot be checked now; try again later");
  }
  auto issued = issue(parts_.signer, *agent, signing_request, parts_.time.wall());
  if (!issued) return issued;
  TOCSIN_TRY(admit(*agent, host_name, *grant));
  if (const Status spent = parts_.spend_token(token); !spent) {
    // It is this key's alone and ends at its time: no reason to turn the host away.
    log::error("enroll.token_not_spent",
               {{"token", grant->token_id}, {"error", spent.error().message}});
  }
  log::info("enroll.admitted", {{"agent", agent->hex},
                                {"host", host_name},
                                {"peer", peer_address},
                                {"token", grant->token_id},
                                {"token_by", grant->creator.name}});
  return issued;
}

Status Enrollment::allow(const std::string& peer_address) {
  const std::lock_guard lock(mutex_);
  if (limiter_.allow(peer_address, parts_.time.steady())) return {};
  return fail(ErrorCode::resource_exhausted, "too many tries; wait a minute");
}

Status Enrollment::admit(const AgentId& agent, std::string_view host_name,
                         const TokenGrant& grant) {
  model::Command command;
  command.id = "enroll-" + to_hex(crypto::random_bytes(kCommandIdBytes));
  command.principal = grant.creator;
  command.act = model::AdmitAgent{agent, std::string(host_name), grant.token_id, grant.replace};
  const std::string id = command.id;
  std::string bytes = wire::encode_journal(command);
  const auto committed = parts_.intake.submit_and_wait({std::move(bytes), std::move(command)});
  if (!committed) return fail(committed.error());
  if (!parts_.judge.wait_for(committed->last, kJudgeWait)) {
    return fail(ErrorCode::unavailable, "the collector is busy; try again with the same token");
  }
  const auto result = parts_.state.command_result(id);
  if (!result) return fail(result.error());
  if (*result && (*result)->outcome == model::CommandOutcome::done) return {};
  return fail(refused_because(*result ? (*result)->detail.code : ""));
}

std::uint64_t Enrollment::refused_for_rate() const {
  const std::lock_guard lock(mutex_);
  return limiter_.refused();
}

std::uint64_t Enrollment::refused_tokens() const {
  const std::lock_guard lock(mutex_);
  return refused_tokens_;
}

Renewer make_renewer(const Signer& signer, const Judge& judge, const time::TimeSource& time) {
  return [signer, &judge, &time](const AgentId& agent,
                                 std::string_view signing_request) -> Result<IssuedCertificate> {
    const auto key = key_of(signing_request);
    if (!key) return fail(key.error());
    if (*key != agent) {
      return fail(ErrorCode::permission_denied,
                  "a renewal keeps the key; enrol again for a new one");
    }
    const Judge::Admission admission = judge.admission(agent);
    if (!admission.known || admission.revoked) {
      return fail(ErrorCode::permission_denied, "this agent is not admitted");
    }
    return issue(signer, agent, signing_request, time.wall());
  };
}

}  // namespace tocsin::collector
