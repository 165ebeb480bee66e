// tocsin-agent-login: logs in for the login check (procedure M-02, M-06) and says how it went. A
// program of its own, so that the observer carries neither PAM nor SSH, and no secret of either.
//
//   tocsin-agent-login local [--config FILE]   here; the account and its password's file are named
//                                              in the host's own file. As root, by its unit
//   tocsin-agent-login local --request         the same, named on standard input
//   tocsin-agent-login ssh                     on another host; key and address on standard input
//
// The answer is on standard output (agent/login/answer.hpp). Exit code 2: usage.
#include <cerrno>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/agent_config.hpp"
#include "agent/login/answer.hpp"
#include "agent/login/local_login.hpp"
#include "agent/login/ssh_login.hpp"
#include "common/config/durable.hpp"
#include "common/time/time_source.hpp"

namespace tocsin::agent {
namespace {

constexpr int kUsage = 2;
constexpr int kNobodyListens = 1;
constexpr const char* kConfigFile = "/etc/tocsin/agent.toml";

Result<std::string> read_input() {
  std::string text;
  for (char buffer[4096];;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error("standard input", errno));
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > kRequestBytes) return fail(ErrorCode::invalid_argument, "too long a request");
  }
}

int print(const Result<LoginAnswer>& answer) {
  const std::string text = answer ? to_text(*answer) : to_text(answer.error());
  return config::write_all(STDOUT_FILENO, text) == 0 ? 0 : kNobodyListens;
}

// Whoever can write the file decides which password root reads.
Status only_ours_to_write(const std::string& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return fail(system_error(path, errno));
  const bool others = about.st_uid != ::geteuid() || (about.st_mode & 022) != 0;
  if (!others) return {};
  return fail(ErrorCode::permission_denied, path + ": others than its reader may write it");
}

Result<LocalRequest> request_of_file(const std::string& path) {
  TOCSIN_TRY(only_ours_to_write(path));
  const auto config = load_agent_config(path);
  if (!config) return fail(config.error());
  return LocalRequest{config->settings.login.account, config->settings.login.password_file};
}

Result<LocalRequest> request_of_input() {
  const auto text = read_input();
  if (!text) return fail(text.error());
  return parse_local_request(*text);
}

Result<LoginAnswer> local(const Result<LocalRequest>& request, const time::TimeSource& time) {
  if (!request) return fail(request.error());
  return log_in_here(*request, time.wall());
}

Result<LoginAnswer> ssh(const time::TimeSource& time) {
  const auto text = read_input();
  if (!text) return fail(text.error());
  const auto request = parse_ssh_request(*text);
  if (!request) return fail(request.error());
  return log_in_there(*request, time);
}

int usage() {
  std::fputs(
      "usage: tocsin-agent-login local [--config FILE | --request]\n"
      "       tocsin-agent-login ssh\n",
      stderr);
  return kUsage;
}

int run(const std::vector<std::string>& words) {
  const time::SystemTime time;
  if (words == std::vector<std::string>{"ssh"}) return print(ssh(time));
  if (words.empty() || words[0] != "local") return usage();
  if (words.size() == 1) return print(local(request_of_file(kConfigFile), time));
  if (words.size() == 2 && words[1] == "--request") return print(local(request_of_input(), time));
  if (words.size() == 3 && words[1] == "--config") {
    return print(local(request_of_file(words[2]), time));
  }
  return usage();
}

}  // namespace
}  // namespace tocsin::agent

int main(int argc, char** argv) {
  return tocsin::agent::run(std::vector<std::string>(argv + 1, argv + argc));
}
