#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "collector/ctl/render.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/i18n/table.hpp"

namespace tocsin::ctl {
namespace {

constexpr std::size_t kCurveCells = 40;
constexpr int kNameCells = 40;
// ASCII, so that it is as wide in every terminal and font.
constexpr std::string_view kRamp = " .:-=+*#";

std::string short_number(double value) {
  const double size = value < 0 ? -value : value;
  if (size >= 1e9) return fmt::format("{:.1f}G", value / 1e9);
  if (size >= 1e6) return fmt::format("{:.1f}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.1f}k", value / 1e3);
  return fmt::format("{:.1f}", value);
}

struct Extremes {
  double least = 0;
  double most = 0;
};
Extremes extremes(const v1::Series& series) {
  Extremes found{series.value(0), series.value(0)};
  for (const double value : series.value()) {
    found.least = std::min(found.least, value);
    found.most = std::max(found.most, value);
  }
  return found;
}

// The mean of each part of the time, from the first point of all curves to the last; blank where
// there was none.
std::string curve(const v1::Series& series, std::int64_t from, std::int64_t to,
                  const Extremes& scale) {
  std::vector<double> sum(kCurveCells, 0);
  std::vector<std::size_t> count(kCurveCells, 0);
  const double length = static_cast<double>(to - from);
  for (int i = 0; i < series.at_ns_size(); ++i) {
    const double part = length <= 0 ? 0 : static_cast<double>(series.at_ns(i) - from) / length;
    // A point on a border belongs to the part that it begins, whatever the division left of it.
    const auto cell = static_cast<std::size_t>(
        std::clamp(part, 0.0, 1.0) * static_cast<double>(kCurveCells - 1) + 1e-6);
    sum[cell] += series.value(i);
    ++count[cell];
  }
  std::string text(kCurveCells, ' ');
  const double height = scale.most - scale.least;
  for (std::size_t cell = 0; cell < kCurveCells; ++cell) {
    if (count[cell] == 0) continue;
    const double mean = sum[cell] / static_cast<double>(count[cell]);
    const double part = height <= 0 ? 0 : std::clamp((mean - scale.least) / height, 0.0, 1.0);
    const double step = part * static_cast<double>(kRamp.size() - 2);
    text[cell] = kRamp[1 + static_cast<std::size_t>(step)];
  }
  return text;
}

}  // namespace

std::string render_metrics(const View& view, const v1::MetricList& list) {
  std::int64_t from = INT64_MAX;
  std::int64_t to = INT64_MIN;
  for (const v1::Series& series : list.series()) {
    for (const std::int64_t at : series.at_ns()) {
      from = std::min(from, at);
      to = std::max(to, at);
    }
  }
  if (from > to) return folded(view, say(view, "ctl.metrics.none", {{"host", list.host()}}));
  i18n::Table table({title(view, "ctl.column.curve_name"), title(view, "ctl.column.last"),
                     title(view, "ctl.column.least"), title(view, "ctl.column.most"),
                     title(view, "ctl.column.curve")});
  for (const v1::Series& series : list.series()) {
    if (series.value().empty() || series.value_size() != series.at_ns_size()) continue;
    const Extremes scale = extremes(series);
    table.add({narrow(view, clean_text(series.name(), limits::kSeriesName), kNameCells),
               short_number(series.value(series.value_size() - 1)), short_number(scale.least),
               short_number(scale.most), "|" + curve(series, from, to, scale) + "|"});
  }
  std::string text = table.render(view.width);
  text += say(view, "ctl.metrics.span",
              {{"from", clock_text(view, from, to)}, {"to", clock_text(view, to, to)}}) +
          "\n";
  if (list.series_left_out() > 0) {
    text += say(view, "ctl.metrics.left_out", {{"count", number(list.series_left_out())}}) + "\n";
  }
  return text;
}

}  // namespace tocsin::ctl
