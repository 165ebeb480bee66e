#include "common/evidence/seal.hpp"

#include "common/crypto/signature.hpp"

namespace tocsin::evidence {

Result<Sealed> seal(Manifest manifest, std::string_view key_pem) {
  auto public_key = crypto::public_key_of(key_pem);
  if (!public_key) return fail(public_key.error());
  const auto agent = crypto::agent_id_of_public_key(*public_key);
  if (!agent) return fail(agent.error());
  manifest.agent = agent->hex;
  Sealed sealed;
  sealed.manifest = print_manifest(manifest);
  sealed.public_key_pem = std::move(*public_key);
  auto signature = crypto::sign(key_pem, sealed.manifest);
  if (!signature) return fail(signature.error());
  sealed.signature = std::move(*signature);
  return sealed;
}

Result<Manifest> open_sealed(const Sealed& sealed) {
  const auto agent = crypto::agent_id_of_public_key(sealed.public_key_pem);
  if (!agent) return fail(agent.error());
  TOCSIN_TRY(crypto::verify(sealed.public_key_pem, sealed.manifest, sealed.signature));
  auto manifest = parse_manifest(sealed.manifest);
  if (!manifest) return manifest;
  if (manifest->agent != agent->hex) {
    return fail(ErrorCode::permission_denied,
                "manifest: it names another agent than the one whose key signed it");
  }
  return manifest;
}

}  // namespace tocsin::evidence
