// The key that a server must prove, as a site writes it down (procedure M-02).
#pragma once

#include <memory>
#include <string>

#include <libssh/libssh.h>

#include "common/base/result.hpp"

namespace tocsin::agent {

struct HostKey {
  std::unique_ptr<ssh_key_struct, decltype(&::ssh_key_free)> key{nullptr, ::ssh_key_free};
  std::string algorithms;  // that a server proves this key with, as libssh takes them
};

// Of a line of known_hosts without its name: "ssh-ed25519 AAAA… comment". Error: no key of the type
// that the line begins with.
Result<HostKey> read_host_key(const std::string& text);

}  // namespace tocsin::agent
