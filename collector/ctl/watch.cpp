#include "collector/ctl/watch.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <pthread.h>

namespace tocsin::ctl {
namespace {

constexpr timespec kBetween{2, 0};

// From the top: every line over what was there, and nothing left below.
std::string screen(const Watch& watch, const std::string& text) {
  std::string out = "\x1b[H";
  std::string_view rest = text;
  for (int line = 1; !rest.empty() && (watch.height <= 1 || line < watch.height); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    out.append(rest.substr(0, end)).append("\x1b[K\n");
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out + "\x1b[J";
}

std::string json_line(const Printed& now) {
  const bool ok = now.position != 0;
  std::string data = now.out;
  while (data.ends_with('\n')) data.pop_back();
  return fmt::format("{{\"event\":\"{}\",\"seq\":\"{}\",\"data\":{}}}\n", ok ? "changed" : "error",
                     now.position, data.empty() ? "null" : data);
}

// What asking again would not mend.
bool is_final(ExitCode exit) {
  return exit == ExitCode::usage || exit == ExitCode::not_permitted || exit == ExitCode::not_found;
}

bool write(std::FILE* to, std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), to) == text.size() && std::fflush(to) == 0;
}

}  // namespace

std::string repainted(const Watch& watch, const Printed& before, const Printed& now,
                      bool is_first) {
  if (watch.terminal) {
    return (is_first ? "\x1b[2J" : "") + screen(watch, now.out + now.err);
  }
  const bool same = before.position == now.position && before.exit == now.exit;
  if (same && !is_first) return {};
  return watch.json ? json_line(now) : now.out;
}

ExitCode watch(const Watch& watch, const std::function<Printed()>& ask) {
  sigset_t signals;
  sigset_t before_signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  // Before the first thread of the transport, so that none of them takes it.
  pthread_sigmask(SIG_BLOCK, &signals, &before_signals);
  ExitCode exit = ExitCode::interrupted;
  Printed before;
  for (bool is_first = true;; is_first = false) {
    Printed now = ask();
    const std::string text = repainted(watch, before, now, is_first);
    const bool written = write(stdout, text);
    if (!watch.terminal && (is_first || now.exit != before.exit)) write(stderr, now.err);
    if (!written || is_final(now.exit)) {
      exit = written ? now.exit : ExitCode::failed;
      break;
    }
    before = std::move(now);
    if (sigtimedwait(&signals, nullptr, &kBetween) > 0) break;
  }
  if (watch.terminal) write(stdout, "\n");
  pthread_sigmask(SIG_SETMASK, &before_signals, nullptr);
  return exit;
}

}  // namespace tocsin::ctl
