#include "agent/checks/own_logins.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "agent/os/number.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kHeldBytes = 384;  // what sshd writes before a login is shorter
constexpr std::string_view kPreauth = " [preauth]";

bool is_word_byte(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-' || c == '_' ||
         (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Where the word stands whole; npos: nowhere.
std::size_t find_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word_byte(text[at - 1])) &&
        (end == text.size() || !is_word_byte(text[end]))) {
      return at;
    }
  }
  return text.npos;
}

bool holds_any(std::string_view text, const std::vector<std::string>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const std::string& word) { return find_word(text, word) != text.npos; });
}

bool is_address(std::string_view word) {
  const std::string text(word);
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

// Who connects is always named by his address, so what else a line says cannot speak for him.
bool names_another_address(std::string_view text, const std::vector<std::string>& ours) {
  const auto in_address = [](char c) {
    return c == '.' || c == ':' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
           (c >= 'A' && c <= 'F');
  };
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), in_address);
    std::string_view word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    while (word.ends_with('.') || (word.ends_with(':') && !word.ends_with("::"))) {
      word.remove_suffix(1);
    }
    // "fe80::1%eth0" is ours with and without its interface.
    const bool known = std::any_of(ours.begin(), ours.end(), [&](std::string_view one) {
      return one.substr(0, one.find('%')) == word;
    });
    if (word.size() > 2 && !known && is_address(word)) return true;
  }
  return false;
}

// "10.0.0.5 port 4022" of a text that begins so; empty where it does not.
std::string_view peer_at(std::string_view text, const std::vector<std::string>& addresses) {
  constexpr std::string_view kPort = " port ";
  for (const std::string& address : addresses) {
    if (!text.starts_with(address) || !text.substr(address.size()).starts_with(kPort)) continue;
    const std::size_t digits = address.size() + kPort.size();
    const std::size_t end = std::min(text.find_first_not_of("0123456789", digits), text.size());
    if (end > digits) return text.substr(0, end);
  }
  return {};
}

// The same, wherever it stands.
std::string_view peer_in(std::string_view text, const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    const std::size_t at = find_word(text, address);
    if (at != text.npos) return peer_at(text.substr(at), addresses);
  }
  return {};
}

// "WORDS PEER", with nothing behind it but what sshd adds.
bool says_of_peer(std::string_view message, std::string_view words, std::string_view peer) {
  if (!message.starts_with(words)) return false;
  message.remove_prefix(words.size());
  if (peer.empty() || !message.starts_with(peer)) return false;
  message.remove_prefix(peer.size());
  return message.empty() || message == kPreauth || message.starts_with(':');
}

bool says_session_of(std::string_view message, std::string_view what,
                     const std::vector<std::string>& accounts) {
  constexpr std::string_view kSession = "pam_unix(sshd:session): session ";
  if (!message.starts_with(kSession)) return false;
  message.remove_prefix(kSession.size());
  return message.starts_with(what) && holds_any(message.substr(what.size()), accounts);
}

bool is_accepted_key(std::string_view message) {
  return message.starts_with("Accepted key ") && message.find(" found at ") != message.npos;
}

std::uint32_t child_in(std::string_view message) {
  constexpr std::string_view kChild = "User child is on pid ";
  std::uint32_t pid = 0;
  if (!message.starts_with(kChild) || !os::read_number(message.substr(kChild.size()), pid))
    return 0;
  return pid;
}

std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find(' '), text.size());
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return word;
}

bool parse_connection(std::string_view line, OwnLoginsState& state) {
  SshConnection connection;
  const bool numbers = os::read_number(take_word(line), connection.pid) &&
                       os::read_stamp(take_word(line), connection.since);
  const std::string_view ours = take_word(line);
  if (!numbers || (ours != "0" && ours != "1") || line.size() > limits::kName) return false;
  connection.ours = ours == "1";
  connection.peer = std::string(line);
  state.connections.push_back(std::move(connection));
  return state.connections.size() <= kMostConnections;
}

bool parse_held(std::string_view line, OwnLoginsState& state) {
  HeldRecord held;
  if (!os::read_number(take_word(line), held.pid) || !os::read_stamp(take_word(line), held.at)) {
    return false;
  }
  held.program = std::string(take_word(line));
  if (!from_hex(line, held.message) || held.message.size() > kHeldBytes) return false;
  state.held.push_back(std::move(held));
  return state.held.size() <= kMostHeld;
}

// A clock that was set back between two lines of a connection makes the later one older.
bool is_recent(Instant at, Instant now) {
  const Duration age = now - at;
  return at >= Instant{} && age < kConnectionIsFollowed && age > -kConnectionIsFollowed;
}

}  // namespace

bool is_own_probe(std::string_view message, const WarningsSettings& settings) {
  // As PAM's modules write it: "pam_unix(tocsin-probe:auth): … user=tocsin-probe".
  const std::size_t service = message.find("(tocsin-probe:");
  const std::size_t said = message.find("): ");
  if (message.starts_with("pam_") && service < said && said != message.npos &&
      !settings.local_probe.empty()) {
    return find_word(message.substr(said), settings.local_probe) != message.npos;
  }
  return holds_any(message, settings.probe_accounts) &&
         holds_any(message, settings.probe_addresses) &&
         !names_another_address(message, settings.probe_addresses);
}

std::string to_text(const OwnLoginsState& state) {
  std::string text;
  for (const SshConnection& c : state.connections) {
    text += fmt::format("+connection {} {} {} {}\n", c.pid, c.since.ns, c.ours ? 1 : 0, c.peer);
  }
  for (const HeldRecord& h : state.held) {
    text += fmt::format("+held {} {} {} {}\n", h.pid, h.at.ns, h.program, to_hex(h.message));
  }
  return text;
}

bool parse_line(std::string_view line, OwnLoginsState& state) {
  const std::string_view what = take_word(line);
  if (what == "+connection") return parse_connection(line, state);
  return what == "+held" && parse_held(line, state);
}

OwnLogins::OwnLogins(const WarningsSettings& settings, OwnLoginsState state)
    : settings_(settings), state_(std::move(state)) {}

SshConnection* OwnLogins::find(std::uint32_t pid) {
  const auto found = std::find_if(state_.connections.begin(), state_.connections.end(),
                                  [&](const SshConnection& c) { return c.pid == pid; });
  return found == state_.connections.end() ? nullptr : &*found;
}

void OwnLogins::begin(std::uint32_t pid, Instant at, bool ours, std::string peer) {
  forget(pid);
  if (state_.connections.size() == kMostConnections) forget(state_.connections.front().pid);
  state_.connections.push_back({pid, at, ours, std::move(peer)});
}

void OwnLogins::settle_held(std::uint32_t pid, bool ours) {
  std::erase_if(state_.held, [&](HeldRecord& held) {
    if (held.pid != pid) return false;
    if (ours) {
      ++ours_;
    } else {
      others_.push_back(std::move(held));
    }
    return true;
  });
}

void OwnLogins::forget(std::uint32_t pid) {
  settle_held(pid, false);
  std::erase_if(state_.connections, [&](const SshConnection& c) { return c.pid == pid; });
}

OwnLogins::Whose OwnLogins::hold(const LogRecord& record, Instant at) {
  if (record.message.size() > kHeldBytes || state_.held.size() == kMostHeld) return Whose::others;
  state_.held.push_back({record.pid, at, std::string(record.program), std::string(record.message)});
  return Whose::held;
}

OwnLogins::Whose OwnLogins::take(const LogRecord& record, Instant at) {
  const bool of_sshd = record.program == "sshd" || record.program == "sshd-session";
  if (is_own_probe(record.message, settings_)) {
    return of_sshd ? take_named(record, at) : Whose::ours;
  }
  if (!of_sshd || record.pid == 0) return Whose::others;
  constexpr std::string_view kFrom = "Connection from ";
  if (record.message.starts_with(kFrom)) {
    forget(record.pid);
    const auto peer = peer_at(record.message.substr(kFrom.size()), settings_.probe_addresses);
    if (peer.empty()) return Whose::others;
    begin(record.pid, at, false, std::string(peer));
    return hold(record, at);
  }
  const SshConnection* connection = find(record.pid);
  if (connection == nullptr) return Whose::others;
  if (!is_recent(connection->since, at)) {
    forget(record.pid);
    return Whose::others;
  }
  return take_of(*connection, record, at);
}

void OwnLogins::remember(const LogRecord& record, Instant at) {
  take(record, at);
  state_.held.clear();
  others_.clear();
  ours_ = 0;
}

// A line that names account and address.
OwnLogins::Whose OwnLogins::take_named(const LogRecord& record, Instant at) {
  if (record.pid == 0) return Whose::ours;
  settle_held(record.pid, true);
  if (record.message.starts_with("Connection closed by ")) {
    forget(record.pid);
  } else if (SshConnection* connection = find(record.pid)) {
    connection->ours = true;
    connection->since = at;
  } else {
    begin(record.pid, at, true, std::string(peer_in(record.message, settings_.probe_addresses)));
  }
  return Whose::ours;
}

// A line of a process that serves a connection from one of our addresses.
OwnLogins::Whose OwnLogins::take_of(const SshConnection& connection, const LogRecord& record,
                                    Instant at) {
  const std::string_view message = record.message;
  if (!connection.ours) {
    if (is_accepted_key(message)) return hold(record, at);
    forget(record.pid);  // Somebody else's, or it went away before it said whose.
    return Whose::others;
  }
  if (const std::uint32_t child = child_in(message); child != 0) {
    begin(child, at, true, std::string(connection.peer));
    return Whose::ours;
  }
  const bool ends = says_session_of(message, "closed for user", settings_.probe_accounts) ||
                    says_of_peer(message, "Closing connection to ", connection.peer);
  const bool ours = ends || is_accepted_key(message) ||
                    says_session_of(message, "opened for user", settings_.probe_accounts) ||
                    message.starts_with("Transferred: sent ") ||
                    says_of_peer(message, "Connection closed by ", connection.peer) ||
                    says_of_peer(message, "Received disconnect from ", connection.peer);
  if (ends) forget(record.pid);
  return ours ? Whose::ours : Whose::others;
}

std::vector<HeldRecord> OwnLogins::take_others() { return std::exchange(others_, {}); }

std::uint32_t OwnLogins::take_ours() { return std::exchange(ours_, 0); }

void OwnLogins::finish(Instant now) {
  std::vector<std::uint32_t> old;
  for (const SshConnection& c : state_.connections) {
    if (!is_recent(c.since, now)) old.push_back(c.pid);
  }
  for (const std::uint32_t pid : old) forget(pid);
}

}  // namespace tocsin::agent
