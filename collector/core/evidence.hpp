// The records of evidence (procedure M-11, H-04, R-13): asked for, collected, received, or not to
// be had (無法取得, with reason and witness), and who had it in hands when. Every entry of custody
// is of the journal's entry that caused it, which is in the hash chain.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/core/effects.hpp"
#include "common/model/evidence.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

inline constexpr Duration kEvidenceWithin = 15min;  // where the command does not say
inline constexpr Duration kEvidenceLongest = 24h;
inline constexpr Duration kEvidenceSince = 24h;
inline constexpr Duration kEvidenceSinceLongest = 31 * 24h;
// A collection that is complete on its host has this long to arrive.
inline constexpr Duration kEvidenceSendWithin = 24h;

// Why nothing can be done with it now; no code: it can.
model::Message not_collectable(const Context& context, const model::CollectEvidence& act);
model::Message not_exportable(const Context& context, const model::ExportEvidence& act);
model::Message not_to_be_given_up(const Context& context, const model::Command& command,
                                  const model::GiveUpEvidence& act);

// What the agent is asked, and the record of it. REQUIRES: it is collectable.
struct EvidenceOrder {
  model::EvidenceId id;
  model::TakeEvidence take;
  Duration within{};
};
EvidenceOrder order_evidence(Context& context, const model::Command& command,
                             const model::CollectEvidence& act);
void evidence_asked(Context& context, const EvidenceOrder& order, const std::string& request_id);
// The same once more, for an agent that may never have had the request; nothing where it is not
// waited for any more.
std::optional<model::TakeEvidence> order_again(const Context& context,
                                               const model::Command& command,
                                               const model::CollectEvidence& act,
                                               std::string_view request_id);

// REQUIRES: the same.
void export_evidence(Context& context, const model::Command& command, model::EvidenceId id);
void give_up_evidence(Context& context, const model::Command& command,
                      const model::GiveUpEvidence& act);
model::EvidenceId add_evidence(Context& context, const model::Command& command,
                               const model::AddEvidence& act);

// The agent's answer to a request, whatever was asked: done, the collection waits on the host.
void take_evidence_answer(Context& context, const model::RequestResult& result);
// No answer came within its time.
void evidence_not_answered(Context& context, std::string_view request_id);
// What the store did or found.
void take_evidence_event(Context& context, const model::EvidenceEvent& event);
// "evidence/ID": a collection never arrived. False where the key is another.
bool fire_evidence_timer(Context& context, std::string_view key);

}  // namespace tocsin::collector
