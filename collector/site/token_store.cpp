#include "collector/site/token_store.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/limits.hpp"
#include "common/base/text.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::collector {
namespace {

constexpr std::string_view kHeader = "tocsin tokens 1\n";
constexpr std::size_t kFileBytes = TokenStore::kTokens * 1024;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kNameBytes = 253;
constexpr std::size_t kFields = 6;

struct Record {
  std::string hash;  // SHA-256 of the token, hex; its first digits are the id
  Instant expires;
  model::Principal creator;
  std::string host_name;  // empty: any
  std::string id() const { return hash.substr(0, kIdDigits); }
};

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

// Fields are separated by spaces, so none may contain one; "-" stands for an empty one.
bool is_field(std::string_view text) {
  return text.size() <= kNameBytes && text != "-" &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}
std::string field(const std::string& text) { return text.empty() ? "-" : text; }
std::string unfield(std::string_view text) { return text == "-" ? "" : std::string(text); }

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> fields;
  while (fields.size() <= kFields) {
    const std::size_t space = line.find(' ');
    fields.push_back(line.substr(0, space));
    if (space == std::string_view::npos) break;
    line.remove_prefix(space + 1);
  }
  return fields;
}

bool parse_record(std::string_view line, Record& record) {
  const auto fields = split(line);
  if (fields.size() != kFields) return false;
  std::string raw;
  if (fields[0].size() != 64 || !from_hex(fields[0], raw)) return false;
  record.hash = fields[0];
  const auto [end, error] =
      std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), record.expires.ns);
  if (error != std::errc() || end != fields[1].data() + fields[1].size()) return false;
  const auto role = model::role_from(fields[2]);
  if (!role) return false;
  record.creator = {unfield(fields[3]), *role, unfield(fields[4])};
  record.host_name = unfield(fields[5]);
  return true;
}

Result<std::vector<Record>> load(const std::string& path, Instant now) {
  const auto text = config::read_file(path, kFileBytes);
  if (!text && text.error().code == ErrorCode::not_found) return std::vector<Record>();
  if (!text) return fail(text.error());
  std::string_view rest = *text;
  if (!rest.starts_with(kHeader) || !rest.ends_with('\n')) {
    return fail(ErrorCode::data_loss, fmt::format("{}: not a file of tokens", path));
  }
  rest.remove_prefix(kHeader.size());
  std::vector<Record> records;
  for (std::size_t line = 2; !rest.empty(); ++line) {
    const std::size_t end = rest.find('\n');
    Record record;
    if (!parse_record(rest.substr(0, end), record)) {
      return fail(ErrorCode::data_loss, fmt::format("{}:{}: not a token's record", path, line));
    }
    if (record.expires > now) records.push_back(std::move(record));
    rest.remove_prefix(end + 1);
  }
  return records;
}

Status save(const std::string& path, const std::vector<Record>& records) {
  std::string text(kHeader);
  for (const Record& r : records) {
    text +=
        fmt::format("{} {} {} {} {} {}\n", r.hash, r.expires.ns, model::to_string(r.creator.role),
                    field(r.creator.name), field(r.creator.fingerprint), field(r.host_name));
  }
  TOCSIN_TRY(config::write_file(path, text, 0600));
  return config::give_to_folder_owner(path);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

Result<TokenStore::Created> TokenStore::create(const model::Principal& creator,
                                               std::string_view host_name, Duration valid,
                                               Instant now) {
  if (!is_field(creator.name) || !is_field(creator.fingerprint) || !is_field(host_name)) {
    return fail(ErrorCode::invalid_argument, "a token's names are plain text without spaces");
  }
  const auto lock = Lock::take(path_ + ".lock");
  if (!lock) return fail(lock.error());
  auto records = load(path_, now);
  if (!records) return fail(records.error());
  if (records->size() >= kTokens) {
    return fail(ErrorCode::resource_exhausted, fmt::format("{} tokens wait to be used", kTokens));
  }
  const std::string token = to_hex(crypto::random_bytes(kSecretBytes));
  records->push_back({to_hex(crypto::sha256(token)), now + valid, creator, lower(host_name)});
  TOCSIN_TRY(save(path_, *records));
  return Created{token, records->back().id(), records->back().expires};
}

Result<TokenStore::Taken> TokenStore::take(std::string_view token, std::string_view host_name,
                                           Instant now) {
  const auto refuse = [](const char* why) { return fail(ErrorCode::unauthenticated, why); };
  if (token.empty() || token.size() > limits::kTokenBytes) return refuse("no token");
  const auto lock = Lock::take(path_ + ".lock");
  if (!lock) return fail(lock.error());
  auto records = load(path_, now);
  if (!records) return fail(records.error());
  const std::string hash = to_hex(crypto::sha256(token));
  auto found = records->end();
  for (auto it = records->begin(); it != records->end(); ++it) {
    if (crypto::equal_in_constant_time(it->hash, hash)) found = it;
  }
  if (found == records->end()) return refuse("the token is unknown, used or expired");
  if (!found->host_name.empty() && found->host_name != lower(host_name)) {
    return refuse("the token is for another host");
  }
  Taken taken{found->id(), found->creator};
  records->erase(found);
  TOCSIN_TRY(save(path_, *records));
  return taken;
}

}  // namespace tocsin::collector
