#include "collector/evidence/verify.hpp"

#include <utility>

#include "common/evidence/manifest.hpp"

namespace tocsin::collector {
namespace {

// Bytes under the hash of this name must still have it.
void check_object(const EvidenceStore& store, const std::string& name, const std::string& sha256,
                  EvidenceCheck& check) {
  ++check.files;
  const auto now = store.hash_now(sha256);
  if (!now) {
    const bool gone = now.error().code == ErrorCode::not_found;
    check.damages.push_back({name, gone ? "missing" : "unreadable"});
    return;
  }
  check.bytes += store.size_of(sha256).value_or(0);
  if (*now != sha256) check.damages.push_back({name, "hash"});
}

bool is_collection(const model::Evidence& record) { return record.name.empty(); }

}  // namespace

EvidenceCheck verify_evidence(const EvidenceStore& store, const model::Evidence& record) {
  EvidenceCheck check;
  if (!is_collection(record)) {
    check_object(store, record.name, record.manifest, check);
    return check;
  }
  check_object(store, std::string(evidence::kManifestFile), record.manifest, check);
  if (!check.damages.empty()) return check;
  const auto sealed = store.sealed(record.manifest);
  const auto manifest =
      sealed ? evidence::open_sealed(*sealed) : Result<evidence::Manifest>(fail(sealed.error()));
  if (!manifest || manifest->agent != record.agent.hex) {
    check.damages.push_back({std::string(evidence::kSignatureFile), "seal"});
    return check;
  }
  for (const evidence::Item& item : manifest->items) {
    if (!item.file.empty()) check_object(store, item.file, item.sha256, check);
  }
  return check;
}

Result<std::vector<ExportFile>> files_of(const EvidenceStore& store,
                                         const model::Evidence& record) {
  if (!is_collection(record)) {
    return std::vector<ExportFile>{{evidence::file_name(1, record.name), record.manifest, {}}};
  }
  auto sealed = store.sealed(record.manifest);
  if (!sealed) return fail(sealed.error());
  auto manifest = evidence::parse_manifest(sealed->manifest);
  if (!manifest) return fail(manifest.error());
  std::vector<ExportFile> files;
  files.push_back({std::string(evidence::kManifestFile), record.manifest, {}});
  files.push_back({std::string(evidence::kSignatureFile), {}, std::move(sealed->signature)});
  files.push_back({std::string(evidence::kPublicKeyFile), {}, std::move(sealed->public_key_pem)});
  for (evidence::Item& item : manifest->items) {
    if (!item.file.empty()) files.push_back({std::move(item.file), std::move(item.sha256), {}});
  }
  return files;
}

}  // namespace tocsin::collector
