#include "agent/checks/journal_retention.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "agent/os/number.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

using model::HistoryGone;

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;
constexpr std::uint64_t kUnlimited = UINT64_MAX;
constexpr std::uint64_t kSmallestFile = 512ULL << 10;
// Blocks are counted, and those of a file that is written to come and go a little.
constexpr std::uint64_t kSlack = kMiB;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  return a > kUnlimited - b ? kUnlimited : a + b;
}

// The number at the start of `text`, which is taken off.
bool take_number(std::string_view& text, std::uint64_t& into) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  if (!os::read_number(text.substr(0, end), into)) return false;
  text.remove_prefix(end);
  return true;
}

std::optional<Duration> unit_of(std::string_view name) {
  using namespace std::chrono_literals;
  struct Unit {
    std::string_view names;  // each between spaces
    Duration length;
  };
  // As systemd.time(7) has them; a month is a twelfth of a year.
  constexpr std::array<Unit, 9> kUnits{{
      {"  s sec second seconds ", 1s},
      {" m min minute minutes ", 1min},
      {" h hr hour hours ", 1h},
      {" d day days ", 24h},
      {" w week weeks ", 168h},
      {" M month months ", 2'629'800s},
      {" y year years ", 31'557'600s},
      {" ms msec ", 1ms},
      {" us usec ", 1us},
  }};
  const std::string word = fmt::format(" {} ", name);
  for (const Unit& unit : kUnits) {
    if (unit.names.find(word) != std::string_view::npos) return unit.length;
  }
  return std::nullopt;
}

template <class T, class Parse>
void set(std::string_view value, const Parse& parse, std::optional<T>& into, bool& unclear) {
  into.reset();
  if (value.empty()) return;
  into = parse(value);
  unclear = unclear || !into;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t count = 0;
  if (!os::read_number(text, count)) return std::nullopt;
  return count;
}

void set_share(std::string_view name, std::string_view value, JournalShare& share, bool& unclear) {
  if (name == "MaxUse") set(value, parse_journal_size, share.most_bytes, unclear);
  if (name == "KeepFree") set(value, parse_journal_size, share.keep_free, unclear);
  if (name == "MaxFileSize") set(value, parse_journal_size, share.largest_file, unclear);
  if (name == "MaxFiles") set(value, parse_count, share.most_files, unclear);
}

std::string limits_text(const JournalLimits& limits) {
  return fmt::format("{:x}-{:x}-{:x}-{:x}-{:x}-{}", limits.most_bytes, limits.keep_free,
                     limits.largest_file, limits.most_files,
                     std::chrono::duration_cast<std::chrono::seconds>(limits.oldest).count(),
                     limits.unclear ? 1 : 0);
}

// Less free than journald leaves free, or hardly more: when it has removed what it had to, there is
// room for as much as its last file had.
bool disk_short(const JournalPlaceSeen& seen) {
  return seen.free < plus(seen.limits.keep_free, 2 * std::min(seen.limits.largest_file, kGiB));
}

// What it leaves is nearly as much as it may keep: with the file that went last it was more.
bool fills_its_share(const JournalLoss& loss, const JournalPlaceKept& before,
                     const JournalPlaceSeen& now) {
  const JournalLimits& limits = now.limits;
  const std::uint64_t went_last = std::max(limits.largest_file, before.largest);
  const bool by_size = limits.most_bytes != kUnlimited &&
                       plus(plus(loss.bytes, went_last), kSlack) > limits.most_bytes;
  return by_size || (limits.most_files > 0 && now.files + 1 >= limits.most_files);
}

// A file that begins before the age is removed whole, so that what is younger may go too.
HistoryGone by_age(const JournalLoss& loss, const JournalLimits& limits) {
  if (limits.oldest <= Duration{} || loss.now - loss.previous_oldest < limits.oldest) {
    return HistoryGone::unexplained;
  }
  return loss.now - loss.oldest < limits.oldest / 2 ? HistoryGone::maybe_by_retention
                                                    : HistoryGone::by_retention;
}

// As large as what is missing, or at least half of it.
bool files_unread(const JournalLoss& loss, const JournalPlaceSeen& now) {
  const std::uint64_t unread = now.bytes - std::min(now.bytes, loss.bytes);
  const std::uint64_t missing = loss.previous_bytes - std::min(loss.previous_bytes, loss.bytes);
  return unread >= kSmallestFile && unread >= missing / 2;
}

HistoryGone by_retention(const JournalLoss& loss, const JournalPlaceKept& before,
                         const JournalPlaceSeen& now) {
  if (fills_its_share(loss, before, now)) return HistoryGone::by_retention;
  const HistoryGone aged = by_age(loss, now.limits);
  if (aged != HistoryGone::unexplained) return aged;
  return now.limits.unclear ? HistoryGone::maybe_by_retention : HistoryGone::unexplained;
}

}  // namespace

std::optional<std::uint64_t> parse_journal_size(std::string_view text) {
  constexpr std::string_view kUnits = "BKMGTPE";
  std::uint64_t size = 0;
  text = trimmed(text);
  if (!take_number(text, size)) return std::nullopt;
  text = trimmed(text);
  if (text.empty()) return size;
  const std::size_t unit = text.size() == 1 ? kUnits.find(text.front()) : std::string_view::npos;
  if (unit == std::string_view::npos || size > (kUnlimited >> (10 * unit))) return std::nullopt;
  return size << (10 * unit);
}

std::optional<Duration> parse_journal_span(std::string_view text) {
  constexpr std::int64_t kLongest = 100LL * 365 * 86'400;  // seconds; an Instant can say as much
  Duration sum{};
  text = trimmed(text);
  if (text.empty()) return std::nullopt;
  if (text == "infinity") return sum;
  while (!text.empty()) {
    std::uint64_t number = 0;
    if (!take_number(text, number)) return std::nullopt;
    text = trimmed(text);
    const std::size_t end = std::min(text.find_first_of("0123456789 \t"), text.size());
    const auto unit = end == 0 ? std::optional<Duration>(1s) : unit_of(text.substr(0, end));
    if (!unit) return std::nullopt;
    const auto most = static_cast<std::uint64_t>(std::chrono::seconds(kLongest) / *unit);
    if (number > most) return std::nullopt;
    sum += *unit * static_cast<std::int64_t>(number);
    if (sum > std::chrono::seconds(kLongest)) return std::nullopt;
    text = trimmed(text.substr(end));
  }
  return sum;
}

void read_journal_settings(std::string_view text, JournalSettings& settings) {
  bool ours = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      ours = line == "[Journal]";
      continue;
    }
    if (!ours) continue;
    if (line.back() == '\\') settings.unclear = true;  // goes on in the next line
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) continue;
    std::string_view name = trimmed(line.substr(0, equals));
    const std::string_view value = trimmed(line.substr(equals + 1));
    if (name == "MaxRetentionSec") {
      std::optional<Duration> oldest;
      set(value, parse_journal_span, oldest, settings.unclear);
      settings.oldest = oldest.value_or(Duration{});
    }
    constexpr std::string_view kDisk = "System";
    constexpr std::string_view kMemory = "Runtime";
    if (name.starts_with(kDisk)) {
      set_share(name.substr(kDisk.size()), value, settings.on_disk, settings.unclear);
    } else if (name.starts_with(kMemory)) {
      set_share(name.substr(kMemory.size()), value, settings.in_memory, settings.unclear);
    }
  }
}

JournalSettings journal_settings(const std::vector<std::string>& files, bool all_read) {
  JournalSettings settings;
  settings.unclear = !all_read;
  for (const std::string& text : files) read_journal_settings(text, settings);
  return settings;
}

JournalLimits journal_limits(const JournalSettings& settings, bool on_disk, std::uint64_t space) {
  const JournalShare& share = on_disk ? settings.on_disk : settings.in_memory;
  JournalLimits limits;
  limits.most_bytes = share.most_bytes ? std::max(*share.most_bytes, 2 * kSmallestFile)
                                       : std::clamp(space / 10, kMiB, 4 * kGiB);
  if (share.most_bytes == std::uint64_t{0}) limits.most_bytes = kUnlimited;
  limits.largest_file = std::max(
      share.largest_file.value_or(std::min(limits.most_bytes / 8, 128 * kMiB)), kSmallestFile);
  if (share.largest_file && limits.largest_file > limits.most_bytes / 2) {
    limits.most_bytes = plus(limits.largest_file, limits.largest_file);
  }
  limits.keep_free = share.keep_free.value_or(std::min(space / 20, 4 * kGiB));
  limits.most_files = share.most_files.value_or(100);
  limits.oldest = settings.oldest;
  limits.unclear = settings.unclear;
  return limits;
}

JournalPlaceKept kept_of(const JournalPlaceSeen& seen) {
  return {seen.machine_id, seen.on_disk, disk_short(seen), limits_text(seen.limits), seen.largest};
}

std::string to_text(const JournalPlaceKept& kept) {
  return fmt::format("{},{},{},{},{:x}", kept.machine_id, kept.on_disk ? 1 : 0,
                     kept.disk_short ? 1 : 0, kept.limits, kept.largest);
}

std::optional<JournalPlaceKept> parse_journal_place_kept(std::string_view text) {
  std::array<std::string_view, 5> parts;
  constexpr std::size_t kFewest = 4;  // as the version before wrote them
  std::size_t count = 0;
  for (bool more = true; more; ++count) {
    if (count == parts.size()) return std::nullopt;
    const std::size_t comma = text.find(',');
    more = comma != std::string_view::npos;
    parts[count] = text.substr(0, comma);
    text.remove_prefix(more ? comma + 1 : text.size());
  }
  if (count < kFewest) return std::nullopt;
  std::uint64_t largest = 0;
  if (count > kFewest && !os::read_number(parts[4], largest, 16)) return std::nullopt;
  const auto flag = [](std::string_view word) { return word == "0" || word == "1"; };
  if (!flag(parts[1]) || !flag(parts[2])) return std::nullopt;
  constexpr std::size_t kMostId = 32;
  constexpr std::size_t kMostLimits = 128;
  if (parts[0].size() > kMostId || parts[3].size() > kMostLimits) return std::nullopt;
  return JournalPlaceKept{std::string(parts[0]), parts[1] == "1", parts[2] == "1",
                          std::string(parts[3]), largest};
}

HistoryGone why_gone(const JournalLoss& loss, const std::optional<JournalPlaceKept>& before,
                     const std::optional<JournalPlaceSeen>& now) {
  if (!before || !now) return HistoryGone::maybe_by_retention;
  if (before->machine_id != now->machine_id) return HistoryGone::machine_changed;
  if (loss.new_boot && !before->on_disk) return HistoryGone::in_memory;
  if (files_unread(loss, *now)) return HistoryGone::files_unread;
  const HistoryGone kept = by_retention(loss, *before, *now);
  if (kept != HistoryGone::unexplained) {
    return before->limits == limits_text(now->limits) ? kept : HistoryGone::settings_changed;
  }
  if (before->disk_short || disk_short(*now)) return HistoryGone::disk_short;
  return HistoryGone::unexplained;
}

}  // namespace tocsin::agent
