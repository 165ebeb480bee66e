// Evidence (procedure M-11, M-12, H-04, R-13): what is asked of a host, what came of it, and who
// had it in hands when. The bytes themselves are in the collector's evidence store, under their
// hashes; here is only what is said of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.hpp"
#include "common/base/instant.hpp"
#include "common/model/incident.hpp"
#include "common/model/message.hpp"

namespace tocsin::model {

using EvidenceId = NumberId<struct EvidenceIdTag>;  // "E-2"

// ---- What operators ask; why: the command's note ----

struct CollectEvidence {
  AgentId agent;
  IncidentId incident;  // 0: of no incident
  Duration since{};     // how far back the journal is exported
  Duration within{};    // then it could not be obtained (無法取得)
  friend bool operator==(const CollectEvidence&, const CollectEvidence&) = default;
};
// Journaled before the first byte is given out.
struct ExportEvidence {
  EvidenceId evidence;
  friend bool operator==(const ExportEvidence&, const ExportEvidence&) = default;
};
// A person says that it cannot be had, and who saw that.
struct GiveUpEvidence {
  EvidenceId evidence;
  std::string witness;
  friend bool operator==(const GiveUpEvidence&, const GiveUpEvidence&) = default;
};
// A file that a person adds, e.g. a picture of a screen; its bytes are stored already.
struct AddEvidence {
  IncidentId incident;
  std::string name;
  std::string digest;  // SHA-256, hex
  std::uint64_t bytes = 0;
  friend bool operator==(const AddEvidence&, const AddEvidence&) = default;
};

// ---- What is asked of an agent ----

struct TakeEvidence {
  EvidenceId evidence;
  Duration since{};
  std::string asked_by;
  std::string reason;
  std::string incident;  // its number or id, for the manifest; empty: of none
  friend bool operator==(const TakeEvidence&, const TakeEvidence&) = default;
};

// ---- Who had it ----

enum class CustodyAct : std::uint8_t {
  asked = 1,
  collected,  // on the host: hashed, signed, not here yet
  received,   // here, every hash and the signature verified, on disk
  refused,    // by the collector: it does not fit, or is not what was signed
  verified,   // looked at again, and all is as it was
  damaged,    // looked at again, and something is not
  exported,
  added,        // by a person
  unobtainable  // 無法取得
};
std::string_view to_string(CustodyAct act);

// What the evidence store did or found, for the journal.
struct EvidenceEvent {
  AgentId agent;
  std::string request_id;  // of the collection; empty where `evidence` says which
  EvidenceId evidence;
  CustodyAct act = CustodyAct::received;
  Principal by;          // empty: the collector itself
  std::string manifest;  // SHA-256 of the signed manifest, hex
  std::uint64_t bytes = 0;
  std::uint32_t items = 0;
  std::uint32_t missing = 0;  // items that could not be had
  Message detail;
  friend bool operator==(const EvidenceEvent&, const EvidenceEvent&) = default;
};

struct Custody {
  Instant at;
  Position position;  // of the journal entry, which is in the hash chain
  CustodyAct act = CustodyAct::asked;
  Principal by;  // empty: the system
  Message detail;
  friend bool operator==(const Custody&, const Custody&) = default;
};
inline constexpr std::size_t kCustodyKept = 256;  // of one record; all are in the journal

enum class EvidenceState : std::uint8_t { asked = 1, collected, received, unobtainable };
std::string_view to_string(EvidenceState state);

struct Evidence {
  EvidenceId id;
  EvidenceState state = EvidenceState::asked;
  std::string request_id;  // empty: a person added it
  AgentId agent;
  std::string host_name;
  IncidentId incident;
  std::string name;  // of a file that was added
  Principal asked_by;
  Instant asked;
  std::string reason;
  std::optional<Instant> received;
  std::string manifest;  // SHA-256, hex; of a file that was added: its own
  std::uint64_t bytes = 0;
  std::uint32_t items = 0;
  std::uint32_t missing = 0;
  Message problem;      // why it could not be had, or what is damaged
  std::string witness;  // of its being unobtainable
  std::vector<Custody> custody;
  std::uint32_t custody_left_out = 0;  // between the first and the newest ones kept
  friend bool operator==(const Evidence&, const Evidence&) = default;
};

// "E-2", and back; nullopt: no such name.
std::string evidence_name(EvidenceId id);
std::optional<EvidenceId> evidence_from(std::string_view name);

}  // namespace tocsin::model
