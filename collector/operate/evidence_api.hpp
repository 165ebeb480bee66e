// What operators may ask of evidence. Asking for it, giving it up and releasing it for export are
// commands like others (OperatorApi::execute); here is what needs the bytes. Every access to them
// is in the journal before it is answered.
//
// Thread-safe. Everything in Parts must outlive it.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tocsin/v1/operator.pb.h"

#include "collector/evidence/store.hpp"
#include "collector/evidence/verify.hpp"
#include "collector/operate/operator_api.hpp"
#include "collector/ports/intake.hpp"
#include "collector/ports/state.hpp"
#include "common/base/result.hpp"
#include "common/model/incident.hpp"

namespace tocsin::collector {

inline constexpr std::size_t kEvidencePiece = 1 << 20;
inline constexpr std::size_t kAddedBytes = 3 << 20;
// An export that was released is read within this time.
inline constexpr Duration kExportLife = 1h;

class EvidenceApi {
 public:
  struct Parts {
    OperatorApi& operators;
    StateReader& state;
    Intake& intake;
    EvidenceStore& store;
  };
  explicit EvidenceApi(const Parts& parts) : parts_(parts) {}

  // Errors of all: as OperatorApi's; not_found (no such record), failed_precondition (it is not
  // here).
  Result<v1::EvidenceList> list(const v1::ListEvidenceRequest& request);
  Result<v1::EvidenceDetail> get(const v1::GetEvidenceRequest& request);
  // Reads every byte. Errors: resource_exhausted (one is under way).
  Result<v1::EvidenceReport> verify(const model::Principal& caller,
                                    const v1::VerifyEvidenceRequest& request);
  // For whoever gave the ExportEvidence command, within kExportLife. Errors: permission_denied.
  Result<v1::EvidencePiece> read(const model::Principal& caller,
                                 const v1::ReadEvidenceRequest& request);
  // For those who may. Errors: permission_denied, resource_exhausted (no room).
  Result<v1::ExecuteReply> add(const model::Principal& caller,
                               const v1::AddEvidenceRequest& request);

 private:
  Result<model::Evidence> record(std::uint64_t id);
  Result<model::Evidence> received(std::uint64_t id);
  Status check_released(const model::Principal& caller, const v1::ReadEvidenceRequest& request);
  using Files = std::shared_ptr<const std::vector<ExportFile>>;
  Result<Files> files_of_export(const model::Evidence& record);

  const Parts parts_;
  std::atomic_flag verifying_;

  // Of the records that were read last: a file is read in many pieces, and its manifest once. What
  // is under a hash never changes.
  std::mutex mutex_;
  std::deque<std::pair<std::string, Files>> exports_;  // by manifest, the newest first
};

}  // namespace tocsin::collector
