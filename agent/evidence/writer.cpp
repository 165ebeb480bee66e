#include "agent/evidence/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/base/text.hpp"
#include "common/config/durable.hpp"
#include "common/crypto/crypto.hpp"

namespace tocsin::agent {
namespace {

constexpr std::size_t kPiece = 64 << 10;

// As the manifest says times.
Instant milliseconds_of(Instant at) {
  constexpr std::int64_t kMs = 1'000'000;
  return Instant{at.ns - ((at.ns % kMs) + kMs) % kMs};
}

evidence::Item item_of(std::string what, std::string source) {
  evidence::Item item;
  item.what = std::move(what);
  item.source = std::move(source);
  return item;
}

}  // namespace

// One item's file, with the hash of what was written so far. Filled by the thread that reads the
// source, until it has ended or was left behind.
class EvidenceWriter::ItemFile {
 public:
  bool open(int folder, const std::string& name, unsigned mode, std::uint64_t limit) {
    name_ = name;
    limit_ = limit;
    fd_ = os::Fd(
        ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd_.valid()) error_ = errno;
    return fd_.valid();
  }

  // False: no more fits, the disk refused, or nobody waits for it any more.
  bool put(std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    if (left_) return false;
    const bool fits = bytes.size() <= limit_ - written_;
    if (!fits) bytes = bytes.substr(0, static_cast<std::size_t>(limit_ - written_));
    if (error_ == 0) error_ = config::write_all(fd_.get(), bytes);
    if (error_ != 0) {
      // What a failed write left beyond what was hashed goes.
      if (::ftruncate(fd_.get(), static_cast<off_t>(written_)) != 0) broken_ = true;
      return false;
    }
    hash_.update(bytes);
    written_ += bytes.size();
    full_ = full_ || !fits;
    return fits;
  }

  // What comes from now on is too late.
  void leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
  }

  std::string finish() {
    if (fd_.valid() && ::fsync(fd_.get()) != 0) broken_ = true;
    return to_hex(hash_.finish());
  }

  const std::string& name() const { return name_; }
  std::uint64_t written() const { return written_; }
  bool full() const { return full_; }
  bool broken() const { return broken_; }  // its bytes are not what was hashed
  int error() const { return error_; }

 private:
  std::mutex mutex_;
  bool left_ = false;
  std::string name_;
  os::Fd fd_;
  crypto::Sha256 hash_;
  std::uint64_t limit_ = 0;
  std::uint64_t written_ = 0;
  bool full_ = false;
  bool broken_ = false;
  int error_ = 0;
};

Result<EvidenceWriter> EvidenceWriter::create(const std::string& folder, unsigned folder_mode,
                                              unsigned file_mode, const WriterLimits& limits,
                                              const time::TimeSource& time, std::stop_token stop) {
  if (::mkdir(folder.c_str(), folder_mode) != 0) {
    return fail(system_error("make " + folder, errno));
  }
  os::Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.valid()) return fail(system_error("open " + folder, errno));
  return EvidenceWriter(std::move(fd), file_mode, limits, time, std::move(stop));
}

std::uint64_t EvidenceWriter::room() const {
  return std::min(limits_.item_bytes, limits_.total_bytes - std::min(bytes_, limits_.total_bytes));
}

bool EvidenceWriter::disk_is_low() const {
  struct statvfs raw {};
  return ::fstatvfs(folder_.get(), &raw) == 0 && raw.f_bavail * raw.f_frsize < limits_.free_bytes;
}

// The last item is for saying that there were more.
bool EvidenceWriter::has_room_for_items() {
  if (items_.size() + 1 < evidence::kItems) return true;
  if (items_.size() < evidence::kItems) {
    evidence::Item more = item_of("more", "what came after");
    more.taken = milliseconds_of(time_->wall());
    more.reason = "too_many";
    more.detail = "more items than a collection may have";
    items_.push_back(std::move(more));
  }
  return false;
}

bool EvidenceWriter::begin(evidence::Item& item, std::string_view name, ItemFile& file) {
  item.taken = milliseconds_of(time_->wall());
  const auto refuse = [&](std::string_view reason, std::string detail) {
    item.reason = reason;
    item.detail = std::move(detail);
    items_.push_back(std::move(item));
    return false;
  };
  if (!has_room_for_items()) return false;
  if (stopped()) return refuse("stopped", {});
  if (room() == 0) return refuse("total_limit", {});
  if (disk_is_low()) return refuse("disk_low", {});
  const std::string file_name = evidence::file_name(items_.size() + 1, name);
  if (!file.open(folder_.get(), file_name, file_mode_, room())) {
    return refuse("disk_full", system_error(file_name, file.error()).message);
  }
  return true;
}

// `size`: of the source, where it says one.
void EvidenceWriter::end(evidence::Item item, ItemFile& file, std::uint64_t size) {
  const bool total = limits_.total_bytes - bytes_ < limits_.item_bytes;
  if (item.cut.empty() && file.full()) item.cut = total ? "total_limit" : "item_limit";
  if (file.error() != 0) item.cut = "disk_full";
  if (!item.cut.empty()) item.left_out = std::max(size, file.written()) - file.written();
  item.bytes = file.written();
  item.sha256 = file.finish();
  item.file = file.name();
  const bool nothing = item.cut == "no_answer" && item.bytes == 0;
  if (file.broken() || nothing) {
    static_cast<void>(::unlinkat(folder_.get(), item.file.c_str(), 0));
    evidence::Item lost = item_of(item.what, item.source);
    lost.taken = item.taken;
    lost.reason = nothing ? item.cut : "disk_full";
    if (nothing) lost.detail = patience_.why();
    items_.push_back(std::move(lost));
    return;
  }
  bytes_ += item.bytes;
  items_.push_back(std::move(item));
}

EvidenceWriter::Copied EvidenceWriter::copy(const Opened& source, std::uint64_t from,
                                            ItemFile& file, const std::stop_token& stop,
                                            Patience::Reading& reading) {
  std::string piece(kPiece, '\0');
  Copied copied;
  // A log grows while it is read: it ends where it ended when it was opened.
  const bool measured = source.size > 0;
  for (std::uint64_t at = from;;) {
    if (stop.stop_requested()) {
      copied.cut = "stopped";
      break;
    }
    const std::uint64_t left = measured ? source.size - at : kPiece;
    if (left == 0) break;
    const ssize_t n = ::pread(source.fd.get(), piece.data(),
                              static_cast<std::size_t>(std::min<std::uint64_t>(left, kPiece)),
                              static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      copied.cut = "read_failed";
      break;
    }
    if (n == 0) break;  // Shorter than it was.
    at += static_cast<std::uint64_t>(n);
    if (!file.put({piece.data(), static_cast<std::size_t>(n)})) break;
    reading.sign_of_life();
  }
  struct stat raw {};
  if (::fstat(source.fd.get(), &raw) == 0) {
    const Instant modified = os::instant_of(raw.st_mtim);
    copied.changed = measured && (static_cast<std::uint64_t>(raw.st_size) != source.size ||
                                  modified != source.modified);
  }
  return copied;
}

void EvidenceWriter::add_file(std::string what, const std::string& source, const Open& open,
                              Absent absent) {
  auto opened = ask<Opened>(what, source, open);
  if (!opened || (absent == Absent::ignored && opened->reason == "not_found")) return;
  if (!opened->reason.empty()) {
    return add_missing(std::move(what), source, std::move(opened->reason),
                       std::move(opened->detail));
  }
  evidence::Item item = item_of(std::move(what), source);
  const auto file = std::make_shared<ItemFile>();
  if (!begin(item, source, *file)) return;
  if (opened->size > 0) item.modified = milliseconds_of(opened->modified);
  if (opened->size > room()) {
    item.from = opened->size - room();
    item.cut = room() < limits_.item_bytes ? "total_limit" : "item_limit";
  }
  const auto from = std::make_shared<const Opened>(std::move(*opened));
  const auto copied =
      patience_.get<Copied>([from, file, at = item.from, stop = stop_](Patience::Reading& reading) {
        return copy(*from, at, *file, stop, reading);
      });
  if (!copied) file->leave();
  if (!copied || !copied->cut.empty()) item.cut = copied ? copied->cut : "no_answer";
  item.changed = copied && copied->changed;
  end(std::move(item), *file, from->size);
}

void EvidenceWriter::add_stream(std::string what, std::string source, const Produce& produce) {
  evidence::Item item = item_of(std::move(what), std::move(source));
  const auto file = std::make_shared<ItemFile>();
  const std::string name = item.what;
  if (!begin(item, name, *file)) return;
  const auto produced =
      patience_.get<Result<std::string>>([file, produce](Patience::Reading& reading) {
        return produce([&](std::string_view bytes) {
          reading.sign_of_life();
          return file->put(bytes);
        });
      });
  if (!produced) file->leave();
  if (!produced || *produced || file->written() > 0) {
    item.cut = !produced ? "no_answer" : *produced ? **produced : "read_failed";
    return end(std::move(item), *file, 0);
  }
  static_cast<void>(::unlinkat(folder_.get(), file->name().c_str(), 0));
  const Error& error = produced->error();
  const bool forbidden = error.code == ErrorCode::permission_denied;
  const bool absent = error.code == ErrorCode::not_found;
  item.reason = forbidden ? "not_permitted" : absent ? "not_found" : "failed";
  item.detail = error.message;
  items_.push_back(std::move(item));
}

void EvidenceWriter::add_text(std::string what, std::string source, std::string text) {
  add_stream(std::move(what), std::move(source), [text = std::move(text)](const Sink& sink) {
    sink(text);
    return Result<std::string>(std::string());
  });
}

void EvidenceWriter::add_missing(std::string what, std::string source, std::string reason,
                                 std::string detail) {
  if (!has_room_for_items()) return;
  evidence::Item item = item_of(std::move(what), std::move(source));
  item.taken = milliseconds_of(time_->wall());
  item.reason = std::move(reason);
  item.detail = std::move(detail);
  items_.push_back(std::move(item));
}

Status EvidenceWriter::add_plain(std::string_view name, std::string_view bytes) {
  const std::string file(name);
  const os::Fd fd(::openat(folder_.get(), file.c_str(),
                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, file_mode_));
  if (!fd.valid()) return fail(system_error("make " + file, errno));
  if (const int error = config::write_all(fd.get(), bytes)) return fail(system_error(file, error));
  if (::fsync(fd.get()) != 0) return fail(system_error("sync " + file, errno));
  return {};
}

Status EvidenceWriter::sync() const {
  if (::fsync(folder_.get()) != 0) return fail(system_error("sync the folder", errno));
  return {};
}

}  // namespace tocsin::agent
