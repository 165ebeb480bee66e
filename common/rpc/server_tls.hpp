// What a server shows of itself and whom it lets in, taken up again from files that change. gRPC
// can watch files, but takes what it finds: it ends the process where one is empty for a moment,
// and serves nobody where it holds something else. So it watches copies in memory, which change
// only to what was read whole, fits together and parses; until then what was good before goes on
// being served.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>

#include <grpcpp/security/server_credentials.h>

#include "common/base/result.hpp"
#include "common/rpc/tls_files.hpp"

namespace tocsin::rpc {

// One thread at a time. Outlives the servers that have its credentials.
class ServerTls {
 public:
  // Errors: those of read_tls_files; resource_exhausted.
  static Result<std::unique_ptr<ServerTls>> open(const TlsFiles& files);
  ~ServerTls();
  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;

  // For one door; `client_certificate`: it demands one that the authorities signed.
  std::shared_ptr<grpc::ServerCredentials> credentials(bool client_certificate) const;

  // Takes up what the files hold now: served a few seconds later. Errors: what is wrong with them,
  // and nothing has changed. Cheap while they stay as they are.
  Status look();

 private:
  static constexpr std::size_t kFiles = 3;
  explicit ServerTls(TlsFiles files) : files_(std::move(files)) {}
  Status take(const TlsMaterial& material);
  std::string stamps() const;

  const TlsFiles files_;
  std::array<int, kFiles> copies_{-1, -1, -1};  // certificate, key, authorities
  TlsMaterial served_;
  std::string seen_;  // the files' stamps when they were read last
  Status last_;       // and what came of it
};

}  // namespace tocsin::rpc
