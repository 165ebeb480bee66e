#include "common/rpc/peer.hpp"

#include <grpc/grpc_security_constants.h>

#include "common/rpc/peer_text.hpp"

namespace tocsin::rpc {

std::string peer_certificate(const grpc::ServerContextBase& context) {
  const auto auth = context.auth_context();
  if (!auth || !auth->IsPeerAuthenticated()) return {};
  const auto values = auth->FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (values.size() != 1) return {};
  return {values.front().data(), values.front().size()};
}

std::string peer_address(const grpc::ServerContextBase& context) {
  return address_of_peer(context.peer());
}

}  // namespace tocsin::rpc
