// Which lines of sshd the login test of this site leaves in a log (procedure M-02), so that the
// warnings check (M-04) reports everybody else's and no more. Pure.
//
// A line that names the test's account and one of the addresses it comes from is ours. With
// "LogLevel VERBOSE" sshd writes more about each connection, in lines that name only the address or
// nothing at all: those are ours where the same process of sshd said whose connection it is. Until
// it has, they are held, over the end of a look too. Only the lines listed in own_logins.cpp are
// taken that way: what else a connection of ours brings about is reported. So that a login counts
// that had begun before the first look at a log, the log's last records are shown with `remember`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/settings.hpp"
#include "common/base/instant.hpp"

namespace tocsin::agent {

struct LogRecord {
  std::string_view program;  // "sshd"; empty: not known
  std::string_view message;
  std::uint32_t pid = 0;  // 0: not known
  // As syslog counts, 0 is the gravest. A log that is a file says nothing of it.
  std::uint8_t priority = 7;
};

// True for what our own login probe leaves in a log: its account is named, and with it one of the
// addresses it comes from and no other, or PAM's service of the local login. One of them alone is
// no proof: anybody can try that account from elsewhere, and anybody can call himself what he
// likes, addresses included.
bool is_own_probe(std::string_view message, const WarningsSettings& settings);

// Of one process of sshd.
struct SshConnection {
  std::uint32_t pid = 0;
  Instant since{};
  bool ours = false;  // false: nobody has said yet
  std::string peer;   // "10.0.0.5 port 4022"
  friend bool operator==(const SshConnection&, const SshConnection&) = default;
};
struct HeldRecord {
  std::uint32_t pid = 0;
  Instant at{};
  std::string program;
  std::string message;
  friend bool operator==(const HeldRecord&, const HeldRecord&) = default;
};

inline constexpr std::size_t kMostConnections = 16;
inline constexpr std::size_t kMostHeld = 32;
// sshd's own limit of a login is two minutes (LoginGraceTime); ours takes seconds.
inline constexpr Duration kConnectionIsFollowed = 150s;

// What is kept between looks. Over its limits the oldest go first, and are reported.
struct OwnLoginsState {
  std::vector<SshConnection> connections;
  std::vector<HeldRecord> held;
  friend bool operator==(const OwnLoginsState&, const OwnLoginsState&) = default;
};
// Lines of text that each begin with '+' and end in '\n'.
std::string to_text(const OwnLoginsState& state);
// One of them without its end; false where it is not one this version wrote.
bool parse_line(std::string_view line, OwnLoginsState& state);

class OwnLogins {
 public:
  // `settings` outlives this.
  OwnLogins(const WarningsSettings& settings, OwnLoginsState state);

  enum class Whose : std::uint8_t { others, ours, held };
  // `at`: when it was written, or read where the log does not say.
  Whose take(const LogRecord& record, Instant at);
  // From before the first look: nothing comes of it, be it whose it may.
  void remember(const LogRecord& record, Instant at);
  // Records that were held and are somebody else's, as far as is known now.
  std::vector<HeldRecord> take_others();
  // How many were held and are ours.
  std::uint32_t take_ours();
  // Forgets what is too old.
  void finish(Instant now);
  const OwnLoginsState& state() const { return state_; }

 private:
  SshConnection* find(std::uint32_t pid);
  void begin(std::uint32_t pid, Instant at, bool ours, std::string peer);
  void forget(std::uint32_t pid);
  void settle_held(std::uint32_t pid, bool ours);
  Whose hold(const LogRecord& record, Instant at);
  Whose take_named(const LogRecord& record, Instant at);
  Whose take_of(const SshConnection& connection, const LogRecord& record, Instant at);

  const WarningsSettings& settings_;
  OwnLoginsState state_;
  std::vector<HeldRecord> others_;
  std::uint32_t ours_ = 0;
};

}  // namespace tocsin::agent
