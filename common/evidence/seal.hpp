// A manifest with its signature, and how both are verified. Pure, but for a key that is given.
//
// In a folder of evidence (on the host or exported) with the files kManifestFile, kSignatureFile
// and kPublicKeyFile beside the items, these commands are all that is needed:
//
//   openssl dgst -sha256 -verify agent.pub.pem -signature MANIFEST.sig MANIFEST
//   sha256sum --check --strict MANIFEST
//   openssl pkey -pubin -in agent.pub.pem -outform DER | sha256sum     the agent's id
#pragma once

#include <string>
#include <string_view>

#include "common/base/ids.hpp"
#include "common/base/result.hpp"
#include "common/evidence/manifest.hpp"

namespace tocsin::evidence {

inline constexpr std::string_view kManifestFile = "MANIFEST";
inline constexpr std::string_view kSignatureFile = "MANIFEST.sig";
inline constexpr std::string_view kPublicKeyFile = "agent.pub.pem";
inline constexpr std::size_t kSignatureBytes = 256;

struct Sealed {
  std::string manifest;   // its text
  std::string signature;  // ECDSA over SHA-256, DER; empty: not signed
  std::string public_key_pem;
  friend bool operator==(const Sealed&, const Sealed&) = default;
};

// Prints and signs; the manifest's agent becomes the key's. Errors: those of the key.
Result<Sealed> seal(Manifest manifest, std::string_view key_pem);

// The manifest, where it is signed by the key and the key is the agent's that it names. Errors:
// invalid_argument (no manifest), permission_denied (the signature or the key).
Result<Manifest> open_sealed(const Sealed& sealed);

}  // namespace tocsin::evidence
