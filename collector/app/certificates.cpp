#include "collector/app/certificates.hpp"

#include <algorithm>
#include <filesystem>

#include "collector/core/certificates.hpp"
#include "common/config/secret_file.hpp"
#include "common/log/log.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kFileBytes = 64 << 10;
constexpr std::size_t kOperators = 1000;  // files in the folder
constexpr std::size_t kSeen = 50'000;
constexpr std::size_t kWarnings = 10;

model::CertificateSeen seen_of(const crypto::CertificateInfo& info) {
  using Kind = crypto::Identity::Kind;
  model::CertificateSeen seen;
  if (info.identity.kind == Kind::agent) {
    seen.holder = model::CertificateHolder::agent;
    seen.name = info.identity.agent.hex;
  } else if (info.identity.kind == Kind::operator_) {
    seen.holder = model::CertificateHolder::operator_;
    seen.name = info.identity.name;
  }
  seen.not_before = info.not_before;
  seen.not_after = info.not_after;
  seen.fingerprint = info.fingerprint;
  return seen;
}

Result<crypto::CertificateInfo> first_in(const std::string& path) {
  const auto text = config::read_file(path, kFileBytes);
  if (!text) return fail(text.error());
  const auto chain = crypto::split_certificates(*text);
  if (!chain) return fail(chain.error());
  return crypto::read_certificate(chain->front());
}

void not_read(const std::string& path, const Error& error) {
  log::warning("certificate.not_read", {{"file", path}, {"why", error.message}});
}

}  // namespace

void CertificateWatch::look() {
  look_at_server();
  const auto valid = crypto::validity_of(files_.authority);
  const auto fingerprint = crypto::fingerprint_of(files_.authority);
  if (valid && fingerprint) {
    take({model::CertificateHolder::authority, "", valid->not_before, valid->not_after,
          *fingerprint});
  }
  look_at_operators();
}

void CertificateWatch::look_at_server() {
  const auto server = first_in(files_.server);
  if (!server) return not_read(files_.server, server.error());
  take(seen_of(*server));
}

void CertificateWatch::look_at_operators() {
  std::error_code none;
  std::size_t looked = 0;
  for (std::filesystem::directory_iterator file(files_.operators, none), end;
       !none && file != end && looked < kOperators; file.increment(none), ++looked) {
    if (file->path().extension() != ".pem") continue;
    const auto certificate = first_in(file->path());
    if (!certificate) {
      not_read(file->path(), certificate.error());
    } else if (certificate->identity.kind == crypto::Identity::Kind::operator_) {
      seen(*certificate);
    }
  }
}

void CertificateWatch::seen(const crypto::CertificateInfo& certificate) {
  take(seen_of(certificate));
}

void CertificateWatch::take(model::CertificateSeen certificate) {
  const auto key = std::pair(certificate.holder, certificate.name);
  {
    const std::lock_guard lock(mutex_);
    const auto known = seen_.find(key);
    if (known != seen_.end() && known->second == certificate) return;
    // Two of one person may be in use for a while: the one made last is what counts.
    const bool older = known != seen_.end() && certificate.not_before < known->second.not_before;
    if (older && !certificate.name.empty()) return;
    if (known == seen_.end() && seen_.size() >= kSeen) return;
    seen_[key] = certificate;
  }
  std::vector<PendingEntry> entries(1);
  entries[0].bytes = wire::encode_journal(certificate);
  entries[0].body = std::move(certificate);
  const auto forget = [this, key] {
    const std::lock_guard lock(mutex_);
    seen_.erase(key);
  };
  const Status taken = intake_.submit(std::move(entries), std::nullopt,
                                      [forget](const Result<Committed>& committed) {
                                        if (!committed) forget();
                                      });
  if (!taken) forget();
}

std::vector<model::Message> CertificateWatch::warnings(Instant now) const {
  std::vector<model::CertificateSeen> ending;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, certificate] : seen_) {
      const bool of_an_agent = certificate.holder == model::CertificateHolder::agent;
      if (of_an_agent || certificate_level(certificate, now) == CertificateLevel::good) continue;
      ending.push_back(certificate);
    }
  }
  std::stable_sort(ending.begin(), ending.end(),
                   [](const auto& a, const auto& b) { return a.not_after < b.not_after; });
  if (ending.size() > kWarnings) ending.resize(kWarnings);
  std::vector<model::Message> warnings;
  for (const model::CertificateSeen& one : ending) {
    warnings.push_back(certificate_message(one, certificate_level(one, now), ""));
  }
  return warnings;
}

}  // namespace tocsin::collector
