#include "agent/link/sample_reader.hpp"

#include <utility>

#include "common/base/limits.hpp"

namespace tocsin::agent {

SampleReader::SampleReader(std::string file) : file_(std::move(file)) {
  if (file_.empty()) return;
  const auto curves = series::SeriesFile::open_to_read(file_);
  if (!curves) return;  // None yet: all that will come is new.
  places_ = curves->places().value_or(series::Places{});
}

std::vector<series::Sample> SampleReader::next() {
  if (file_.empty()) return {};
  const auto curves = series::SeriesFile::open_to_read(file_);
  if (!curves) return {};
  return curves->read_after(places_, limits::kSamples).value_or(std::vector<series::Sample>{});
}

}  // namespace tocsin::agent
