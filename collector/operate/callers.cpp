#include "collector/operate/callers.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "common/log/log.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kFingerprintDigits = 64;
constexpr std::size_t kRevocationBytes = 4 << 20;

bool is_fingerprint(std::string_view word) {
  return word.size() == kFingerprintDigits && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view trimmed(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const auto first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

// Hex digits in capitals or in pairs with colons, as other tools print a fingerprint.
std::string plain_fingerprint(std::string_view word) {
  std::string plain;
  for (const char c : word) {
    if (c == ':') continue;
    plain += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return plain;
}

std::int64_t ns_of(const timespec& t) { return t.tv_sec * 1'000'000'000LL + t.tv_nsec; }

}  // namespace

RevocationList parse_revocations(std::string_view content) {
  RevocationList list;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    const std::string_view word = trimmed(content.substr(0, end));
    content.remove_prefix(std::min(end + 1, content.size()));
    if (word.empty()) continue;
    std::string fingerprint = plain_fingerprint(word);
    if (is_fingerprint(fingerprint)) {
      list.fingerprints.insert(std::move(fingerprint));
    } else {
      ++list.bad_lines;
    }
  }
  return list;
}

Callers::Callers(std::string revocation_file, const time::TimeSource& time, Known known)
    : revocation_file_(std::move(revocation_file)), time_(time), known_(std::move(known)) {
  const std::lock_guard lock(mutex_);
  refresh();
}

Result<model::Principal> Callers::admit(std::string_view certificate_pem) {
  auto principal = check(certificate_pem);
  if (!principal) {
    const std::lock_guard lock(mutex_);
    ++refused_;
  }
  return principal;
}

Result<model::Principal> Callers::check(std::string_view certificate_pem) {
  if (certificate_pem.empty()) {
    return fail(ErrorCode::unauthenticated, "an operator's client certificate is needed");
  }
  auto certificate = crypto::read_certificate(certificate_pem);
  if (!certificate) {
    return fail(ErrorCode::permission_denied,
                "the client certificate names no operator: " + certificate.error().message);
  }
  if (certificate->identity.kind != crypto::Identity::Kind::operator_) {
    return fail(ErrorCode::permission_denied, "only operators may use this service");
  }
  // TLS looked at the dates once, when the connection began; connections outlive certificates.
  const Instant now = time_.wall();
  if (now < certificate->not_before || certificate->not_after <= now) {
    return fail(ErrorCode::unauthenticated, "the client certificate is not valid now");
  }
  if (is_revoked(certificate->fingerprint)) {
    return fail(ErrorCode::permission_denied, "the client certificate is revoked");
  }
  const auto revoked_at =
      known_.revoked ? known_.revoked(certificate->identity.name) : std::nullopt;
  if (revoked_at && certificate->not_before <= *revoked_at) {
    return fail(ErrorCode::permission_denied, "the operator was revoked");
  }
  if (known_.seen) known_.seen(*certificate);
  return model::Principal{certificate->identity.name, certificate->identity.role,
                          certificate->fingerprint};
}

bool Callers::is_revoked(const std::string& fingerprint) {
  const std::lock_guard lock(mutex_);
  refresh();
  return revoked_.fingerprints.contains(fingerprint);
}

void Callers::refresh() {
  if (revocation_file_.empty()) return;
  struct stat status {};
  if (::stat(revocation_file_.c_str(), &status) != 0) {
    // A file that went away must not give anybody their rights back.
    stamp_.reset();
    problem_ = model::Message{
        "operator.revocations_unreadable",
        {{"file", revocation_file_}, {"error", system_error("stat", errno).message}}};
    return;
  }
  const FileStamp stamp{ns_of(status.st_mtim), ns_of(status.st_ctim), status.st_size,
                        status.st_ino};
  if (stamp_ == stamp) return;
  auto content = config::read_file(revocation_file_, kRevocationBytes);
  if (!content) {
    problem_ = model::Message{"operator.revocations_unreadable",
                              {{"file", revocation_file_}, {"error", content.error().message}}};
    return;
  }
  stamp_ = stamp;
  revoked_ = parse_revocations(*content);
  problem_.reset();
  if (revoked_.bad_lines != 0) {
    problem_ = model::Message{
        "operator.revocations_bad_lines",
        {{"file", revocation_file_}, {"count", fmt::format("{}", revoked_.bad_lines)}}};
  }
  log::info("operator.revocations_read", {{"file", revocation_file_},
                                          {"revoked", revoked_.fingerprints.size()},
                                          {"bad_lines", revoked_.bad_lines}});
}

std::optional<model::Message> Callers::problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

std::uint64_t Callers::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

}  // namespace tocsin::collector
