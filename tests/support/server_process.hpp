// A server of tests/support/servers as a process of its own, ended with this object.
#pragma once

#include <string>
#include <vector>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/result.hpp"

namespace tocsin::tests {

class ServerProcess {
 public:
  // `script` lies in tests/support/servers; waits until it serves.
  ServerProcess(const std::string& script, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"/usr/bin/python3", TOCSIN_TEST_SERVERS "/" + script});
    int input[2];
    int output[2];
    TOCSIN_CHECK(::pipe(input) == 0 && ::pipe(output) == 0);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child_ = ::fork();
    TOCSIN_CHECK(child_ >= 0);
    if (child_ == 0) {
      ::dup2(input[0], STDIN_FILENO);
      ::dup2(output[1], STDOUT_FILENO);
      for (const int fd : {input[0], input[1], output[0], output[1]}) ::close(fd);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(input[0]);
    ::close(output[1]);
    input_ = input[1];
    std::string line;
    for (char c = 0; ::read(output[0], &c, 1) == 1 && c != '\n';) line += c;
    ::close(output[0]);
    TOCSIN_CHECK(!line.empty());  // It says on standard error why it did not start.
    port_ = line;
  }
  ~ServerProcess() {
    ::close(input_);
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  const std::string& port() const { return port_; }

 private:
  pid_t child_ = -1;
  int input_ = -1;
  std::string port_;
};

}  // namespace tocsin::tests
