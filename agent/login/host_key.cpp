#include "agent/login/host_key.hpp"

namespace tocsin::agent {

Result<HostKey> read_host_key(const std::string& text) {
  const std::size_t space = text.find(' ');
  const std::string type = text.substr(0, space);
  const std::string rest = space == text.npos ? "" : text.substr(space + 1);
  const std::string encoded = rest.substr(0, rest.find(' '));
  ssh_key key = nullptr;
  if (::ssh_pki_import_pubkey_base64(encoded.c_str(), ::ssh_key_type_from_name(type.c_str()),
                                     &key) != SSH_OK) {
    return fail(ErrorCode::invalid_argument, "host_key is no public key");
  }
  HostKey read;
  read.key.reset(key);
  read.algorithms = type == "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type;
  return read;
}

}  // namespace tocsin::agent
