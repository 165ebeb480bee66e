#include "common/wire/samples.hpp"

#include <cmath>
#include <map>
#include <string_view>

#include "common/wire/text.hpp"

namespace tocsin::wire {

void to_proto(std::span<const series::Sample> from, v1::Samples& to) {
  std::map<std::string_view, v1::Series*> known;
  for (const series::Sample& sample : from) {
    v1::Series*& series = known[sample.series];
    if (series == nullptr) {
      series = to.add_series();
      series->set_name(sample.series);
    }
    series->add_at_ns(sample.at.ns);
    series->add_value(sample.value);
  }
}

Result<std::vector<series::Sample>> from_proto(const v1::Samples& from) {
  TOCSIN_TRY(
      check_count("samples.series", static_cast<std::size_t>(from.series_size()), limits::kSeries));
  std::size_t points = 0;
  std::vector<series::Sample> samples;
  for (const v1::Series& series : from.series()) {
    points += static_cast<std::size_t>(series.at_ns_size());
    TOCSIN_TRY(check_count("samples", points, limits::kSamples));
    if (series.at_ns_size() != series.value_size()) {
      return fail(ErrorCode::invalid_argument, "samples: times and values do not pair");
    }
    const std::string name = clean_text(series.name(), limits::kSeriesName);
    for (int i = 0; i < series.at_ns_size(); ++i) {
      if (name.empty() || !std::isfinite(series.value(i))) continue;
      samples.push_back({name, host_instant(series.at_ns(i)), series.value(i)});
    }
  }
  return samples;
}

}  // namespace tocsin::wire
