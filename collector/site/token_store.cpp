#include "collector/site/token_store.hpp"

#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/site/token_record.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kFileBytes = 4096;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kHashDigits = 64;

// Held from the first look at the file until it is replaced.
class Lock {
 public:
  static Result<Lock> take(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) return fail(system_error(path, errno));
    Lock lock(fd);
    TOCSIN_TRY(config::give_to_folder_owner(path));
    while (::flock(fd, LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      return fail(system_error(path, errno));
    }
    return lock;
  }
  Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Lock& operator=(Lock&&) = delete;
  ~Lock() {
    if (fd_ >= 0) ::close(fd_);
  }

 private:
  explicit Lock(int fd) : fd_(fd) {}
  int fd_;
};

Result<TokenRecord> load(const std::string& path) {
  const auto text = config::read_file(path, kFileBytes);
  if (!text) return fail(text.error());
  auto record = parse_token_record(*text);
  if (record) return *std::move(record);
  return fail(ErrorCode::data_loss, fmt::format("{}: not a token's file", path));
}

Status save(const std::string& path, const TokenRecord& record) {
  TOCSIN_TRY(config::write_file(path, to_text(record), 0600));
  return config::give_to_folder_owner(path);
}

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return config::give_to_folder_owner(path);
  return errno == EEXIST ? Status{} : fail(system_error(path, errno));
}

// How many wait. What is expired goes, and so does what an interrupted write left.
std::size_t sweep(const std::string& folder, Instant now) {
  std::size_t waiting = 0;
  std::error_code none;
  for (std::filesystem::directory_iterator file(folder, none), end; !none && file != end;
       file.increment(none)) {
    const std::string path = file->path();
    const auto record = load(path);
    const bool whole = file->path().filename().string().size() == kHashDigits;
    if (!whole || (record && record->expires <= now)) {
      ::unlink(path.c_str());
    } else {
      ++waiting;
    }
  }
  return waiting;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string hash_of(std::string_view token) { return to_hex(crypto::sha256(token)); }

}  // namespace

Result<TokenStore::Created> TokenStore::create(const Wanted& wanted, Instant now) {
  const model::Principal& creator = wanted.creator;
  if (!fits_token_record(creator.name) || !fits_token_record(creator.fingerprint) ||
      !fits_token_record(wanted.host_name)) {
    return fail(ErrorCode::invalid_argument, "a token's names are plain text without spaces");
  }
  const auto lock = Lock::take(path_ + ".lock");
  if (!lock) return fail(lock.error());
  TOCSIN_TRY(make_folder(path_));
  if (sweep(path_, now) >= kTokens) {
    return fail(ErrorCode::resource_exhausted, fmt::format("{} tokens wait to be used", kTokens));
  }
  const std::string token = to_hex(crypto::random_bytes(kSecretBytes));
  const std::string hash = hash_of(token);
  const TokenRecord record{
      now + wanted.valid, creator, lower(wanted.host_name), {}, wanted.replace};
  TOCSIN_TRY(save(path_ + "/" + hash, record));
  return Created{token, hash.substr(0, kIdDigits), record.expires};
}

Result<TokenStore::Taken> TokenStore::take(std::string_view token, std::string_view host_name,
                                           const AgentId& agent, Instant now) {
  const auto refuse = [](const char* why) { return fail(ErrorCode::unauthenticated, why); };
  if (token.empty() || token.size() > limits::kTokenBytes) return refuse("no token");
  const auto lock = Lock::take(path_ + ".lock");
  if (!lock) return fail(lock.error());
  // Looked up by its hash: how long that takes says nothing of the token.
  const std::string hash = hash_of(token);
  const std::string file = path_ + "/" + hash;
  auto record = load(file);
  if (!record && record.error().code == ErrorCode::not_found) {
    return refuse("the token is unknown or spent");
  }
  if (!record) return fail(record.error());
  if (record->expires <= now) return refuse("the token is expired");
  if (!record->host_name.empty() && record->host_name != lower(host_name)) {
    return refuse("the token is for another host");
  }
  if (!record->agent.hex.empty() && record->agent != agent) {
    return refuse("the token was shown by another key");
  }
  if (record->agent.hex.empty()) {
    record->agent = agent;
    TOCSIN_TRY(save(file, *record));
  }
  return Taken{hash.substr(0, kIdDigits), record->creator, record->replace};
}

Status TokenStore::spend(std::string_view token) {
  const auto lock = Lock::take(path_ + ".lock");
  if (!lock) return fail(lock.error());
  const std::string file = path_ + "/" + hash_of(token);
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return fail(system_error(file, errno));
  return {};
}

}  // namespace tocsin::collector
