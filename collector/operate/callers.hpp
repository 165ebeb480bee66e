// Who may use the operator service: the holder of an operator's certificate of this site that is
// valid now and not revoked. What a payload says of the caller is never looked at.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/base/result.hpp"
#include "common/crypto/crypto.hpp"
#include "common/model/incident.hpp"
#include "common/model/message.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::collector {

// Fingerprints (SHA-256 of the certificate, 64 hex digits, one a line; '#' begins a comment).
// `bad_lines` counts the lines that are neither; they revoke nothing and are reported.
struct RevocationList {
  std::set<std::string> fingerprints;
  std::size_t bad_lines = 0;
};
RevocationList parse_revocations(std::string_view content);

// Thread-safe.
class Callers {
 public:
  // What the collector knows of operators beside their certificates; empty ones know nothing.
  struct Known {
    std::function<std::optional<Instant>(std::string_view name)> revoked;  // when, the last time
    std::function<void(const crypto::CertificateInfo&)> seen;              // one that was let in
  };
  // `revocation_file` may be empty: nobody is revoked. It is read again when it changed; while it
  // cannot be read the last list stays in force and problem() says so.
  Callers(std::string revocation_file, const time::TimeSource& time, Known known = {});

  // The caller's name and role. `certificate_pem` is what TLS verified. Errors: unauthenticated (no
  // certificate, or expired), permission_denied (not an operator's, or revoked).
  Result<model::Principal> admit(std::string_view certificate_pem);

  std::optional<model::Message> problem() const;  // with the revocation list
  std::uint64_t refused() const;                  // callers, since start

 private:
  struct FileStamp {
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::int64_t size = -1;
    std::uint64_t inode = 0;
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
  };
  Result<model::Principal> check(std::string_view certificate_pem);
  bool is_revoked(const std::string& fingerprint);
  void refresh();  // REQUIRES: mutex_ is held.

  const std::string revocation_file_;
  const time::TimeSource& time_;
  const Known known_;
  mutable std::mutex mutex_;
  std::optional<FileStamp> stamp_;
  RevocationList revoked_;
  std::optional<model::Message> problem_;
  std::uint64_t refused_ = 0;
};

}  // namespace tocsin::collector
