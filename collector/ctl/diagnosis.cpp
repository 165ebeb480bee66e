#include "collector/ctl/diagnosis.hpp"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "collector/ctl/json.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/signed_document.hpp"
#include "common/time/civil.hpp"

namespace tocsin::ctl {
namespace {

using crypto::DocumentProblem;
using Kind = crypto::Identity::Kind;

constexpr std::size_t kFileBytes = 16 << 20;
constexpr std::size_t kAuthorityBytes = 256 << 10;
constexpr std::size_t kAgentIdShown = 16;  // digits, as `tocsinctl hosts` can be searched for

// What the document says of itself.
struct Told {
  bool readable = false;
  std::string host;
  std::string at;
  std::string suggested;
  std::string counts;
};

Told told_by(const std::string& document) {
  google::protobuf::Struct json;
  if (!google::protobuf::util::JsonStringToMessage(document, &json).ok()) return {};
  const auto text = [&](const char* field) {
    const auto value = json.fields().find(field);
    return value == json.fields().end() ? std::string()
                                        : clean_text(value->second.string_value(), limits::kName);
  };
  Told told{true, text("host"), text("at"), text("suggested"), {}};
  const auto counts = json.fields().find("counts");
  if (counts == json.fields().end()) return told;
  for (const char* verdict : {"abnormal", "cannot_tell", "normal", "not_run"}) {
    const auto& fields = counts->second.struct_value().fields();
    const auto value = fields.find(verdict);
    if (value == fields.end()) continue;
    told.counts += fmt::format("{}{}={}", told.counts.empty() ? "" : " ", verdict,
                               static_cast<std::int64_t>(value->second.number_value()));
  }
  return told;
}

// Which host the agent is. Empty: nobody could say, and `why` says why.
struct Known {
  std::string host;
  bool revoked = false;
  std::string why;
};

Known host_of(const AgentId& agent, const Settings& settings, const Connect& connect) {
  if (settings.address.empty()) return {};
  const auto client = connect();
  if (!client) return {{}, false, client.error().message};
  v1::ListHostsRequest request;
  request.set_name(agent.hex);
  const auto hosts = (*client)->list_hosts(request);
  if (!hosts) return {{}, false, hosts.error().message};
  for (const v1::HostState& host : hosts->hosts()) {
    if (host.agent_id() == agent.hex) {
      return {clean_text(host.name(), limits::kName), host.revoked(), {}};
    }
  }
  return {{}, false, "no host of this site has this agent"};
}

std::string_view word_of(DocumentProblem problem) {
  switch (problem) {
    case DocumentProblem::none:
      return "";
    case DocumentProblem::document_changed:
      return "document_changed";
    case DocumentProblem::signature_changed:
      return "signature_changed";
    case DocumentProblem::other_authority:
      return "other_authority";
    case DocumentProblem::certificate_not_valid:
      return "certificate_not_valid";
  }
  return "";
}

class Verdict {
 public:
  Verdict(const crypto::SignedDocument& opened, const Settings& settings, const Connect& connect)
      : opened_(opened), view_(settings.view), told_(told_by(opened.document)) {
    const crypto::Identity& identity = opened.signer.identity;
    if (identity.kind == Kind::agent) known_ = host_of(identity.agent, settings, connect);
    problem_ = word_of(opened.problem);
    if (problem_.empty() && identity.kind == Kind::collector) problem_ = "no_signer_of_these";
    if (problem_.empty() && !told_.readable) problem_ = "no_diagnosis";
    if (problem_.empty() && known_.revoked) problem_ = "revoked";
    if (problem_.empty() && !known_.host.empty() && known_.host != told_.host) {
      problem_ = "other_host";
    }
  }
  bool is_genuine() const { return problem_.empty(); }

  std::string text(Instant now) const {
    const auto said = [&](const char* name, Values values = {}) {
      return say(view_, fmt::format("ctl.diagnosis.{}", name), values);
    };
    std::string text =
        is_genuine()
            ? folded(view_, "o " + said("genuine"))
            : folded(view_,
                     "X " + said("not_genuine",
                                 {{"problem", say(view_, "ctl.diagnosis.problem." + problem_)}}));
    Labelled lines(view_);
    lines.add(said("signer"), signer());
    lines.add(said("signed"), clock_text(view_, opened_.signed_at.ns, now.ns));
    lines.add(said("host"), told_.host.empty() ? "-" : told_.host);
    lines.add(said("certificate"),
              said("certificate.text",
                   {{"from", clock_text(view_, opened_.signer.not_before.ns, now.ns)},
                    {"until", clock_text(view_, opened_.signer.not_after.ns, now.ns)}}));
    if (is_genuine()) {
      lines.add(said("result"),
                said("result.text",
                     {{"grade", told_.suggested}, {"counts", told_.counts}, {"at", told_.at}}));
    }
    text += lines.render();
    if (!known_.why.empty()) {
      text +=
          folded(view_, said("host_not_asked", {{"why", clean_text(known_.why, limits::kText)}}));
    }
    return text;
  }

  std::string json() const {
    const crypto::Identity& identity = opened_.signer.identity;
    const bool agent = identity.kind == Kind::agent;
    return fmt::format(
        "{{\"genuine\":{},\"problem\":{},\"signer\":{{\"kind\":\"{}\",\"name\":{},\"host\":{}}},"
        "\"signedAt\":\"{}\",\"certificateUntil\":\"{}\",\"host\":{},\"diagnosis\":{}}}\n",
        is_genuine(), or_null(problem_), agent ? "agent" : "person",
        json_text(agent ? identity.agent.hex : identity.name), or_null(known_.host),
        time::rfc3339(opened_.signed_at), time::rfc3339(opened_.signer.not_after),
        or_null(told_.host), is_genuine() ? one_line(opened_.document) : "null");
  }

 private:
  static std::string or_null(const std::string& text) {
    return text.empty() ? "null" : json_text(text);
  }
  static std::string one_line(std::string document) {
    while (!document.empty() && document.back() == '\n') document.pop_back();
    return document;
  }
  std::string signer() const {
    const crypto::Identity& identity = opened_.signer.identity;
    if (identity.kind == Kind::agent) {
      const std::string id = identity.agent.hex.substr(0, kAgentIdShown);
      if (known_.host.empty()) return say(view_, "ctl.diagnosis.agent", {{"agent", id}});
      return say(view_, "ctl.diagnosis.agent_of", {{"agent", id}, {"host", known_.host}});
    }
    return identity.name;
  }

  const crypto::SignedDocument& opened_;
  const View& view_;
  Told told_;
  Known known_;
  std::string problem_;
};

}  // namespace

Printed run_verify_diagnosis(const VerifyDiagnosis& command, const Settings& settings,
                             const Connect& connect, const time::TimeSource& time) {
  if (settings.authority_file.empty()) {
    return printed(
        {ErrorCode::invalid_argument, "whose authority? --ca FILE, or a context (--context NAME)"},
        settings);
  }
  const auto file = config::read_file(command.file, kFileBytes);
  if (!file) return printed(file.error(), settings);
  const auto authority = config::read_file(settings.authority_file, kAuthorityBytes);
  if (!authority) return printed(authority.error(), settings);
  const auto opened = crypto::open_document(*file, *authority);
  if (!opened) {
    return printed({ErrorCode::data_loss, command.file + ": " + opened.error().message}, settings);
  }
  const Verdict verdict(*opened, settings, connect);
  return {verdict.is_genuine() ? ExitCode::done : ExitCode::failed,
          settings.json ? verdict.json() : verdict.text(time.wall()), ""};
}

}  // namespace tocsin::ctl
