// The agent's certificate: when it must be renewed, and how the new one gets into its file.
#pragma once

#include "tocsin/v1/agent.grpc.pb.h"
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "agent/link/link.hpp"
#include "common/base/result.hpp"
#include "common/crypto/crypto.hpp"
#include "common/rpc/completions.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {

// The certificate of the configuration's file. Errors: of the file, or that it is none of an agent.
Result<crypto::CertificateInfo> own_certificate(const LinkConfig& config);

// Two thirds of its life have passed.
Instant renewal_due(const crypto::CertificateInfo& certificate);

// Asks for a new certificate for the same key and replaces the files. Errors: the collector's
// answer, permission_denied (a certificate of another key, or not of the authorities that came with
// it), or what the system said; the old files stay.
boost::asio::awaitable<Status> renew(rpc::Completions& completions,
                                     boost::asio::any_io_executor executor,
                                     v1::AgentLink::Stub& stub, const LinkConfig& config,
                                     const time::TimeSource& time);

}  // namespace tocsin::agent
