#include "agent/checks/warnings_facts.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

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
  if (!catalogue::valid_id(id) || !os::read_number(since, window.since.ns) ||
      !os::read_number(line, window.count)) {
    return false;
  }
  return windows.emplace(id, window).second && windows.size() <= catalogue::kMostMessages;
}

bool holds_any(std::string_view text, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
      const auto ends = [](char c) {
        return !is_digit(c) && c != '.' && c != ':' && c != '-' && c != '_' &&
               !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z');
      };
      const std::size_t end = at + word.size();
      if ((at == 0 || ends(text[at - 1])) && (end == text.size() || ends(text[end]))) return true;
    }
    return false;
  });
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
  std::string_view program = rest->substr(0, std::min(end, rest->find_first_of(" [")));
  if (end == rest->npos || rest->substr(0, end).find(' ') != rest->npos) return {{}, *rest};
  return {program, rest->substr(end + 2)};
}

bool is_own_probe(std::string_view message, const WarningsSettings& settings) {
  // As PAM's modules write it: "pam_unix(tocsin-probe:auth): … user=tocsin-probe".
  const std::size_t service = message.find("(tocsin-probe:");
  const std::size_t said = message.find("): ");
  if (message.starts_with("pam_") && service < said && said != message.npos &&
      !settings.local_probe.empty()) {
    return holds_any(message.substr(said), {settings.local_probe});
  }
  return holds_any(message, settings.probe_accounts) &&
         holds_any(message, settings.probe_addresses);
}

std::string to_text(const WarningsPosition& position) {
  std::string text(kVersion);
  for (const auto& [id, window] : position.windows) {
    text += fmt::format("{} {} {}\n", id, window.since.ns, window.count);
  }
  return text.append(kReader).append(position.reader);
}

std::optional<WarningsPosition> parse_warnings_position(std::string_view text) {
  if (!text.starts_with(kVersion)) return std::nullopt;
  text.remove_prefix(kVersion.size());
  WarningsPosition position;
  while (!text.starts_with(kReader)) {
    const std::size_t end = text.find('\n');
    if (end == text.npos || !read_window(text.substr(0, end), position.windows))
      return std::nullopt;
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

WarningCounter::WarningCounter(const catalogue::Catalogue& catalogue,
                               const WarningsSettings& settings, ManyWindows windows)
    : catalogue_(catalogue), settings_(settings), windows_(std::move(windows)) {}

void WarningCounter::add(const LogRecord& record, Instant at) {
  const bool own =
      is_own_probe(record.message, settings_) || is_heartbeat(record.program, record.message);
  if (own) return count_up(own_);
  const auto match = catalogue_.find(record.program, record.message);
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
    group.example = clean_text(record.message, kExampleBytes);
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
