#include "collector/evidence/store.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/text.hpp"
#include "common/config/durable.hpp"
#include "common/config/secret_file.hpp"
#include "common/crypto/crypto.hpp"
#include "common/log/log.hpp"

namespace tocsin::collector {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = 256 << 10;
constexpr std::size_t kSealBytes = 4096;
constexpr std::string_view kWhole = ".whole";

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail(system_error("make " + path, errno));
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// A file that is read and then closed.
class Reader {
 public:
  explicit Reader(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)), error_(fd_ < 0 ? errno : 0) {}
  ~Reader() {
    if (fd_ >= 0) ::close(fd_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  int error() const { return error_; }
  Result<std::string> at(std::uint64_t offset, std::size_t limit) const {
    std::string bytes(limit, '\0');
    std::size_t filled = 0;
    while (filled < limit) {
      const ssize_t n =
          ::pread(fd_, bytes.data() + filled, limit - filled, static_cast<off_t>(offset + filled));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return fail(system_error("read", errno));
      if (n == 0) break;
      filled += static_cast<std::size_t>(n);
    }
    bytes.resize(filled);
    return bytes;
  }

 private:
  int fd_;
  int error_;
};

Result<std::string> hash_file(const std::string& path) {
  const Reader file(path);
  if (file.error() != 0) return fail(system_error("open " + path, file.error()));
  crypto::Sha256 hash;
  for (std::uint64_t at = 0;;) {
    const auto piece = file.at(at, kPiece);
    if (!piece) return fail(piece.error());
    if (piece->empty()) return to_hex(hash.finish());
    hash.update(*piece);
    at += piece->size();
  }
}

// All files below, without following links; they may go while this looks.
std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator at(folder, error), end; at != end; at.increment(error)) {
    if (error) break;
    std::error_code gone;
    if (at->symlink_status(gone).type() == fs::file_type::regular)
      files.push_back(at->path().string());
  }
  return files;
}

std::uint64_t size_on_disk(const std::string& path) {
  struct stat raw {};
  return ::lstat(path.c_str(), &raw) == 0 ? static_cast<std::uint64_t>(raw.st_size) : 0;
}

std::uint64_t bytes_below(const fs::path& folder) {
  std::uint64_t sum = 0;
  for (const std::string& file : files_below(folder)) sum += size_on_disk(file);
  return sum;
}

}  // namespace

// ---- Part ----

EvidenceStore::Part::Part(Part&& other) noexcept { *this = std::move(other); }

EvidenceStore::Part& EvidenceStore::Part::operator=(Part&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(length_, other.length_);
  std::swap(store_, other.store_);
  return *this;
}

EvidenceStore::Part::~Part() {
  if (fd_ >= 0) ::close(fd_);
  if (store_ != nullptr) store_->close_part(path_);
}

Status EvidenceStore::Part::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(length_));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(system_error("write " + path_, errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
    length_ += static_cast<std::uint64_t>(n);
    store_->used_ += static_cast<std::uint64_t>(n);
  }
  return {};
}

Status EvidenceStore::Part::cut(std::uint64_t length) {
  if (length >= length_) return {};
  if (::ftruncate(fd_, static_cast<off_t>(length)) != 0) {
    return fail(system_error("cut " + path_, errno));
  }
  store_->used_ -= length_ - length;
  length_ = length;
  return {};
}

Status EvidenceStore::Part::sync() {
  if (::fdatasync(fd_) != 0) return fail(system_error("sync " + path_, errno));
  return {};
}

Result<EvidenceStore::Part> EvidenceStore::open_part(const AgentId& agent,
                                                     std::string_view sha256) {
  Part part;
  part.path_ = part_path(agent, sha256);
  TOCSIN_TRY(make_folder(parent_of(part.path_)));
  {
    const std::lock_guard lock(mutex_);
    open_parts_.insert(part.path_);
  }
  part.store_ = this;
  part.fd_ = ::open(part.path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (part.fd_ < 0) return fail(system_error("open " + part.path_, errno));
  struct stat raw {};
  if (::fstat(part.fd_, &raw) != 0) return fail(system_error("stat " + part.path_, errno));
  part.length_ = static_cast<std::uint64_t>(raw.st_size);
  return part;
}

std::uint64_t EvidenceStore::part_bytes(const AgentId& agent, std::string_view sha256) const {
  return size_on_disk(part_path(agent, sha256));
}

void EvidenceStore::close_part(const std::string& path) {
  const std::lock_guard lock(mutex_);
  open_parts_.erase(open_parts_.find(path));
}

// The hash is of what is on the disk, not of what was sent: the beginning may be of an earlier
// life.
Status EvidenceStore::finish_part(Part part, std::string_view sha256) {
  TOCSIN_TRY(part.sync());
  const auto hash = hash_file(part.path_);
  if (!hash) return fail(hash.error());
  if (*hash != sha256) {
    if (::unlink(part.path_.c_str()) == 0) used_ -= part.length_;
    return fail(ErrorCode::data_loss, "what arrived has another hash");
  }
  const std::string whole = part.path_ + std::string(kWhole);
  if (::fchmod(part.fd_, 0400) != 0 || ::rename(part.path_.c_str(), whole.c_str()) != 0) {
    return fail(system_error("keep " + whole, errno));
  }
  return {};
}

bool EvidenceStore::has_whole(const AgentId& agent, std::string_view sha256) const {
  return ::access(whole_path(agent, sha256).c_str(), F_OK) == 0;
}

Status EvidenceStore::keep_one(const AgentId& agent, std::string_view sha256) {
  const std::string whole = whole_path(agent, sha256);
  const std::string object = object_path(sha256);
  TOCSIN_TRY(make_folder(parent_of(object)));
  const std::lock_guard lock(mutex_);
  if (is_here(sha256)) {  // Another collection had the same.
    const std::uint64_t bytes = size_on_disk(whole);
    if (::unlink(whole.c_str()) == 0) used_ -= bytes;
    return {};
  }
  const std::uint64_t replaced = size_on_disk(object);  // the same, offered by a person
  if (::rename(whole.c_str(), object.c_str()) != 0) {
    return fail(system_error("keep " + object, errno));
  }
  used_ -= replaced;
  if (const auto same = offered_.find(sha256); same != offered_.end()) offered_.erase(same);
  return {};
}

Status EvidenceStore::keep_whole(const AgentId& agent, const std::set<std::string_view>& sha256s) {
  std::set<std::string> folders;
  for (const std::string_view sha256 : sha256s) {
    TOCSIN_TRY(keep_one(agent, sha256));
    folders.insert(parent_of(object_path(sha256)));
  }
  for (const std::string& folder : folders) TOCSIN_TRY(config::sync_folder(folder));
  return config::sync_folder(folder_ + "/objects");
}

std::uint64_t EvidenceStore::arriving_bytes(const AgentId& agent) const {
  return bytes_below(folder_ + "/parts/" + agent.hex);
}

std::size_t EvidenceStore::arriving_parts(const AgentId& agent) const {
  return files_below(folder_ + "/parts/" + agent.hex).size();
}

void EvidenceStore::forget_old_parts(Instant now) {
  for (const std::string& path : files_below(folder_ + "/parts")) {
    forget_part(path, now - kPartsKept);
  }
}

void EvidenceStore::forget_parts_but(const AgentId& agent,
                                     const std::set<std::string_view>& sha256s) {
  for (const std::string& path : files_below(folder_ + "/parts/" + agent.hex)) {
    std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
    if (name.ends_with(kWhole)) name.remove_suffix(kWhole.size());
    if (!sha256s.contains(name)) forget_part(path, std::nullopt);
  }
}

void EvidenceStore::forget_part(const std::string& path, std::optional<Instant> before) {
  const std::lock_guard lock(mutex_);
  struct stat raw {};
  if (open_parts_.contains(path) || ::lstat(path.c_str(), &raw) != 0) return;
  const Instant came{raw.st_mtim.tv_sec * 1'000'000'000LL};
  if ((before && came > *before) || ::unlink(path.c_str()) != 0) return;
  used_ -= static_cast<std::uint64_t>(raw.st_size);
  log::info("evidence.part_forgotten", {{"file", path}});
}

// ---- Room ----

EvidenceStore::Room::Room(Room&& other) noexcept { *this = std::move(other); }

EvidenceStore::Room& EvidenceStore::Room::operator=(Room&& other) noexcept {
  std::swap(store_, other.store_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

EvidenceStore::Room::~Room() {
  if (store_ == nullptr) return;
  const std::lock_guard lock(store_->mutex_);
  store_->reserved_ -= bytes_;
}

void EvidenceStore::Room::spend(std::uint64_t bytes) {
  if (store_ == nullptr) return;
  const std::lock_guard lock(store_->mutex_);
  const std::uint64_t spent = std::min(bytes, bytes_);
  store_->reserved_ -= spent;
  bytes_ -= spent;
}

Result<EvidenceStore::Room> EvidenceStore::reserve(std::uint64_t bytes, std::uint64_t agent_has) {
  struct statvfs raw {};
  if (::statvfs(folder_.c_str(), &raw) != 0) return fail(system_error("statvfs " + folder_, errno));
  const std::uint64_t free = std::uint64_t{raw.f_bavail} * raw.f_frsize;
  const std::lock_guard lock(mutex_);
  const bool fits = used_ + reserved_ + bytes <= limits_.total_bytes &&
                    agent_has + bytes <= limits_.agent_bytes &&
                    reserved_ + bytes + limits_.free_bytes <= free;
  if (!fits) return fail(ErrorCode::resource_exhausted, "no room for this evidence");
  reserved_ += bytes;
  return Room(this, bytes);
}

// ---- Whole files ----

Result<std::unique_ptr<EvidenceStore>> EvidenceStore::open(const std::string& folder,
                                                           const EvidenceLimits& limits) {
  std::unique_ptr<EvidenceStore> store(new EvidenceStore(folder, limits));
  TOCSIN_TRY(store->prepare());
  return store;
}

Status EvidenceStore::prepare() {
  for (const char* name : {"", "/objects", "/parts", "/seals"}) {
    TOCSIN_TRY(make_folder(folder_ + name));
  }
  used_ = bytes_below(folder_);
  return {};
}

std::string EvidenceStore::object_path(std::string_view sha256) const {
  return folder_ + "/objects/" + std::string(sha256.substr(0, 2)) + "/" + std::string(sha256);
}

std::string EvidenceStore::part_path(const AgentId& agent, std::string_view sha256) const {
  return folder_ + "/parts/" + agent.hex + "/" + std::string(sha256);
}

std::string EvidenceStore::whole_path(const AgentId& agent, std::string_view sha256) const {
  return part_path(agent, sha256) + std::string(kWhole);
}

std::string EvidenceStore::seal_path(std::string_view sha256, std::string_view ending) const {
  return folder_ + "/seals/" + std::string(sha256) + std::string(ending);
}

bool EvidenceStore::has(std::string_view sha256) const {
  const std::lock_guard lock(mutex_);
  return is_here(sha256);
}

bool EvidenceStore::is_here(std::string_view sha256) const {
  return evidence::is_sha256(sha256) && !offered_.contains(sha256) &&
         ::access(object_path(sha256).c_str(), F_OK) == 0;
}

Result<std::uint64_t> EvidenceStore::size_of(std::string_view sha256) const {
  struct stat raw {};
  const std::string path = object_path(sha256);
  if (!evidence::is_sha256(sha256) || ::stat(path.c_str(), &raw) != 0) {
    return fail(system_error("stat " + path, errno));
  }
  return static_cast<std::uint64_t>(raw.st_size);
}

Result<std::string> EvidenceStore::put(std::string_view content) {
  std::string sha256 = to_hex(crypto::sha256(content));
  {
    const std::lock_guard lock(mutex_);
    if (offered_.erase(sha256) > 0 || is_here(sha256)) return sha256;
  }
  TOCSIN_TRY(write_object(sha256, content));
  return sha256;
}

Status EvidenceStore::write_object(std::string_view sha256, std::string_view content) {
  const std::string path = object_path(sha256);
  TOCSIN_TRY(make_folder(parent_of(path)));
  TOCSIN_TRY(config::write_file(path, content, 0400));
  TOCSIN_TRY(config::sync_folder(folder_ + "/objects"));
  used_ += content.size();
  return {};
}

// ---- Offered by a person ----

EvidenceStore::Offered::Offered(Offered&& other) noexcept
    : store_(std::exchange(other.store_, nullptr)), sha256_(std::move(other.sha256_)) {}

EvidenceStore::Offered::~Offered() {
  if (store_ != nullptr) store_->withdraw(sha256_);
}

void EvidenceStore::Offered::keep() {
  if (store_ == nullptr) return;  // It was here before.
  const std::lock_guard lock(store_->mutex_);
  store_->offered_.erase(sha256_);
}

// Written under the lock: a few megabytes at most, and only when a person gives a file.
Result<EvidenceStore::Offered> EvidenceStore::offer(std::string_view content) {
  std::string sha256 = to_hex(crypto::sha256(content));
  const std::lock_guard lock(mutex_);
  if (is_here(sha256)) return Offered(nullptr, std::move(sha256));
  if (!offered_.contains(sha256)) TOCSIN_TRY(write_object(sha256, content));
  ++offered_[sha256];
  return Offered(this, std::move(sha256));
}

void EvidenceStore::withdraw(const std::string& sha256) {
  const std::lock_guard lock(mutex_);
  const auto offered = offered_.find(sha256);
  if (offered == offered_.end() || --offered->second > 0) return;
  offered_.erase(offered);
  const std::string path = object_path(sha256);
  const std::uint64_t bytes = size_on_disk(path);
  if (::unlink(path.c_str()) == 0) used_ -= bytes;
}

Result<std::string> EvidenceStore::read(std::string_view sha256, std::uint64_t offset,
                                        std::size_t limit) const {
  if (!evidence::is_sha256(sha256)) return fail(ErrorCode::not_found, "not a hash");
  const std::string path = object_path(sha256);
  const Reader file(path);
  if (file.error() != 0) return fail(system_error("open " + path, file.error()));
  return file.at(offset, limit);
}

Result<std::string> EvidenceStore::hash_now(std::string_view sha256) const {
  if (!evidence::is_sha256(sha256)) return fail(ErrorCode::not_found, "not a hash");
  return hash_file(object_path(sha256));
}

Status EvidenceStore::put_seal(std::string_view manifest_sha256, const evidence::Sealed& sealed) {
  TOCSIN_TRY(config::write_file(seal_path(manifest_sha256, ".sig"), sealed.signature, 0400));
  return config::write_file(seal_path(manifest_sha256, ".pem"), sealed.public_key_pem, 0400);
}

Result<evidence::Sealed> EvidenceStore::sealed(std::string_view manifest_sha256) const {
  auto manifest = read(manifest_sha256, 0, evidence::kManifestBytes);
  if (!manifest) return fail(manifest.error());
  auto signature = config::read_file(seal_path(manifest_sha256, ".sig"), kSealBytes);
  if (!signature) return fail(signature.error());
  auto key = config::read_file(seal_path(manifest_sha256, ".pem"), kSealBytes);
  if (!key) return fail(key.error());
  return evidence::Sealed{std::move(*manifest), std::move(*signature), std::move(*key)};
}

}  // namespace tocsin::collector
