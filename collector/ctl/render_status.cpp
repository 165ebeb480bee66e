#include <fmt/format.h>

#include "collector/ctl/render.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/i18n/table.hpp"

namespace tocsin::ctl {
namespace {

constexpr int kHostCells = 20;

std::string clean(std::string_view text) { return clean_text(text, limits::kName); }

std::string agents_line(const View& view, const v1::Status& status) {
  return say(view, "ctl.status.agents.text",
             {{"total", number(status.agents_total())},
              {"heard", number(status.agents_heard())},
              {"silent", number(status.agents_silent())}});
}

std::string channel_text(const View& view, const v1::ChannelStatus& channel, std::int64_t now_ns) {
  if (channel.since_ns() == 0 && channel.pending() == 0) {
    return say(view, "ctl.channel.unused", {{"name", clean(channel.name())}});
  }
  std::string text = say(view, channel.healthy() ? "ctl.channel.healthy" : "ctl.channel.failing",
                         {{"name", clean(channel.name())},
                          {"pending", number(channel.pending())},
                          {"failed", number(channel.failed())},
                          {"since", clock_text(view, channel.since_ns(), now_ns)}});
  if (!channel.healthy() && channel.has_last_detail()) {
    text += ": " + words(view, channel.last_detail());
  }
  return text;
}

std::string open_line(const View& view, const v1::Status& status) {
  std::uint32_t total = 0;
  std::string grades;
  for (const v1::SeverityCount& row : status.open_by_severity()) {
    total += row.count();
    grades += fmt::format("{}{} {}", grades.empty() ? "" : "  ", severity_word(row.severity()),
                          row.count());
  }
  return say(view, "ctl.status.open.text",
             {{"total", number(total)},
              {"grades", grades},
              {"unacknowledged", number(status.unacknowledged())}});
}

std::string needs_you(const View& view, const v1::Status& status) {
  i18n::Table table({title(view, "ctl.column.severity"), title(view, "ctl.column.number"),
                     title(view, "ctl.column.host"), title(view, "ctl.column.waiting"),
                     title(view, "ctl.column.title")});
  std::vector<v1::Severity> grades;
  for (const v1::IncidentState& incident : status.needs_you()) {
    grades.push_back(shown_severity(incident));
    const Duration waits{status.as_of().journal_ns() - incident.opened_ns()};
    table.add({std::string(severity_sign(grades.back())), reference_of(incident),
               narrow(view, clean(incident.host_name()), kHostCells), age_text(waits),
               words(view, incident.title())});
  }
  std::string text = "\n" + coloured(view, table.render(view.width), grades);
  const std::string first = argument_of(status.needs_you(0));
  text += say(view, "ctl.status.next", {{"reference", first}}) + "\n";
  return text;
}

}  // namespace

std::string render_status(const View& view, std::string_view address, const v1::Status& status,
                          bool with_counters) {
  const std::int64_t now = status.as_of().journal_ns();
  Labelled lines(view);
  lines.add(say(view, "ctl.status.collector"),
            say(view, "ctl.status.collector.text",
                {{"address", clean(address)},
                 {"site", clean(status.site())},
                 {"version", clean(status.version())},
                 {"store", clean(status.store())},
                 {"up", age_text(Duration(now - status.started_ns()))}}));
  lines.add(say(view, "ctl.status.data"), say(view, "ctl.status.data.text",
                                              {{"as_of", as_of_text(view, status.as_of())},
                                               {"position", number(status.as_of().position())}}));
  lines.add(say(view, "ctl.status.agents"), agents_line(view, status));
  std::string label = say(view, "ctl.status.channels");
  if (status.channels().empty()) lines.add(label, say(view, "ctl.status.no_channels"));
  for (const v1::ChannelStatus& channel : status.channels()) {
    lines.add(std::exchange(label, {}), channel_text(view, channel, now));
  }
  lines.add(say(view, "ctl.status.open"), open_line(view, status));
  lines.add(say(view, "ctl.status.you"), fmt::format("{} ({})", clean(status.you().name()),
                                                     role_text(view, status.you().role())));
  label = say(view, "ctl.status.warnings");
  for (const v1::Message& warning : status.warnings()) {
    lines.add(std::exchange(label, {}), words(view, warning));
  }
  if (with_counters) {
    label = say(view, "ctl.status.counters");
    for (const v1::Counter& counter : status.counters()) {
      lines.add(std::exchange(label, {}),
                fmt::format("{} {}", clean(counter.name()), counter.value()));
    }
  }
  std::string text = lines.render();
  if (!status.needs_you().empty()) text += needs_you(view, status);
  return text;
}

}  // namespace tocsin::ctl
