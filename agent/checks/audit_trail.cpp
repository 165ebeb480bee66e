#include "agent/checks/audit_trail.hpp"

#include <algorithm>
#include <optional>

#include "agent/os/number.hpp"

namespace tocsin::agent {
namespace {

// Of a line such as "type=USER msg=audit(1700000000.123:456): …".
std::optional<std::uint64_t> serial_of(std::string_view line) {
  constexpr std::string_view kStart = "msg=audit(";
  const std::size_t at = line.find(kStart);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view stamp = line.substr(at + kStart.size(), 64);
  const std::size_t colon = stamp.find(':');
  const std::size_t close = stamp.find(')');
  if (close == std::string_view::npos || colon == std::string_view::npos || colon > close) {
    return std::nullopt;
  }
  std::uint64_t serial = 0;
  if (!os::read_number(stamp.substr(colon + 1, close - colon - 1), serial) || serial == 0) {
    return std::nullopt;
  }
  return serial;
}

}  // namespace

TrailReader::TrailReader(const TrailPlace& before, bool may_count_anew)
    : place_(before), may_count_anew_(may_count_anew) {}

void TrailReader::read(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t end = piece.find('\n');
    const std::string_view part = piece.substr(0, end);
    const bool whole = end != std::string_view::npos;
    if (whole && line_bytes_ == 0) {
      take_line(part.substr(0, kLongestLine));
    } else {
      line_.append(part.substr(0, kLongestLine - line_.size()));
      line_bytes_ += part.size();
      if (whole) {
        take_line(line_);
        line_.clear();
        line_bytes_ = 0;
      }
    }
    piece.remove_prefix(whole ? end + 1 : piece.size());
  }
}

void TrailReader::take_line(std::string_view line) {
  const auto serial = serial_of(line);
  if (!serial || line.starts_with("type=DAEMON_")) return;
  note_switch(line, *serial);
  note_serial(*serial);
}

// The kernel records that it is turned off, and not that it is turned on again: then there are
// records of a later serial.
void TrailReader::note_switch(std::string_view line, std::uint64_t serial) {
  constexpr std::string_view kSwitch = " audit_enabled=";
  // Those the kernel lets through while auditing is off.
  if (line.starts_with("type=USER_AVC ")) return;
  const std::size_t at = line.find(kSwitch);
  // A change that the kernel refused is recorded too.
  const bool change = line.starts_with("type=CONFIG_CHANGE ") && at != std::string_view::npos &&
                      line.find(" res=0") == std::string_view::npos;
  if (change) {
    place_.recorded_on = model::tristate(line.substr(at + kSwitch.size(), 1) != "0");
  } else if (serial > place_.serial) {
    place_.recorded_on = model::Tristate::yes;
  }
}

void TrailReader::note_serial(std::uint64_t serial) {
  const std::uint64_t highest = place_.serial;
  if (serial <= highest) {
    if (!may_count_anew_ || counted_anew_ || highest - serial < kCountsAnew) return fill(serial);
    // What was open is of the boot before, and so is what turned auditing off.
    counted_anew_ = true;
    open_.clear();
    closed_ = 0;
    place_ = {serial, model::Tristate::unknown};
    return;
  }
  if (highest > 0 && serial - highest > 1) open_.push_back({highest + 1, serial - 1});
  place_.serial = serial;
  if (open_.size() <= kOpenRanges) return;
  closed_ += open_.front().last - open_.front().first + 1;
  open_.pop_front();
}

void TrailReader::fill(std::uint64_t serial) {
  const auto at = std::lower_bound(
      open_.begin(), open_.end(), serial,
      [](const Range& range, std::uint64_t number) { return range.last < number; });
  if (at == open_.end() || at->first > serial) return;
  const Range before{at->first, serial - 1};
  const Range after{serial + 1, at->last};
  if (before.first > before.last && after.first > after.last) {
    open_.erase(at);
  } else if (before.first > before.last) {
    *at = after;
  } else {
    *at = before;
    if (after.first <= after.last) open_.insert(at + 1, after);
  }
}

TrailPlace TrailReader::place() const {
  const bool of_before = may_count_anew_ && !counted_anew_ && place_.serial > kCountsAnew;
  return of_before ? TrailPlace{0, place_.recorded_on} : place_;
}

std::uint64_t TrailReader::missing_until(std::uint64_t serial) const {
  std::uint64_t count = closed_;
  for (const Range& range : open_) {
    if (range.first > serial) break;
    count += std::min(range.last, serial) - range.first + 1;
  }
  return count;
}

}  // namespace tocsin::agent
