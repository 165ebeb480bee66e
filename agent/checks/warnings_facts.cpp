#include "agent/checks/warnings_facts.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "agent/checks/journal_sequence.hpp"
#include "agent/checks/log_heartbeat.hpp"
#include "agent/os/number.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::string_view kVersion = "warnings1\n";
constexpr std::string_view kReader = "reader\n";
constexpr std::size_t kExampleBytes = 512;
// A record can carry any code that looks like one of Storage Protect: those are kept in bounds.
constexpr std::size_t kMostKinds = 4 * limits::kWarningGroups;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// "#" stands for a digit, "A" for a letter, anything else for itself.
bool looks_like(std::string_view text, std::string_view shape) {
  if (text.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool fits = shape[i] == '#' ? is_digit(c) : shape[i] == 'A' ? letter : c == shape[i];
    if (!fits) return false;
  }
  return true;
}

std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

// What follows the time; nothing where the line does not begin with one.
std::optional<std::string_view> after_time(std::string_view line) {
  constexpr std::string_view kShort = "AAA ## ##:##:## ";
  constexpr std::string_view kShortDay = "AAA  # ##:##:## ";
  if (looks_like(line, kShort) || looks_like(line, kShortDay)) return line.substr(kShort.size());
  if (!looks_like(line, "####-##-##T##:##:##")) return std::nullopt;
  take_word(line);
  return line;
}

bool read_window(std::string_view line, ManyWindows& windows) {
  const std::string_view id = take_word(line);
  const std::string_view since = take_word(line);
  ManyWindow window;
  if (!catalogue::valid_id(id) || !os::read_stamp(since, window.since) ||
      !os::read_number(line, window.count)) {
    return false;
  }
  return windows.emplace(id, window).second && windows.size() <= catalogue::kMostMessages;
}

void count_up(std::uint32_t& number) {
  if (number < std::numeric_limits<std::uint32_t>::max()) ++number;
}

}  // namespace

LogRecord parse_log_record(std::string_view line) {
  auto rest = after_time(line);
  if (!rest) return {{}, line};
  take_word(*rest);  // the host
  const std::size_t end = rest->find(": ");
  const std::string_view tag = rest->substr(0, end);
  if (end == rest->npos || tag.find(' ') != tag.npos) return {{}, *rest};
  const std::size_t bracket = tag.find('[');
  LogRecord record{tag.substr(0, bracket), rest->substr(end + 2)};
  const bool numbered =
      bracket != tag.npos && tag.ends_with(']') &&
      os::read_number(tag.substr(bracket + 1, tag.size() - bracket - 2), record.pid);
  if (!numbered) record.pid = 0;
  return record;
}

std::string to_text(const WarningsPosition& position) {
  std::string text(kVersion);
  for (const auto& [id, window] : position.windows) {
    text += fmt::format("{} {} {}\n", id, window.since.ns, window.count);
  }
  return text.append(to_text(position.logins)).append(kReader).append(position.reader);
}

std::optional<WarningsPosition> parse_warnings_position(std::string_view text) {
  if (!text.starts_with(kVersion)) return std::nullopt;
  text.remove_prefix(kVersion.size());
  WarningsPosition position;
  while (!text.starts_with(kReader)) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const bool good = line.starts_with('+') ? parse_line(line, position.logins)
                                            : read_window(line, position.windows);
    if (end == text.npos || !good) return std::nullopt;
    text.remove_prefix(end + 1);
  }
  position.reader = std::string(text.substr(kReader.size()));
  return position;
}

model::Tristate log_present(bool there, bool there_before, MonoTime now,
                            std::optional<MonoTime>& missing_since) {
  if (there) {
    missing_since.reset();
    return model::Tristate::yes;
  }
  if (there_before && !missing_since) missing_since = now;
  const bool soon = missing_since && now - *missing_since < kMadeAnew;
  return soon ? model::Tristate::unknown : model::Tristate::no;
}

void note_lost_entries(std::string_view stopped_at, std::string_view first_left,
                       model::WarningsFacts& facts) {
  const auto before = parse_journal_cursor(stopped_at);
  const auto first = parse_journal_cursor(first_left);
  const bool known = before && first && before->sequence_id == first->sequence_id &&
                     first->sequence > before->sequence;
  facts.lost_track = !known;
  if (known) facts.lost_bytes = first->sequence - before->sequence - 1;
}

WarningCounter::WarningCounter(const catalogue::Catalogue& catalogue,
                               const WarningsSettings& settings, ManyWindows windows,
                               OwnLoginsState logins)
    : catalogue_(catalogue), windows_(std::move(windows)), logins_(settings, std::move(logins)) {}

void WarningCounter::add(const LogRecord& record, Instant at) {
  if (is_heartbeat(record.program, record.message)) return count_up(own_);
  const OwnLogins::Whose whose = logins_.take(record, at);
  count_others();
  if (whose == OwnLogins::Whose::ours) count_up(own_);
  if (whose == OwnLogins::Whose::others) count(record, at);
}

// What was held and turned out to be somebody else's.
void WarningCounter::count_others() {
  for (const HeldRecord& held : logins_.take_others()) {
    count({held.program, held.message, held.pid}, held.at);
  }
  own_ += logins_.take_ours();
}

void WarningCounter::count(const LogRecord& record, Instant at) {
  auto match = catalogue_.find(record.program, record.message);
  const bool by_priority = !match && record.priority <= kSeverePriority;
  if (by_priority) match = catalogue::Match{kSevereId, model::WarningLevel::error, nullptr};
  if (!match) return;
  const model::WarningLevel level = level_now(*match, at);
  auto found = groups_.find(match->id);
  if (found == groups_.end()) {
    if (groups_.size() == kMostKinds) return count_up(not_kept_);
    model::WarningGroup group;
    group.id = std::string(match->id);
    group.first = at;
    group.last = at;
    group.level = level;
    group.example =
        by_priority && !record.program.empty()
            ? clean_text(fmt::format("{}: {}", record.program, record.message), kExampleBytes)
            : clean_text(record.message, kExampleBytes);
    if (match->message != nullptr) group.meaning = match->message->meaning;
    found = groups_.emplace(group.id, std::move(group)).first;
  }
  model::WarningGroup& group = found->second;
  count_up(group.count);
  group.first = std::min(group.first, at);
  group.last = std::max(group.last, at);
  group.level = std::max(group.level, level);
}

model::WarningLevel WarningCounter::level_now(const catalogue::Match& match, Instant at) {
  if (match.message == nullptr || !match.message->many) return match.level;
  const catalogue::Many& many = *match.message->many;
  ManyWindow& window = windows_[match.message->id];
  if (window.count == 0 || at - window.since > many.within) window = {at, 0};
  count_up(window.count);
  return window.count >= many.count ? std::max(match.level, many.level) : match.level;
}

void WarningCounter::finish(Instant now, model::WarningsFacts& facts) {
  logins_.finish(now);
  count_others();
  std::erase_if(windows_, [&](const auto& entry) {
    const auto& messages = catalogue_.messages();
    const auto known = std::find_if(messages.begin(), messages.end(),
                                    [&](const auto& m) { return m.id == entry.first; });
    return known == messages.end() || !known->many ||
           now - entry.second.since > known->many->within;
  });
  for (auto& [id, group] : groups_) facts.groups.push_back(std::move(group));
  groups_.clear();
  std::stable_sort(facts.groups.begin(), facts.groups.end(),
                   [](const auto& a, const auto& b) { return a.level > b.level; });
  const std::size_t kept = std::min(facts.groups.size(), limits::kWarningGroups);
  facts.groups_over_limit = static_cast<std::uint32_t>(facts.groups.size() - kept) + not_kept_;
  facts.groups.resize(kept);
  facts.own_records = own_;
}

}  // namespace tocsin::agent
