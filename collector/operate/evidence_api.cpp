#include "collector/operate/evidence_api.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "collector/core/commands.hpp"
#include "collector/operate/command_request.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/log/log.hpp"
#include "common/wire/proto.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kProblems = 100;  // of one report
constexpr std::uint32_t kAddWaitMs = 5000;
constexpr std::size_t kExportsKept = 4;  // each at most a few hundred kilobytes

std::string file_label(std::string_view name) { return clean_text(name, limits::kName); }

model::Message damage_message(const model::Evidence& record, const EvidenceDamage& damage) {
  return {"evidence.damaged",
          {{"evidence", model::evidence_name(record.id)},
           {"file", file_label(damage.file)},
           {"why", "@evidence_damage." + damage.why}}};
}

// For certain: what is not answered yet, or failed on the way, may still be taken.
bool is_refused(const Result<v1::ExecuteReply>& reply) {
  if (!reply) return reply.error().code == ErrorCode::already_exists;
  return !reply->pending() && reply->result().outcome() != v1::CommandResult::OUTCOME_DONE;
}

}  // namespace

Result<model::Evidence> EvidenceApi::record(std::uint64_t id) {
  auto rows = id == 0 ? std::vector<model::Evidence>()
                      : parts_.state.evidence({model::EvidenceId{id}, {}, {}, 1});
  if (!rows) return fail(rows.error());
  if (rows->empty()) return fail(ErrorCode::not_found, fmt::format("no evidence E-{}", id));
  return std::move(rows->front());
}

Result<model::Evidence> EvidenceApi::received(std::uint64_t id) {
  auto found = record(id);
  if (found && found->manifest.empty()) {
    return fail(ErrorCode::failed_precondition, fmt::format("E-{} is not here", id));
  }
  return found;
}

Result<v1::EvidenceList> EvidenceApi::list(const v1::ListEvidenceRequest& request) {
  auto now = parts_.operators.as_of(request.read_at());
  if (!now) return fail(now.error());
  const std::size_t limit =
      std::min<std::size_t>(request.limit() == 0 ? 100 : request.limit(), limits::kPageRows);
  const auto rows = parts_.state.evidence({{}, IncidentId{request.incident_id()}, {}, limit + 1});
  if (!rows) return fail(rows.error());
  v1::EvidenceList list;
  *list.mutable_as_of() = std::move(*now);
  list.set_more(rows->size() > limit);
  for (std::size_t i = 0; i < std::min(rows->size(), limit); ++i) {
    model::Evidence row = (*rows)[i];
    row.custody.clear();  // Told of one at a time.
    wire::to_proto(row, *list.add_evidence());
  }
  return list;
}

Result<v1::EvidenceDetail> EvidenceApi::get(const v1::GetEvidenceRequest& request) {
  auto now = parts_.operators.as_of(request.read_at());
  if (!now) return fail(now.error());
  const auto found = record(request.evidence_id());
  if (!found) return fail(found.error());
  v1::EvidenceDetail detail;
  *detail.mutable_as_of() = std::move(*now);
  wire::to_proto(*found, *detail.mutable_evidence());
  if (found->name.empty() && !found->manifest.empty()) {
    // A manifest that is gone is for `verify` to say.
    if (auto text = parts_.store.read(found->manifest, 0, evidence::kManifestBytes)) {
      detail.set_manifest(std::move(*text));
    }
  }
  return detail;
}

Result<v1::EvidenceReport> EvidenceApi::verify(const model::Principal& caller,
                                               const v1::VerifyEvidenceRequest& request) {
  const auto found = received(request.evidence_id());
  if (!found) return fail(found.error());
  if (verifying_.test_and_set()) {
    return fail(ErrorCode::resource_exhausted, "evidence is being verified already; try later");
  }
  const EvidenceCheck check = verify_evidence(parts_.store, *found);
  verifying_.clear();

  model::EvidenceEvent event;
  event.agent = found->agent;
  event.evidence = found->id;
  event.by = caller;
  event.manifest = found->manifest;
  event.act = check.damages.empty() ? model::CustodyAct::verified : model::CustodyAct::damaged;
  event.detail = check.damages.empty()
                     ? model::Message{"evidence.verified",
                                      {{"evidence", model::evidence_name(found->id)},
                                       {"files", std::to_string(check.files)},
                                       {"bytes", std::to_string(check.bytes)}}}
                     : damage_message(*found, check.damages.front());
  std::string bytes = wire::encode_journal(event);
  const auto committed = parts_.intake.submit_and_wait({std::move(bytes), std::move(event)});
  if (!committed) return fail(committed.error());

  v1::EvidenceReport report;
  report.set_intact(check.damages.empty());
  report.set_files(check.files);
  report.set_bytes(check.bytes);
  report.set_manifest_sha256(found->manifest);
  report.set_position(committed->last.value);
  for (std::size_t i = 0; i < std::min(check.damages.size(), kProblems); ++i) {
    wire::to_proto(damage_message(*found, check.damages[i]), *report.add_problems());
  }
  return report;
}

// The judge looked at the role, and the custody entry is in the journal, when it answered this.
Status EvidenceApi::check_released(const model::Principal& caller,
                                   const v1::ReadEvidenceRequest& request) {
  const auto answer = parts_.state.command_result(request.command_id());
  if (!answer) return fail(answer.error());
  const std::string name = model::evidence_name(model::EvidenceId{request.evidence_id()});
  const auto& given = *answer;
  const bool released =
      given && given->principal == caller.name && given->outcome == model::CommandOutcome::done &&
      given->detail.code == "command.evidence_exported" &&
      given->detail.parameters == std::vector<model::Parameter>{{"evidence", name}} &&
      parts_.intake.journal_now() - given->decided <= kExportLife;
  if (released) return {};
  return fail(ErrorCode::permission_denied, name + " was not released to you for export");
}

Result<EvidenceApi::Files> EvidenceApi::files_of_export(const model::Evidence& record) {
  // A file that a person added may be the same bytes as a manifest, and is one file all the same.
  const std::string key = record.manifest + '/' + record.name;
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(exports_.begin(), exports_.end(),
                                  [&](const auto& one) { return one.first == key; });
  if (known != exports_.end()) return known->second;
  auto files = files_of(parts_.store, record);
  if (!files) return fail(files.error());
  auto kept = std::make_shared<const std::vector<ExportFile>>(*std::move(files));
  exports_.emplace_front(key, kept);
  if (exports_.size() > kExportsKept) exports_.pop_back();
  return kept;
}

Result<v1::EvidencePiece> EvidenceApi::read(const model::Principal& caller,
                                            const v1::ReadEvidenceRequest& request) {
  TOCSIN_TRY(check_released(caller, request));
  const auto found = received(request.evidence_id());
  if (!found) return fail(found.error());
  const auto files = files_of_export(*found);
  if (!files) return fail(files.error());
  const std::vector<ExportFile>& all = **files;
  if (request.file() >= all.size()) {
    return fail(ErrorCode::not_found, fmt::format("no file {}", request.file()));
  }
  const ExportFile& file = all[request.file()];
  v1::EvidencePiece piece;
  piece.set_name(file.name);
  piece.set_files(static_cast<std::uint32_t>(all.size()));
  if (file.sha256.empty()) {
    piece.set_size(file.content.size());
    if (request.offset() < file.content.size()) {
      piece.set_data(file.content.substr(static_cast<std::size_t>(request.offset())));
    }
    return piece;
  }
  const auto size = parts_.store.size_of(file.sha256);
  if (!size) return fail(size.error());
  auto data = parts_.store.read(file.sha256, request.offset(), kEvidencePiece);
  if (!data) return fail(data.error());
  piece.set_size(*size);
  piece.set_data(std::move(*data));
  return piece;
}

Result<v1::ExecuteReply> EvidenceApi::add(const model::Principal& caller,
                                          const v1::AddEvidenceRequest& request) {
  // Before anything is stored; the judge asks again.
  if (!may(caller.role, "add_evidence")) {
    return fail(ErrorCode::permission_denied,
                fmt::format("role {} may not add evidence", to_string(caller.role)));
  }
  if (request.content().empty() || request.content().size() > kAddedBytes) {
    return fail(ErrorCode::invalid_argument, "a file of 1 byte to 3 MiB is expected");
  }
  const std::string name = file_label(request.name());
  if (name.empty()) return fail(ErrorCode::invalid_argument, "the file has no name");
  TOCSIN_TRY(check_command_id(request.command_id()));
  const auto room = parts_.store.reserve(request.content().size(), 0);
  if (!room) return fail(room.error());
  auto file = parts_.store.offer(request.content());
  if (!file) return fail(file.error());
  model::Command command;
  command.id = request.command_id();
  command.principal = caller;
  command.note = clean_text(request.note(), limits::kText);
  command.act = model::AddEvidence{IncidentId{request.incident_id()}, name, file->sha256(),
                                   request.content().size()};
  auto reply = parts_.operators.submit(std::move(command), kAddWaitMs);
  if (!is_refused(reply)) file->keep();
  return reply;
}

}  // namespace tocsin::collector
