// Debian's sshd on loopback, with keys of its own, ended with this object. Its only account is
// whoever runs the test.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/os/program.hpp"
#include "common/base/result.hpp"
#include "common/config/secret_file.hpp"
#include "common/time/time_source.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::tests {

inline void must_run(std::vector<std::string> words) {
  agent::os::ProgramCall call;
  call.words = std::move(words);
  const auto end = agent::os::run_program(call, time::SystemTime(), {});
  TOCSIN_CHECK(end && end->status == 0);
}

class SshServer {
 public:
  // `command`: what the key is allowed to start. `options`: more lines of its configuration.
  explicit SshServer(const std::string& command, const std::string& options = {}) {
    must_run({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file("host")});
    must_run({"/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file("key")});
    std::ofstream(file("authorized"))
        << "restrict,command=\"" << command << "\" " << read("key.pub");
    port_ = free_port();
    std::ofstream(file("config")) << "Port " << port_ << "\nListenAddress 127.0.0.1\nHostKey "
                                  << file("host") << "\nAuthorizedKeysFile " << file("authorized")
                                  << "\nPidFile none\nStrictModes no\n"
                                  << "UsePAM no\nPasswordAuthentication no\nLogLevel VERBOSE\n"
                                  << options << "\n";
    // Its own folder, which only the package's unit makes; as root it insists on it.
    if (::geteuid() == 0) std::filesystem::create_directories("/run/sshd");
    start();
  }
  ~SshServer() { stop(); }
  SshServer(const SshServer&) = delete;
  SshServer& operator=(const SshServer&) = delete;

  void start() {
    child_ = ::fork();
    TOCSIN_CHECK(child_ >= 0);
    if (child_ == 0) {
      ::execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", file("config").c_str(), "-E",
              file("log").c_str(), nullptr);
      ::_exit(127);
    }
    for (int i = 0; i < 500 && read("log").find("Server listening") == std::string::npos; ++i) {
      ::usleep(10'000);
    }
  }
  void stop() {
    if (child_ < 0) return;
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
    std::filesystem::remove(file("log"));
  }

  std::string file(const std::string& name) const { return folder_.file(name); }
  std::string read(const std::string& name) const {
    return config::read_file(file(name), 1 << 20).value_or("");
  }
  std::string address() const { return "127.0.0.1:" + port_; }
  // "ssh-ed25519 AAAA… comment"
  std::string host_key() const {
    const std::string line = read("host.pub");
    return line.substr(0, line.find('\n'));
  }
  static std::string account() { return ::getpwuid(::geteuid())->pw_name; }

 private:
  static std::string free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    TOCSIN_CHECK(::bind(fd, raw, size) == 0 && ::getsockname(fd, raw, &size) == 0);
    ::close(fd);
    return std::to_string(::ntohs(address.sin_port));
  }

  TempDir folder_;
  std::string port_;
  pid_t child_ = -1;
};

}  // namespace tocsin::tests
