#include <algorithm>
#include <csignal>
#include <filesystem>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/os/files.hpp"
#include "tests/integration/agent/checks/check_run.hpp"

namespace tocsin::agent {
namespace {

struct Bound {
  os::Fd fd;
  std::uint16_t port = 0;
};

Bound bind_loopback(int type, std::uint16_t port = 0, bool share = false) {
  Bound bound{os::Fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0)), 0};
  const int on = 1;
  if (share) ::setsockopt(bound.fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(bound.fd.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(type == SOCK_STREAM ? ::listen(bound.fd.get(), 1) : 0, 0);
  ::getsockname(bound.fd.get(), reinterpret_cast<sockaddr*>(&address), &size);
  bound.port = ntohs(address.sin_port);
  return bound;
}

std::vector<model::Listener> on_port(const model::SocketsFacts& facts, model::Protocol protocol,
                                     std::uint16_t port) {
  std::vector<model::Listener> found;
  std::copy_if(facts.listeners.begin(), facts.listeners.end(), std::back_inserter(found),
               [&](const model::Listener& l) { return l.protocol == protocol && l.port == port; });
  return found;
}

// procedure M-07
TEST(SocketsCheck, NamesTheProgramBehindAListener) {
  const Bound tcp = bind_loopback(SOCK_STREAM);
  const Bound udp = bind_loopback(SOCK_DGRAM);
  CheckRun check(model::CheckKind::sockets);
  const auto facts = check.facts<model::SocketsFacts>();
  const std::string self = std::filesystem::read_symlink("/proc/self/exe");
  for (const auto& [protocol, port] :
       {std::pair(model::Protocol::tcp, tcp.port), std::pair(model::Protocol::udp, udp.port)}) {
    const auto found = on_port(facts, protocol, port);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].address, "127.0.0.1");
    EXPECT_EQ(found[0].address_class, model::AddressClass::loopback);
    EXPECT_EQ(found[0].executable, self);
    EXPECT_EQ(found[0].executable_deleted, model::Tristate::no);
    EXPECT_EQ(found[0].uid, ::getuid());
    EXPECT_EQ(found[0].process_ids,
              std::vector<std::uint32_t>{static_cast<std::uint32_t>(::getpid())});
  }
}

TEST(SocketsCheck, SeesAListenerComeAndGoBetweenRuns) {
  CheckRun check(model::CheckKind::sockets);
  check.facts<model::SocketsFacts>();
  std::uint16_t port = 0;
  {
    const Bound tcp = bind_loopback(SOCK_STREAM);
    port = tcp.port;
    const auto facts = check.facts<model::SocketsFacts>();
    const auto found = on_port(facts, model::Protocol::tcp, port);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_FALSE(found[0].executable.empty());
    // Again, now from memory.
    EXPECT_EQ(on_port(check.facts<model::SocketsFacts>(), model::Protocol::tcp, port), found);
  }
  EXPECT_TRUE(on_port(check.facts<model::SocketsFacts>(), model::Protocol::tcp, port).empty());
}

TEST(SocketsCheck, SocketsThatShareAPortAreOneListener) {
  const Bound first = bind_loopback(SOCK_STREAM, 0, true);
  const Bound second = bind_loopback(SOCK_STREAM, first.port, true);
  CheckRun check(model::CheckKind::sockets);
  EXPECT_EQ(on_port(check.facts<model::SocketsFacts>(), model::Protocol::tcp, first.port).size(),
            1U);
}

TEST(SocketsCheck, ANewUnconnectedSocketOnAnEphemeralPortIsNotAListenerYet) {
  CheckRun check(model::CheckKind::sockets);
  check.facts<model::SocketsFacts>();
  const Bound udp = bind_loopback(SOCK_DGRAM);
  EXPECT_TRUE(on_port(check.facts<model::SocketsFacts>(), model::Protocol::udp, udp.port).empty());
}

// A program that runs from a place where anybody can write and was removed after its start.
TEST(SocketsCheck, TellsAProgramThatWasDeletedFromAWorldWritablePlace) {
  const std::string program = "/tmp/tocsin-test-listener-" + std::to_string(::getpid());
  std::filesystem::copy_file("/bin/sleep", program,
                             std::filesystem::copy_options::overwrite_existing);
  const Bound tcp = bind_loopback(SOCK_STREAM);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::dup2(tcp.fd.get(), 9);  // The copy is not close-on-exec, so the program listens too.
    ::execl(program.c_str(), program.c_str(), "60", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  const std::string link = "/proc/" + std::to_string(child) + "/exe";
  while (std::filesystem::read_symlink(link) != program) ::usleep(1000);
  std::filesystem::remove(program);
  CheckRun check(model::CheckKind::sockets);
  const auto found = on_port(check.facts<model::SocketsFacts>(), model::Protocol::tcp, tcp.port);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ASSERT_EQ(found.size(), 2U);  // This process holds it too.
  const auto hostile = std::find_if(found.begin(), found.end(),
                                    [&](const auto& l) { return l.executable == program; });
  ASSERT_NE(hostile, found.end());
  EXPECT_EQ(hostile->executable_deleted, model::Tristate::yes);
  EXPECT_EQ(hostile->executable_world_writable, model::Tristate::yes);
}

}  // namespace
}  // namespace tocsin::agent
