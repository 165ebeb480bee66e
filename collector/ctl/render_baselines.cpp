#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "collector/ctl/render.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/i18n/table.hpp"
#include "common/wire/proto.hpp"

namespace tocsin::ctl {
namespace {

constexpr std::size_t kHashShown = 12;

std::string clean(std::string_view text) { return clean_text(text, limits::kText); }

std::string scope_text(const View& view, const v1::BaselineScope& scope) {
  const bool group = scope.kind() == v1::BaselineScope::KIND_GROUP;
  return fmt::format("{} {}", say(view, group ? "baseline.scope.group" : "baseline.scope.host"),
                     clean(scope.name()));
}

std::string status_text(const View& view, const v1::BaselineState& baseline, std::int64_t now) {
  switch (baseline.status()) {
    case v1::BaselineState::STATUS_PROPOSED:
      return say(view, "baseline.status.proposed");
    case v1::BaselineState::STATUS_APPROVED:
      return say(view, baseline.expires_ns() <= now ? "baseline.status.expired"
                                                    : "baseline.status.approved");
    case v1::BaselineState::STATUS_REJECTED:
      return say(view, "baseline.status.rejected");
    case v1::BaselineState::STATUS_REPLACED:
      return say(view, "baseline.status.replaced");
    default:
      return say(view, "baseline.status.superseded");
  }
}

std::string version_text(const v1::BaselineState& baseline) {
  return baseline.version() == 0 ? "-" : fmt::format("v{}", baseline.version());
}

std::string entry_text(const v1::BaselineEntry& entry) {
  const auto decoded = wire::from_proto(entry);
  return decoded ? clean(to_string(*decoded)) : "?";
}

// Which file of all that may be at the path.
std::string file_text(const v1::BaselineEntry& entry) {
  if (!entry.package().empty()) return clean(entry.package());
  if (!entry.sha256().empty()) return "sha256:" + clean(entry.sha256().substr(0, kHashShown));
  return "-";
}

std::string who_text(const View& view, const v1::Decided& decided, std::int64_t now) {
  return fmt::format("{} ({})  {}  {}", clean(decided.by().name()),
                     role_text(view, decided.by().role()), clock_text(view, decided.at_ns(), now),
                     clean(decided.reason()));
}

// Whole, however narrow the terminal is: what is cut off here would be approved unseen.
std::string entry_lines(const View& view, std::string_view sign,
                        const v1::BaselineState::Entry& entry, std::int64_t now) {
  std::string text = folded(
      view, fmt::format("{} {}  {}", sign, entry_text(entry.entry()), file_text(entry.entry())));
  const auto part = [&](std::string_view code, std::string_view value) {
    return fmt::format("  {} {}", say(view, code), value);
  };
  text += folded(
      view, "  " + part("ctl.column.first_seen", clock_text(view, entry.seen().first_ns(), now)) +
                part("ctl.column.present",
                     age_text(std::chrono::milliseconds(entry.seen().present_ms()))) +
                part("ctl.column.times", number(entry.seen().appearances())) +
                part("ctl.column.hosts", number(entry.hosts())));
  for (const v1::Message& mark : entry.marks()) {
    text += folded(view, "    - " + words(view, mark));
  }
  return text;
}

std::string entries_text(const View& view, const v1::BaselineState& baseline, std::int64_t now) {
  if (baseline.entries().empty() && baseline.left_out().empty()) return {};
  std::string text = "\n";
  for (const auto& entry : baseline.entries()) {
    if (!entry.marks().empty()) text += entry_lines(view, "!", entry, now);
  }
  for (const auto& entry : baseline.left_out()) text += entry_lines(view, "x", entry, now);
  for (const auto& entry : baseline.entries()) {
    if (entry.marks().empty()) text += entry_lines(view, " ", entry, now);
  }
  return text + say(view, "ctl.baseline.legend") + "\n";
}

std::string list_text(const View& view, std::string_view sign,
                      const google::protobuf::RepeatedPtrField<v1::BaselineEntry>& entries) {
  std::string text;
  for (const v1::BaselineEntry& entry : entries) {
    text += folded(view, fmt::format("{} {}  {}", sign, entry_text(entry), file_text(entry)));
  }
  return text;
}

void add_decisions(const View& view, const v1::BaselineState& baseline, std::int64_t now,
                   Labelled& lines) {
  lines.add(say(view, "ctl.baseline.proposed"), who_text(view, baseline.proposed(), now));
  if (!baseline.has_decided()) return;
  const bool rejected = baseline.status() == v1::BaselineState::STATUS_REJECTED;
  lines.add(say(view, rejected ? "ctl.baseline.rejected" : "ctl.baseline.approved"),
            who_text(view, baseline.decided(), now));
  if (!rejected) {
    lines.add(say(view, "ctl.baseline.expires"), clock_text(view, baseline.expires_ns(), now));
  }
}

}  // namespace

std::string render_baselines(const View& view, const v1::BaselineList& list) {
  const std::int64_t now = list.as_of().journal_ns();
  i18n::Table table({title(view, "ctl.column.id"), title(view, "ctl.column.scope"),
                     title(view, "ctl.column.version"), title(view, "ctl.column.state"),
                     title(view, "ctl.column.entries"), title(view, "ctl.column.look_at"),
                     title(view, "ctl.column.left_out"), title(view, "ctl.column.by"),
                     title(view, "ctl.column.until")});
  for (const v1::BaselineList::Row& row : list.baselines()) {
    const v1::BaselineState& baseline = row.baseline();
    const bool decided = baseline.has_decided();
    table.add({fmt::format("{}", baseline.id()), scope_text(view, baseline.scope()),
               version_text(baseline), status_text(view, baseline, now),
               fmt::format("{}", row.entries()), fmt::format("{}", row.marked()),
               fmt::format("{}", row.left_out()),
               clean((decided ? baseline.decided() : baseline.proposed()).by().name()),
               clock_text(view, baseline.expires_ns(), now)});
  }
  return (list.baselines().empty() ? std::string() : table.render(view.width)) +
         say(view, "ctl.baseline.sum",
             {{"count", number(static_cast<std::uint64_t>(list.baselines_size()))},
              {"as_of", as_of_text(view, list.as_of())}}) +
         "\n";
}

std::string render_baseline(const View& view, const v1::BaselineDetail& detail) {
  const v1::BaselineState& baseline = detail.baseline();
  const std::int64_t now = detail.as_of().journal_ns();
  Labelled lines(view);
  lines.add(say(view, "ctl.baseline.one"),
            fmt::format("{}  {}  {}  {}", baseline.id(), scope_text(view, baseline.scope()),
                        version_text(baseline), status_text(view, baseline, now)));
  add_decisions(view, baseline, now, lines);
  lines.add(say(view, "ctl.baseline.window"),
            fmt::format("{} - {}", clock_text(view, baseline.window_from_ns(), now),
                        clock_text(view, baseline.window_to_ns(), now)));
  std::string hosts;
  for (const std::string& host : baseline.hosts())
    hosts += (hosts.empty() ? "" : ", ") + clean(host);
  if (!hosts.empty()) {
    lines.add(say(view, "ctl.column.hosts"), fmt::format("{}: {}", baseline.host_count(), hosts));
  }
  for (const v1::Message& note : baseline.notes()) {
    lines.add(say(view, "ctl.baseline.note"), words(view, note));
  }
  std::string text = lines.render() + entries_text(view, baseline, now);
  if (detail.compared_version() != 0) {
    text += "\n" +
            say(view, "ctl.baseline.changes",
                {{"version", number(detail.compared_version())},
                 {"added", number(static_cast<std::uint64_t>(detail.added_size()))},
                 {"removed", number(static_cast<std::uint64_t>(detail.removed_size()))}}) +
            "\n" + list_text(view, "+", detail.added()) + list_text(view, "-", detail.removed());
  }
  if (baseline.status() == v1::BaselineState::STATUS_PROPOSED) {
    text += folded(view, say(view, "ctl.baseline.next", {{"id", number(baseline.id())}}));
  }
  return text;
}

std::string render_baseline_diff(const View& view, const v1::BaselineDiff& diff) {
  const std::int64_t now = diff.as_of().journal_ns();
  Labelled lines(view);
  lines.add(say(view, "ctl.column.host"), clean(diff.host()));
  if (diff.has_baseline()) {
    const v1::BaselineState& baseline = diff.baseline();
    lines.add(say(view, "ctl.baseline.one"),
              fmt::format("{}  {}  {}", scope_text(view, baseline.scope()), version_text(baseline),
                          status_text(view, baseline, now)));
    add_decisions(view, baseline, now, lines);
  }
  if (!diff.policy_baseline().empty()) {
    lines.add(say(view, "ctl.baseline.policy"),
              fmt::format("{}  v{}", clean(diff.policy_baseline()), diff.policy_version()));
  }
  std::string text = lines.render() + "\n";
  for (const v1::CheckStatus& check : diff.checks()) {
    std::string sign =
        fmt::format("{} {}  ", verdict_sign(check.verdict()), check_text(check.check()));
    for (const v1::Message& reason : check.reasons()) {
      text += folded(view, sign + words(view, reason));
      sign.assign(sign.size(), ' ');
    }
  }
  text += "\n" +
          say(view, "ctl.baseline.difference",
              {{"unexpected", number(static_cast<std::uint64_t>(diff.unexpected_size()))},
               {"absent", number(static_cast<std::uint64_t>(diff.absent_size()))},
               {"as_of", as_of_text(view, diff.as_of())}}) +
          "\n";
  return text + list_text(view, "+", diff.unexpected()) + list_text(view, "-", diff.absent());
}

}  // namespace tocsin::ctl
