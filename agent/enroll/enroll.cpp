#include "agent/enroll/enroll.hpp"

#include <algorithm>
#include <cerrno>

#include "tocsin/v1/agent.grpc.pb.h"
#include <fmt/format.h>
#include <grpcpp/channel.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <sys/stat.h>

#include "common/config/endpoint.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "common/crypto/server_chain.hpp"
#include "common/rpc/status.hpp"

namespace tocsin::agent {
namespace {

constexpr int kReplyBytes = 256 << 10;

// The key of an earlier try is used again, so that a host keeps one identity.
Result<std::string> key_in(const std::string& path) {
  auto found = config::read_secret_file(path);
  if (found || found.error().code != ErrorCode::not_found) return found;
  auto made = crypto::make_key_pem();
  if (!made) return made;
  TOCSIN_TRY(config::create_file(path, *made, 0600));
  TOCSIN_TRY(config::give_to_folder_owner(path));
  return made;
}

// The certificate with the pinned fingerprint among those that the server shows.
Result<std::string> pinned_authority(const EnrollOptions& options,
                                     const config::Endpoint& endpoint) {
  const auto chain = crypto::fetch_server_chain(endpoint.host, endpoint.port, options.longest);
  if (!chain) return fail(chain.error());
  for (const std::string& pem : *chain) {
    const auto fingerprint = crypto::fingerprint_of(pem);
    if (fingerprint && crypto::equal_in_constant_time(*fingerprint, options.fingerprint))
      return pem;
  }
  return fail(ErrorCode::permission_denied,
              fmt::format("{} does not show the authority with fingerprint {}; nothing was sent",
                          options.collector, options.fingerprint));
}

std::shared_ptr<grpc::Channel> channel_to(const EnrollOptions& options,
                                          const std::string& authority_pem) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = authority_pem;
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kReplyBytes);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  return grpc::CreateCustomChannel(options.collector, grpc::SslCredentials(tls), arguments);
}

Result<v1::CertificateReply> ask(const EnrollOptions& options, const std::string& authority_pem,
                                 const std::string& signing_request) {
  const auto stub = v1::Enrollment::NewStub(channel_to(options, authority_pem));
  v1::EnrollRequest request;
  request.set_token(options.token);
  request.set_signing_request(signing_request);
  request.set_host_name(options.host_name);
  v1::CertificateReply reply;
  grpc::ClientContext context;
  // A span, from which gRPC makes the deadline on its own clock.
  context.set_deadline(gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                    gpr_time_from_millis(options.longest.count(), GPR_TIMESPAN)));
  const grpc::Status status = stub->Enroll(&context, request, &reply);
  if (!status.ok()) return fail(rpc::from_grpc(status));
  return reply;
}

// What the collector says is believed only as far as it can be checked.
Result<Instant> check_reply(const v1::CertificateReply& reply, const std::string& authority_pem,
                            const AgentId& agent, Instant now) {
  TOCSIN_TRY(crypto::verify_certificate(reply.certificate(), authority_pem, now));
  const auto info = crypto::read_certificate(reply.certificate());
  if (!info) return fail(info.error());
  if (info->identity.kind != crypto::Identity::Kind::agent || info->identity.agent != agent) {
    return fail(ErrorCode::permission_denied, "the collector signed for another key than ours");
  }
  return info->not_after;
}

// Several while one authority takes over from another; the pinned one is among them in any case.
std::string trusted(const v1::CertificateReply& reply, const std::string& pinned) {
  const auto each = crypto::split_certificates(reply.authorities());
  if (!each || std::find(each->begin(), each->end(), pinned) == each->end()) return pinned;
  return reply.authorities();
}

struct Files {
  std::string key;
  std::string authorities;
  std::string certificate;
};

Status write_owned(const std::string& path, const std::string& content, unsigned mode) {
  TOCSIN_TRY(config::write_file(path, content, mode));
  return config::give_to_folder_owner(path);
}

}  // namespace

Result<Enrolled> enroll(const EnrollOptions& options, const time::TimeSource& time) {
  const auto endpoint = config::parse_endpoint(options.collector);
  if (!endpoint) return fail(endpoint.error());
  const std::string& dir = options.directory;
  const Files files{dir + "/agent.key", dir + "/ca.pem", dir + "/agent.pem"};
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) return fail(system_error(dir, errno));
  if (!options.again && config::file_exists(files.certificate)) {
    return fail(ErrorCode::already_exists,
                fmt::format("{} is there: this host is enrolled; --again enrols it anew",
                            files.certificate));
  }
  const auto key = options.new_key ? crypto::make_key_pem() : key_in(files.key);
  if (!key) return fail(key.error());
  const auto agent = crypto::agent_id_of_key(*key);
  if (!agent) return fail(agent.error());
  const auto request = crypto::make_signing_request(*key, options.host_name);
  if (!request) return fail(request.error());

  const auto authority = pinned_authority(options, *endpoint);
  if (!authority) return fail(authority.error());
  const auto reply = ask(options, *authority, *request);
  if (!reply) return fail(reply.error());
  const auto not_after = check_reply(*reply, *authority, *agent, time.wall());
  if (!not_after) return fail(not_after.error());

  // The certificate last: its being there is what says that the host is enrolled.
  if (options.new_key) TOCSIN_TRY(write_owned(files.key, *key, 0600));
  TOCSIN_TRY(write_owned(files.authorities, trusted(*reply, *authority), 0644));
  TOCSIN_TRY(write_owned(files.certificate, reply->certificate(), 0644));
  return Enrolled{*agent, *not_after};
}

}  // namespace tocsin::agent
