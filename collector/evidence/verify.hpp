// Looks at all of a record's bytes again, and names the files of an export.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collector/evidence/store.hpp"
#include "common/base/result.hpp"
#include "common/model/evidence.hpp"

namespace tocsin::collector {

struct EvidenceDamage {
  std::string file;
  std::string why;  // missing, hash, seal, unreadable
  friend bool operator==(const EvidenceDamage&, const EvidenceDamage&) = default;
};
struct EvidenceCheck {
  std::uint32_t files = 0;  // looked at
  std::uint64_t bytes = 0;
  std::vector<EvidenceDamage> damages;  // at most evidence::kItems + 1
};
// REQUIRES: the record is received. Reads everything.
EvidenceCheck verify_evidence(const EvidenceStore& store, const model::Evidence& record);

// One file of an exported folder: `content` where it is small, else the object.
struct ExportFile {
  std::string name;
  std::string sha256;   // of an object
  std::string content;  // where there is none
};
// The manifest, its signature, the key, then the items; of a file that a person added that file
// alone. Errors: not_found (gone from the store), invalid_argument (the manifest is damaged).
Result<std::vector<ExportFile>> files_of(const EvidenceStore& store, const model::Evidence& record);

}  // namespace tocsin::collector
