#include "collector/samples/sample_store.hpp"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "common/log/log.hpp"

namespace tocsin::collector {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kEnding = ".curves";

}  // namespace

SampleStore::SampleStore(SampleStoreOptions options)
    : options_(std::move(options)), thread_([this] { run(); }) {}

SampleStore::~SampleStore() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SampleStore::put(const AgentId& agent, std::vector<series::Sample> samples) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || waiting_.size() >= options_.waiting) {
      dropped_ += samples.size();
      return;
    }
    waiting_.push_back({agent, std::move(samples)});
  }
  changed_.notify_all();
}

void SampleStore::flush() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.empty() && !writing_; });
}

void SampleStore::run() {
  ::mkdir(options_.folder.c_str(), 0750);  // Where it cannot be made, writing says why.
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const Waiting one = std::move(waiting_.front());
    waiting_.pop_front();
    writing_ = true;
    lock.unlock();
    write(one);
    lock.lock();
    writing_ = false;
    changed_.notify_all();
  }
}

void SampleStore::write(const Waiting& one) {
  auto file = series::SeriesFile::open(file_of(one.agent), options_.shape);
  Result<std::uint64_t> left_out =
      file ? file->append(one.samples) : Result<std::uint64_t>(tl::unexpected(file.error()));
  if (file && file->gave_up_another()) {
    log::warning("samples.begun_anew", {{"agent", one.agent.hex}});
  }
  const std::lock_guard lock(mutex_);
  if (left_out) {
    kept_ += one.samples.size() - *left_out;
    dropped_ += *left_out;
    failing_ = false;
    return;
  }
  dropped_ += one.samples.size();
  if (std::exchange(failing_, true)) return;
  log::warning("samples.not_kept", {{"agent", one.agent.hex}, {"why", left_out.error().message}});
}

Result<std::vector<series::Sample>> SampleStore::read(const AgentId& agent, std::string_view prefix,
                                                      Instant since) const {
  const auto file = series::SeriesFile::open_to_read(file_of(agent));
  if (!file && file.error().code == ErrorCode::not_found) return std::vector<series::Sample>{};
  if (!file) return fail(file.error());
  return file->read(prefix, since);
}

void SampleStore::prune(Instant now) {
  std::error_code error;
  fs::directory_iterator entry(options_.folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    struct stat status {};
    const std::string path = entry->path().string();
    if (!path.ends_with(kEnding) || ::lstat(path.c_str(), &status) != 0) continue;
    const Instant written{std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 +
                          status.st_mtim.tv_nsec};
    if (now - written > options_.keep_silent) ::unlink(path.c_str());
  }
}

std::string SampleStore::file_of(const AgentId& agent) const {
  return options_.folder + "/" + agent.hex + std::string(kEnding);
}

std::uint64_t SampleStore::kept() const {
  const std::lock_guard lock(mutex_);
  return kept_;
}

std::uint64_t SampleStore::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace tocsin::collector
