#include "agent/config/baseline_file.hpp"

#include <cerrno>

#include <unistd.h>

#include "common/base/limits.hpp"
#include "common/config/secret_file.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::agent {
namespace {

constexpr unsigned kMode = 0640;

bool is_whole(const model::ApprovedBaseline& baseline) {
  return wire::digest_of(baseline) == baseline.digest;
}

}  // namespace

Result<std::optional<model::ApprovedBaseline>> read_baseline_file(const std::string& path) {
  if (!config::file_exists(path)) return std::nullopt;
  const Result<std::string> bytes = config::read_file(path, limits::kMessageBytes);
  if (!bytes) return fail(bytes.error());
  Result<model::ApprovedBaseline> baseline = wire::decode_approved(*bytes);
  if (!baseline || !is_whole(*baseline)) {
    return fail(ErrorCode::data_loss, path + ": not the baseline that was approved");
  }
  return std::move(*baseline);
}

Status write_baseline_file(const std::string& path, const model::ApprovedBaseline& baseline) {
  if (baseline.digest.empty()) {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return {};
    return fail(system_error(path, errno));
  }
  if (!is_whole(baseline)) {
    return fail(ErrorCode::invalid_argument, "the approved baseline is not what its digest says");
  }
  return config::write_file(path, wire::encode_approved(baseline), kMode);
}

}  // namespace tocsin::agent
