#include <array>

#include <fmt/format.h>

#include "collector/ctl/exit_code.hpp"
#include "collector/ctl/render.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::ctl {
namespace {

std::string clean(std::string_view text) { return clean_text(text, limits::kText); }

}  // namespace

std::string render_result(const View& view, std::string_view what, const v1::ExecuteReply& reply) {
  if (reply.pending()) {
    return fmt::format("{}: {}\n", what,
                       say(view, "ctl.pending", {{"position", number(reply.position())}}));
  }
  const v1::CommandResult& result = reply.result();
  std::string text = words(view, result.detail());
  if (result.outcome() == v1::CommandResult::OUTCOME_CONFLICT) {
    text = say(view, "ctl.conflict",
               {{"who", clean(result.conflict_with().name())},
                {"role", role_text(view, result.conflict_with().role())},
                {"revision", number(result.revision())}});
  } else if (text.empty()) {
    text = say(view, "command_outcome.done");
  }
  return folded(view, fmt::format("{}: {}", what, text));
}

std::string render_token(const View& view, const v1::EnrollToken& token, std::int64_t now_ns) {
  Labelled lines(view);
  lines.add(say(view, "ctl.token.address"), clean(token.enroll_address()));
  lines.add(say(view, "ctl.token.authority"), clean(token.authority_fingerprint()));
  lines.add(say(view, "ctl.token.expires"), clock_text(view, token.expires_ns(), now_ns));
  // The token alone on its line and never folded: it is copied as it stands.
  return clean(token.token()) + "\n\n" + lines.render() + folded(view, say(view, "ctl.token.once"));
}

std::string render_audit(const View& view, const v1::AuditReport& report) {
  const std::string counts = say(view, "ctl.audit.counts",
                                 {{"entries", number(report.entries())},
                                  {"groups", number(report.groups())},
                                  {"first", number(report.first_position())},
                                  {"last", number(report.last_position())}});
  std::string text;
  if (report.intact()) {
    text = "o " + say(view, "ctl.audit.intact") + "\n";
  } else {
    text =
        "X " + say(view, "ctl.audit.broken", {{"problem", words(view, report.problem())}}) + "\n";
  }
  text += counts + "\n";
  if (!report.head_hash().empty()) {
    text += say(view, "ctl.audit.head", {{"hash", clean(report.head_hash())}}) + "\n";
  }
  return text;
}

std::string render_exit_codes(const View& view) {
  constexpr std::array kCodes{
      std::pair{ExitCode::done, "ctl.exit.done"},
      std::pair{ExitCode::failed, "ctl.exit.failed"},
      std::pair{ExitCode::usage, "ctl.exit.usage"},
      std::pair{ExitCode::not_found, "ctl.exit.not_found"},
      std::pair{ExitCode::not_permitted, "ctl.exit.not_permitted"},
      std::pair{ExitCode::conflict, "ctl.exit.conflict"},
      std::pair{ExitCode::unreachable, "ctl.exit.unreachable"},
      std::pair{ExitCode::timed_out, "ctl.exit.timed_out"},
      std::pair{ExitCode::level_met, "ctl.exit.level_met"},
      std::pair{ExitCode::interrupted, "ctl.exit.interrupted"},
  };
  Labelled lines(view);
  for (const auto& [exit, text] : kCodes) {
    lines.add(fmt::format("{}", static_cast<int>(exit)), say(view, text));
  }
  return lines.render();
}

}  // namespace tocsin::ctl
