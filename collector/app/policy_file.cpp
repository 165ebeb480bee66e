#include "collector/app/policy_file.hpp"

#include <cerrno>
#include <fstream>
#include <utility>

#include <fmt/format.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/site_policy.hpp"
#include "common/crypto/crypto.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {

Result<PolicyFile> read_policy_file(const std::string& path) {
  errno = 0;
  std::ifstream input(path, std::ios::binary);
  if (!input) return fail(system_error("site policy " + path, errno == 0 ? ENOENT : errno));
  std::string content(limits::kPolicyBytes + 1, '\0');
  input.read(content.data(), static_cast<std::streamsize>(content.size()));
  if (input.bad()) return fail(system_error("site policy " + path, EIO));
  content.resize(static_cast<std::size_t>(input.gcount()));
  if (content.size() > limits::kPolicyBytes) {
    return fail(ErrorCode::resource_exhausted,
                fmt::format("site policy {}: larger than {} bytes", path, limits::kPolicyBytes));
  }
  Result<model::SitePolicy> policy = config::read_site_policy(content, path);
  if (!policy) return fail(policy.error());
  std::string digest = to_hex(crypto::sha256(content));
  return PolicyFile{std::move(content), std::move(digest), *std::move(policy)};
}

Result<Position> submit_policy(const PolicyFile& file, const model::SitePolicy& in_force,
                               Intake& intake) {
  if (file.policy == in_force) return Position{};
  PendingEntry entry;
  entry.body = model::PolicyChange{"site", file.digest, file.content, {}};
  entry.bytes = wire::encode_journal(*entry.body);
  const Result<Committed> committed = intake.submit_and_wait(std::move(entry));
  if (!committed) return fail(committed.error());
  return committed->last;
}

}  // namespace tocsin::collector
