// Records of a log to what they mean, counted (procedure M-04). Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/checks/own_logins.hpp"
#include "agent/config/settings.hpp"
#include "common/base/instant.hpp"
#include "common/catalogue/catalogue.hpp"
#include "common/model/check.hpp"

namespace tocsin::agent {

// Takes "Nov 22 22:14:54 host sshd[42]: message" apart, also with a time such as
// "2026-11-22T22:14:54.123+08:00". Everything else is a message without a program.
LogRecord parse_log_record(std::string_view line);

// How many of a message came since the first of them, where many are graver than one.
struct ManyWindow {
  Instant since;
  std::uint32_t count = 0;
  friend bool operator==(const ManyWindow&, const ManyWindow&) = default;
};
using ManyWindows = std::map<std::string, ManyWindow, std::less<>>;  // by id

// What is kept between runs: the windows, the logins of our own that go on, and where the reader of
// the log stands.
struct WarningsPosition {
  ManyWindows windows;
  OwnLoginsState logins;
  std::string reader;
  friend bool operator==(const WarningsPosition&, const WarningsPosition&) = default;
};
std::string to_text(const WarningsPosition& position);
std::optional<WarningsPosition> parse_warnings_position(std::string_view text);

// A log that was renamed is made anew within this time, or nobody makes it.
inline constexpr Duration kMadeAnew = 1min;
// Is there a log? Unknown for a while where the look before found one (`there_before`, which also
// holds across a restart); `missing_since` is kept between looks.
model::Tristate log_present(bool there, bool there_before, MonoTime now,
                            std::optional<MonoTime>& missing_since);

// The entry where the run before stopped is gone from the journal: so are those between it and the
// first one left. How many, the numbers in their cursors say where both are of one numbering.
void note_lost_entries(std::string_view stopped_at, std::string_view first_left,
                       model::WarningsFacts& facts);

// What the program itself calls critical, an alert or an emergency, and no message of the catalogue
// is: a group of its own, with the program in its example.
inline constexpr std::uint8_t kSeverePriority = 2;
inline constexpr std::string_view kSevereId = "priority.severe";

class WarningCounter {
 public:
  // `windows`, `logins`: as the run before left them. Both references outlive this.
  WarningCounter(const catalogue::Catalogue& catalogue, const WarningsSettings& settings,
                 ManyWindows windows, OwnLoginsState logins = {});

  // `at`: when it was written, or read where the log does not say.
  void add(const LogRecord& record, Instant at);
  // A record from before the first look, of which only is kept what tells our own logins.
  void remember(const LogRecord& record, Instant at) { logins_.remember(record, at); }
  // Gravest first, at most limits::kWarningGroups. `now`: windows that ended are forgotten.
  void finish(Instant now, model::WarningsFacts& facts);
  const ManyWindows& windows() const { return windows_; }
  const OwnLoginsState& logins() const { return logins_.state(); }

 private:
  void count(const LogRecord& record, Instant at);
  void count_others();
  model::WarningLevel level_now(const catalogue::Match& match, Instant at);

  const catalogue::Catalogue& catalogue_;
  ManyWindows windows_;
  OwnLogins logins_;
  std::map<std::string, model::WarningGroup, std::less<>> groups_;
  std::uint32_t not_kept_ = 0;
  std::uint32_t own_ = 0;
};

}  // namespace tocsin::agent
