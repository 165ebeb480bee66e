#include "collector/ctl/evidence.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "collector/ctl/export_folder.hpp"
#include "collector/ctl/give.hpp"
#include "collector/ctl/json.hpp"
#include "collector/ctl/render.hpp"
#include "collector/ctl/resolve.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "common/evidence/seal.hpp"
#include "common/model/evidence.hpp"

namespace tocsin::ctl {
namespace {

constexpr std::uint32_t kWaitStepMs = 1000;
constexpr std::size_t kAddedBytes = 3 << 20;

// One file of an export as it arrives.
struct Exported {
  std::map<std::string, std::string> hashes;  // by name
  evidence::Sealed sealed;
  std::uint64_t bytes = 0;
};

class EvidenceRunner {
 public:
  EvidenceRunner(const EvidenceCommand& command, const EvidenceTools& tools)
      : command_(command), tools_(tools), settings_(tools.settings), view_(settings_.view) {}

  Printed run() {
    using Act = EvidenceCommand::Act;
    switch (command_.act) {
      case Act::collect:
        return collect();
      case Act::list:
        return list();
      case Act::show:
        return show();
      case Act::verify:
        return verify();
      case Act::export_:
        return export_to_folder();
      case Act::give_up:
        return give_up();
      case Act::add:
        return add();
    }
    return {};
  }

 private:
  Printed failed(const Error& error) const { return printed(error, settings_); }
  template <class Message>
  Printed shown(const Message& message, std::string text) const {
    Printed shown{ExitCode::done, settings_.json ? to_json(message) + "\n" : std::move(text), ""};
    if constexpr (requires { message.as_of(); }) shown.position = message.as_of().position();
    return shown;
  }
  // "E-2" as the collector counts it. Errors: invalid_argument.
  Result<std::uint64_t> id() const {
    if (const auto known = model::evidence_from(command_.id)) return known->value;
    return fail(ErrorCode::invalid_argument, fmt::format("\"{}\" is no evidence; it is called E-2",
                                                         clean_text(command_.id, limits::kName)));
  }
  // 0: no incident was named.
  Result<std::uint64_t> incident() const {
    if (command_.incident.empty()) return 0;
    const auto detail = tools_.find_incident(command_.incident);
    if (!detail) return fail(detail.error());
    return detail->incident().id();
  }

  Printed collect();
  Printed wait_for(const v1::Command& act, const v1::ExecuteReply& asked);
  Printed list();
  Printed show();
  Printed verify();
  Printed give_up();
  Printed add();
  Printed export_to_folder();
  Result<Exported> fetch(const std::string& command_id, std::uint64_t evidence,
                         ExportFolder& folder);
  Status fetch_file(v1::ReadEvidenceRequest& request, ExportFolder& folder, Exported& exported,
                    std::uint32_t& files);
  Status check(const Exported& exported) const;

  const EvidenceCommand& command_;
  const EvidenceTools& tools_;
  const Settings& settings_;
  const View& view_;
};

Printed EvidenceRunner::collect() {
  v1::ListHostsRequest request;
  request.set_name(command_.host);
  const auto hosts = tools_.client.list_hosts(request);
  if (!hosts) return failed(hosts.error());
  const auto host = only_host(*hosts, command_.host);
  if (!host) return failed(host.error());
  const auto of_incident = incident();
  if (!of_incident) return failed(of_incident.error());
  v1::Command act = new_command(command_.reason);
  v1::CollectEvidence& asked = *act.mutable_collect_evidence();
  asked.set_agent_id(host->agent_id());
  asked.set_incident_id(*of_incident);
  asked.set_since_s(static_cast<std::uint64_t>(command_.since.count()));
  asked.set_within_s(seconds_field(command_.within));
  const std::string what = clean_text(host->name(), limits::kName);
  if (settings_.dry_run) return printed_not_sent(what, act, settings_);
  const auto reply = execute(act, settings_, tools_.client);
  if (!reply) return failed(reply.error());
  const Printed told = printed_answer(what, *reply, settings_);
  if (!command_.wait || told.exit != ExitCode::done) return told;
  return wait_for(act, *reply);
}

// Between two looks the collector holds the call until something new is judged.
Printed EvidenceRunner::wait_for(const v1::Command& act, const v1::ExecuteReply& asked) {
  const MonoTime give_up = tools_.time.steady() + settings_.timeout;
  v1::ListEvidenceRequest request;
  request.set_limit(limits::kPageRows);
  request.mutable_read_at()->set_at_least_position(asked.position());
  request.mutable_read_at()->set_wait_ms(kWaitStepMs);
  while (tools_.time.steady() < give_up) {
    const auto rows = tools_.client.list_evidence(request);
    if (!rows && rows.error().code == ErrorCode::deadline_exceeded) continue;
    if (!rows) return failed(rows.error());
    for (const v1::EvidenceState& row : rows->evidence()) {
      if (!row.request_id().ends_with("." + act.id())) continue;
      const bool here = row.state() == v1::EvidenceState::STATE_RECEIVED;
      if (!here && row.state() != v1::EvidenceState::STATE_UNOBTAINABLE) continue;
      v1::GetEvidenceRequest one;
      one.set_evidence_id(row.id());
      const auto detail = tools_.client.get_evidence(one);
      if (!detail) return failed(detail.error());
      Printed end = shown(*detail, render_evidence(view_, *detail));
      if (!here) end.exit = ExitCode::failed;
      return end;
    }
    request.mutable_read_at()->set_at_least_position(rows->as_of().position() + 1);
  }
  return {ExitCode::timed_out, "", say(view_, "ctl.evidence.no_answer") + "\n"};
}

Printed EvidenceRunner::list() {
  const auto of_incident = incident();
  if (!of_incident) return failed(of_incident.error());
  v1::ListEvidenceRequest request;
  request.set_incident_id(*of_incident);
  const auto rows = tools_.client.list_evidence(request);
  if (!rows) return failed(rows.error());
  return shown(*rows, render_evidence_list(view_, *rows));
}

Printed EvidenceRunner::show() {
  const auto number = id();
  if (!number) return failed(number.error());
  v1::GetEvidenceRequest request;
  request.set_evidence_id(*number);
  const auto detail = tools_.client.get_evidence(request);
  if (!detail) return failed(detail.error());
  return shown(*detail, render_evidence(view_, *detail));
}

Printed EvidenceRunner::verify() {
  const auto number = id();
  if (!number) return failed(number.error());
  v1::VerifyEvidenceRequest request;
  request.set_evidence_id(*number);
  const auto report = tools_.client.verify_evidence(request);
  if (!report) return failed(report.error());
  Printed result =
      shown(*report, render_evidence_report(view_, fmt::format("E-{}", *number), *report));
  if (!report->intact()) result.exit = ExitCode::failed;
  return result;
}

Printed EvidenceRunner::give_up() {
  const auto number = id();
  if (!number) return failed(number.error());
  v1::Command act = new_command(command_.reason);
  act.mutable_give_up_evidence()->set_evidence_id(*number);
  act.mutable_give_up_evidence()->set_witness(command_.witness);
  return give(fmt::format("E-{}", *number), act, settings_, tools_.client);
}

Printed EvidenceRunner::add() {
  const auto of_incident = incident();
  if (!of_incident) return failed(of_incident.error());
  auto content = config::read_file(command_.file, kAddedBytes);
  if (!content) return failed(content.error());
  const v1::Command act = new_command(command_.reason);
  v1::AddEvidenceRequest request;
  request.set_command_id(act.id());
  request.set_incident_id(*of_incident);
  request.set_name(command_.file.substr(command_.file.rfind('/') + 1));
  request.set_note(command_.reason);
  const std::string what = clean_text(request.name(), limits::kName);
  if (settings_.dry_run) return printed_not_sent(what, act, settings_);
  request.set_content(std::move(*content));
  const auto reply = tools_.client.add_evidence(request);
  if (!reply) return failed(reply.error());
  return printed_answer(what, *reply, settings_);
}

// ---- Export ----

Printed EvidenceRunner::export_to_folder() {
  const auto number = id();
  if (!number) return failed(number.error());
  v1::Command act = new_command(command_.reason);
  act.mutable_export_evidence()->set_evidence_id(*number);
  const std::string name = fmt::format("E-{}", *number);
  if (settings_.dry_run) return printed_not_sent(name, act, settings_);
  // Before it is asked for: an export that is nowhere would stand in the custody all the same.
  auto folder = ExportFolder::create(command_.folder);
  if (!folder) return failed(folder.error());
  const auto reply = execute(act, settings_, tools_.client);
  if (!reply || exit_of(*reply) != ExitCode::done) {
    folder->discard();
    return reply ? printed_answer(name, *reply, settings_) : failed(reply.error());
  }
  const auto exported = fetch(act.id(), *number, *folder);
  if (!exported) return failed(exported.error());
  if (const Status intact = check(*exported); !intact) return failed(intact.error());

  v1::GetEvidenceRequest request;
  request.set_evidence_id(*number);
  const auto detail = tools_.client.get_evidence(request);
  if (!detail) return failed(detail.error());
  if (Status written = folder->begin("custody.txt"); !written) return failed(written.error());
  if (Status written = folder->append(custody_text(view_, detail->evidence())); !written) {
    return failed(written.error());
  }
  if (Status written = folder->end(); !written) return failed(written.error());
  const bool is_signed = !exported->sealed.signature.empty();
  return shown(*detail,
               say(view_, "ctl.evidence.exported",
                   {{"name", name},
                    {"folder", command_.folder},
                    {"files", ctl::number(exported->hashes.size())},
                    {"bytes", ctl::number(exported->bytes)}}) +
                   "\n" +
                   (is_signed ? fmt::format("cd {} && openssl dgst -sha256 -verify {} -signature "
                                            "{} {} && sha256sum --check --strict {}\n",
                                            command_.folder, evidence::kPublicKeyFile,
                                            evidence::kSignatureFile, evidence::kManifestFile,
                                            evidence::kManifestFile)
                              : std::string()));
}

Result<Exported> EvidenceRunner::fetch(const std::string& command_id, std::uint64_t evidence,
                                       ExportFolder& folder) {
  v1::ReadEvidenceRequest request;
  request.set_command_id(command_id);
  request.set_evidence_id(evidence);
  Exported exported;
  std::uint32_t files = 1;
  for (std::uint32_t file = 0; file < files; ++file) {
    request.set_file(file);
    TOCSIN_TRY(fetch_file(request, folder, exported, files));
  }
  return exported;
}

Status EvidenceRunner::fetch_file(v1::ReadEvidenceRequest& request, ExportFolder& folder,
                                  Exported& exported, std::uint32_t& files) {
  crypto::Sha256 hash;
  std::string name;
  std::string small;
  for (std::uint64_t at = 0;;) {
    request.set_offset(at);
    const auto piece = tools_.client.read_evidence(request);
    if (!piece) return fail(piece.error());
    if (at == 0) {
      name = piece->name();
      files = piece->files();
      TOCSIN_TRY(folder.begin(name));
    }
    if (small.size() <= evidence::kManifestBytes) small += piece->data();
    TOCSIN_TRY(folder.append(piece->data()));
    hash.update(piece->data());
    at += piece->data().size();
    exported.bytes += piece->data().size();
    if (piece->data().empty() || at >= piece->size()) break;
  }
  TOCSIN_TRY(folder.end());
  exported.hashes[name] = to_hex(hash.finish());
  if (name == evidence::kManifestFile) exported.sealed.manifest = std::move(small);
  if (name == evidence::kSignatureFile) exported.sealed.signature = std::move(small);
  if (name == evidence::kPublicKeyFile) exported.sealed.public_key_pem = std::move(small);
  return {};
}

// What arrived here is what the host signed.
Status EvidenceRunner::check(const Exported& exported) const {
  if (exported.sealed.manifest.empty()) return {};  // A file that a person added.
  const auto manifest = evidence::open_sealed(exported.sealed);
  if (!manifest) return fail(ErrorCode::data_loss, manifest.error().message);
  for (const evidence::Item& item : manifest->items) {
    if (item.file.empty()) continue;
    const auto found = exported.hashes.find(item.file);
    if (found == exported.hashes.end() || found->second != item.sha256) {
      return fail(ErrorCode::data_loss, item.file + " is not what the host signed");
    }
  }
  return {};
}

}  // namespace

Printed run_evidence(const EvidenceCommand& command, const EvidenceTools& tools) {
  return EvidenceRunner(command, tools).run();
}

}  // namespace tocsin::ctl
