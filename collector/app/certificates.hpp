// Which certificates are in use, as the journal is told: those of the files, and those that callers
// show. When one ends is judged by the core (collector/core/certificates.hpp).
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "collector/ports/intake.hpp"
#include "common/base/instant.hpp"
#include "common/crypto/crypto.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

struct CertificateFiles {
  std::string server;     // the first certificate of the file
  std::string authority;  // PEM of the one that signs
  std::string operators;  // a folder of NAME.pem; need not be there
};

// Thread-safe.
class CertificateWatch {
 public:
  // Both must outlive it.
  CertificateWatch(CertificateFiles files, Intake& intake)
      : files_(std::move(files)), intake_(intake) {}

  // Reads the files. What cannot be read is logged and tried again at the next look. Blocks.
  void look();
  // An agent's or operator's, that was let in. Journals it where it is new since the start; what
  // the intake does not take now is journaled when it is seen again.
  void seen(const crypto::CertificateInfo& certificate);

  // What ends soon, worst first; at most ten.
  std::vector<model::Message> warnings(Instant now) const;

 private:
  void take(model::CertificateSeen certificate);
  void look_at_server();
  void look_at_operators();

  const CertificateFiles files_;
  Intake& intake_;
  mutable std::mutex mutex_;
  std::map<std::pair<model::CertificateHolder, std::string>, model::CertificateSeen> seen_;
};

}  // namespace tocsin::collector
