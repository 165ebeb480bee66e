// The PEM files of one end of a connection, read and looked through: what gRPC does with others is
// to serve nobody without a word, or to abort.
#pragma once

#include <cstddef>
#include <string>

#include "common/base/result.hpp"

namespace tocsin::rpc {

inline constexpr std::size_t kTlsFileBytes = 1 << 20;

// Paths of PEM files. A private key that group or others may read is refused: permission_denied.
struct TlsFiles {
  std::string certificate;
  std::string private_key;
  std::string authorities;  // whom the other side must be signed by
};

struct TlsMaterial {
  std::string certificate;
  std::string private_key;
  std::string authorities;
  friend bool operator==(const TlsMaterial&, const TlsMaterial&) = default;
};

// Errors name the file: those of reading; invalid_argument where it holds no certificate, no key,
// or another certificate's key. Whether a certificate is valid now is the other side's to judge.
Result<TlsMaterial> read_tls_files(const TlsFiles& files);

}  // namespace tocsin::rpc
