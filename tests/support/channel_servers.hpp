// A mail server and a webhook receiver for one test, with a channel that leads to each.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "collector/ports/channel.hpp"
#include "common/time/time_source.hpp"
#include "tests/support/server_process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_authority.hpp"

namespace tocsin::tests {

inline std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_private(const std::string& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
  std::filesystem::permissions(
      path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

// Certificates for 127.0.0.1 in files.
class TlsFiles {
 public:
  explicit TlsFiles(const TempDir& folder)
      : ca(folder.file("ca.pem")),
        certificate(folder.file("server.pem")),
        key(folder.file("server.key")) {
    const TestAuthority authority(time::SystemTime().wall());
    const KeyAndCertificate server = authority.for_collector();
    write_private(ca, authority.authority().certificate_pem);
    write_private(certificate, server.certificate_pem);
    write_private(key, server.key_pem);
  }
  const std::string ca;
  const std::string certificate;
  const std::string key;
};

class MailServer {
 public:
  explicit MailServer(std::vector<std::string> options = {}) {
    options.insert(options.end(), {"--maildir", folder_.file("mail")});
    process_.emplace("smtp_server.py", std::move(options));
  }
  model::ChannelPolicy channel() const {
    model::ChannelPolicy policy;
    policy.name = "mail";
    policy.kind = "email";
    policy.url = "smtp://127.0.0.1:" + process_->port();
    policy.from = "tocsin@idc.example.tw";
    policy.require_tls = false;
    return policy;
  }
  // Every mail it has, as it was stored.
  std::vector<std::string> mails() const {
    std::vector<std::string> found;
    if (!std::filesystem::exists(folder_.file("mail/new"))) return found;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.file("mail/new"))) {
      found.push_back(content_of(entry.path().string()));
    }
    return found;
  }
  const std::string& port() const { return process_->port(); }

 private:
  TempDir folder_;
  std::optional<ServerProcess> process_;
};

class HookServer {
 public:
  static constexpr const char* kKey = "a shared secret";

  explicit HookServer(std::vector<std::string> options = {}) {
    write_private(folder_.file("hmac.key"), kKey);
    options.insert(options.end(), {"--log", folder_.file("requests"), "--hmac-key", kKey});
    process_.emplace("http_server.py", std::move(options));
  }
  model::ChannelPolicy channel() const {
    model::ChannelPolicy policy;
    policy.name = "hook";
    policy.kind = "webhook";
    policy.url = "http://127.0.0.1:" + process_->port() + "/tocsin";
    policy.hmac_key_file = folder_.file("hmac.key");
    policy.require_tls = false;
    return policy;
  }
  // One line of JSON a request: "genuine", "key", "body".
  std::string requests() const { return content_of(folder_.file("requests")); }

 private:
  TempDir folder_;
  std::optional<ServerProcess> process_;
};

}  // namespace tocsin::tests
