// tocsinctl baseline list|show|diff|propose|review|approve|reject.
#include <fmt/format.h>

#include "collector/ctl/commands.hpp"
#include "collector/ctl/give.hpp"
#include "collector/ctl/json.hpp"
#include "collector/ctl/render.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::ctl {
namespace {

constexpr std::chrono::seconds kUsualWindow = std::chrono::hours(7 * 24);

// One command about baselines on its way.
class OnBaselineRunner {
 public:
  OnBaselineRunner(const OnBaseline& command, const Settings& settings, Client& client)
      : command_(command), settings_(settings), view_(settings.view), client_(client) {}

  Printed run() {
    switch (command_.act) {
      case OnBaseline::Act::list:
        return list(false);
      case OnBaseline::Act::show:
        return show_one();
      case OnBaseline::Act::diff:
        return diff();
      case OnBaseline::Act::propose:
        return propose();
      case OnBaseline::Act::review:
        return command_.id == 0 ? list(true) : review();
      case OnBaseline::Act::approve:
      case OnBaseline::Act::reject:
        return decide();
    }
    return {};
  }

 private:
  Printed failed(const Error& error) const { return printed(error, settings_); }
  template <class Message>
  Printed shown(const Message& message, std::string (*render)(const View&, const Message&)) const {
    Printed result{ExitCode::done,
                   settings_.json ? to_json(message) + "\n" : render(view_, message), ""};
    result.position = message.as_of().position();
    return result;
  }

  bool has_scope() const { return !command_.host.empty() || !command_.group.empty(); }
  void set_scope(v1::BaselineScope& scope) const {
    const bool group = !command_.group.empty();
    scope.set_kind(group ? v1::BaselineScope::KIND_GROUP : v1::BaselineScope::KIND_HOST);
    scope.set_name(group ? command_.group : command_.host);
  }
  Printed needs_scope() const {
    return failed({ErrorCode::invalid_argument, "a host, or --group with its name, is needed"});
  }

  Printed list(bool proposed_only) {
    v1::ListBaselinesRequest request;
    if (has_scope()) set_scope(*request.mutable_scope());
    request.set_proposed_only(proposed_only);
    const auto list = client_.list_baselines(request);
    return list ? shown(*list, render_baselines) : failed(list.error());
  }

  Printed show_one() {
    if (!has_scope()) return needs_scope();
    v1::GetBaselineRequest request;
    set_scope(*request.mutable_scope());
    request.set_version(command_.version);
    const auto detail = client_.get_baseline(request);
    return detail ? shown(*detail, render_baseline) : failed(detail.error());
  }

  Printed review() {
    v1::GetBaselineRequest request;
    request.set_id(command_.id);
    const auto detail = client_.get_baseline(request);
    return detail ? shown(*detail, render_baseline) : failed(detail.error());
  }

  Printed diff() {
    v1::DiffBaselineRequest request;
    request.set_host(command_.host);
    const auto diff = client_.diff_baseline(request);
    return diff ? shown(*diff, render_baseline_diff) : failed(diff.error());
  }

  Printed propose() {
    if (!has_scope()) return needs_scope();
    v1::Command act = new_command(command_.reason);
    v1::ProposeBaseline& propose = *act.mutable_propose_baseline();
    set_scope(*propose.mutable_scope());
    propose.set_from_finding(command_.finding);
    if (command_.finding == 0) {
      const auto since = command_.since.count() == 0 ? kUsualWindow : command_.since;
      propose.set_since_s(seconds_field(since));
    }
    for (const std::string& entry : command_.leave_out) propose.add_leave_out(entry);
    return give(clean_text(propose.scope().name(), limits::kName), act, settings_, client_);
  }

  // What is decided is what was there a moment ago: its revision says so.
  Printed decide() {
    v1::GetBaselineRequest request;
    request.set_id(command_.id);
    const auto detail = client_.get_baseline(request);
    if (!detail) return failed(detail.error());
    v1::Command act = new_command(command_.reason);
    act.set_seen_revision(detail->baseline().revision());
    if (command_.act == OnBaseline::Act::approve) {
      act.mutable_approve_baseline()->set_baseline_id(command_.id);
      act.mutable_approve_baseline()->set_valid_s(seconds_field(command_.valid));
    } else {
      act.mutable_reject_baseline()->set_baseline_id(command_.id);
    }
    return give(clean_text(detail->baseline().scope().name(), limits::kName), act, settings_,
                client_);
  }

  const OnBaseline& command_;
  const Settings& settings_;
  const View& view_;
  Client& client_;
};

}  // namespace

Printed run_on_baseline(const OnBaseline& command, const Settings& settings, Client& client) {
  return OnBaselineRunner(command, settings, client).run();
}

}  // namespace tocsin::ctl
