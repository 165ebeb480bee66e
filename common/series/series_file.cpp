#include "common/series/series_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tocsin::series {
namespace {

constexpr std::uint64_t kMagic = 0x31'53'45'49'52'45'53'54;  // "TSERIES1"
constexpr std::uint64_t kHeaderBytes = 64;
constexpr std::uint64_t kEntryBytes = 256;
constexpr std::uint64_t kPointBytes = 24;
constexpr std::uint32_t kMostSeries = 4096;
constexpr std::uint32_t kMostPoints = 1 << 20;

// FNV-1a: tells a torn write, not an attack.
std::uint64_t check_word(std::string_view bytes, std::uint64_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325 ^ seed;
  for (const char byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3;
  }
  return hash;
}

template <class Number>
void put(std::string& bytes, std::size_t at, Number number) {
  std::memcpy(bytes.data() + at, &number, sizeof number);
}
template <class Number>
Number get(std::string_view bytes, std::size_t at) {
  Number number;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

Status write_at(int fd, std::uint64_t at, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error("write curves", errno));
    bytes.remove_prefix(static_cast<std::size_t>(count));
    at += static_cast<std::uint64_t>(count);
  }
  return {};
}

// Shorter where the file ends.
Result<std::string> read_at(int fd, std::uint64_t at, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t count = ::pread(fd, bytes.data() + got, size - got, static_cast<off_t>(at + got));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(system_error("read curves", errno));
    if (count == 0) break;
    got += static_cast<std::size_t>(count);
  }
  bytes.resize(got);
  return bytes;
}

std::string header_of(const Shape& shape) {
  std::string bytes(kHeaderBytes, '\0');
  put(bytes, 0, kMagic);
  put(bytes, 8, shape.series);
  put(bytes, 12, shape.points);
  put(bytes, 56, check_word(std::string_view(bytes).substr(0, 56), 0));
  return bytes;
}

std::uint64_t size_of(const Shape& shape) {
  return kHeaderBytes + shape.series * (kEntryBytes + shape.points * kPointBytes);
}

// The shape of an open file; nothing where it is none of ours.
Result<Shape> shape_of(int fd) {
  const auto bytes = read_at(fd, 0, kHeaderBytes);
  if (!bytes) return fail(bytes.error());
  const auto refused = [] { return fail(ErrorCode::data_loss, "no file of curves"); };
  if (bytes->size() != kHeaderBytes) return refused();
  const Shape shape{get<std::uint32_t>(*bytes, 8), get<std::uint32_t>(*bytes, 12)};
  const bool fits = *bytes == header_of(shape) && shape.series > 0 && shape.points > 0 &&
                    shape.series <= kMostSeries && shape.points <= kMostPoints;
  struct stat status {};
  if (!fits || ::fstat(fd, &status) != 0) return refused();
  if (static_cast<std::uint64_t>(status.st_size) != size_of(shape)) return refused();
  return shape;
}

std::string entry_bytes(std::uint64_t count, std::string_view name, std::uint64_t slot) {
  std::string bytes(kEntryBytes, '\0');
  put(bytes, 0, count);
  put(bytes, 8, static_cast<std::uint64_t>(name.size()));
  std::copy(name.begin(), name.end(), bytes.begin() + 16);
  put(bytes, kEntryBytes - 8, check_word(std::string_view(bytes).substr(0, kEntryBytes - 8), slot));
  return bytes;
}

// A point belongs to its series and number: what an older round, or the series that had the place
// before, left there is not taken for it.
std::string point_bytes(const Sample& sample, std::uint64_t number) {
  std::string bytes(kPointBytes, '\0');
  put(bytes, 0, sample.at.ns);
  put(bytes, 8, sample.value);
  const std::uint64_t seed = check_word(sample.series, number);
  put(bytes, 16, check_word(std::string_view(bytes).substr(0, 16), seed));
  return bytes;
}

}  // namespace

SeriesFile::SeriesFile(SeriesFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      shape_(other.shape_),
      gave_up_another_(other.gave_up_another_),
      loaded_(other.loaded_),
      entries_(std::move(other.entries_)) {}

SeriesFile& SeriesFile::operator=(SeriesFile&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = std::exchange(other.fd_, -1);
    shape_ = other.shape_;
    gave_up_another_ = other.gave_up_another_;
    loaded_ = other.loaded_;
    entries_ = std::move(other.entries_);
  }
  return *this;
}

SeriesFile::~SeriesFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<SeriesFile> SeriesFile::begin(const std::string& path, const Shape& shape) {
  // Under another name first, so that a reader never sees a half of it.
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
  if (fd < 0) return fail(system_error(fresh, errno));
  SeriesFile file(fd, shape);
  if (::ftruncate(fd, static_cast<off_t>(size_of(shape))) != 0) {
    return fail(system_error(fresh, errno));
  }
  TOCSIN_TRY(write_at(fd, 0, header_of(shape)));
  if (::rename(fresh.c_str(), path.c_str()) != 0) return fail(system_error(path, errno));
  return file;
}

Result<SeriesFile> SeriesFile::open(const std::string& path, const Shape& shape) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno != ENOENT) return fail(system_error(path, errno));
  if (fd < 0) return begin(path, shape);
  SeriesFile file(fd, shape);
  const auto found = shape_of(fd);
  if (found && *found == shape) return file;
  auto anew = begin(path, shape);
  if (anew) anew->gave_up_another_ = true;
  return anew;
}

Result<SeriesFile> SeriesFile::open_to_read(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return fail(system_error(path, errno));
  SeriesFile file(fd, {});
  const auto shape = shape_of(fd);
  if (!shape) return fail(shape.error());
  file.shape_ = *shape;
  return file;
}

std::uint64_t SeriesFile::place_of(std::uint32_t slot, std::uint64_t number) const {
  const std::uint64_t rings = kHeaderBytes + shape_.series * kEntryBytes;
  const std::uint64_t point = std::uint64_t{slot} * shape_.points + number % shape_.points;
  return rings + point * kPointBytes;
}

Result<std::vector<SeriesFile::Entry>> SeriesFile::directory() const {
  const auto bytes = read_at(fd_, kHeaderBytes, shape_.series * kEntryBytes);
  if (!bytes) return fail(bytes.error());
  std::vector<Entry> entries(shape_.series);
  for (std::uint64_t slot = 0; (slot + 1) * kEntryBytes <= bytes->size(); ++slot) {
    const std::string_view one = std::string_view(*bytes).substr(slot * kEntryBytes, kEntryBytes);
    const auto length = get<std::uint64_t>(one, 8);
    if (length == 0 || length > kNameBytes) continue;
    const std::string_view name = one.substr(16, length);
    const auto count = get<std::uint64_t>(one, 0);
    if (one != entry_bytes(count, name, slot)) continue;  // Torn: free again.
    entries[slot] = {count, std::string(name)};
  }
  return entries;
}

Status SeriesFile::put_entry(std::uint32_t slot, const Entry& entry) {
  return write_at(fd_, kHeaderBytes + slot * kEntryBytes,
                  entry_bytes(entry.count, entry.name, slot));
}

Status SeriesFile::put_point(std::uint32_t slot, std::uint64_t number, const Sample& sample) {
  return write_at(fd_, place_of(slot, number), point_bytes(sample, number));
}

// The place of a sample's series; shape_.series where there is none for it.
Result<std::uint32_t> SeriesFile::slot_of(const Sample& sample) {
  std::uint32_t place = shape_.series;
  for (std::uint32_t slot = 0; slot < shape_.series; ++slot) {
    if (entries_[slot].name == sample.series) return slot;
    if (entries_[slot].name.empty() && place == shape_.series) place = slot;
  }
  Instant silent_since = sample.at - kStale;
  for (std::uint32_t slot = 0; place == shape_.series && slot < shape_.series; ++slot) {
    std::vector<Sample> newest;
    const Entry& entry = entries_[slot];
    TOCSIN_TRY(
        add_points(slot, entry, entry.count - std::min<std::uint64_t>(entry.count, 1), newest));
    if (newest.empty() || newest.back().at < silent_since) place = slot;
  }
  if (place == shape_.series) return place;
  entries_[place] = {0, sample.series};
  return place;
}

Result<std::uint64_t> SeriesFile::append(std::span<const Sample> samples) {
  if (!loaded_) {
    auto entries = directory();
    if (!entries) return fail(entries.error());
    entries_ = *std::move(entries);
    loaded_ = true;
  }
  std::uint64_t left_out = 0;
  for (const Sample& sample : samples) {
    if (sample.series.empty() || sample.series.size() > kNameBytes) {
      ++left_out;
      continue;
    }
    const auto slot = slot_of(sample);
    if (!slot) return fail(slot.error());
    if (*slot == shape_.series) {
      ++left_out;
      continue;
    }
    Entry& entry = entries_[*slot];
    TOCSIN_TRY(put_point(*slot, entry.count, sample));
    ++entry.count;
    TOCSIN_TRY(put_entry(*slot, entry));
  }
  return left_out;
}

Status SeriesFile::add_points(std::uint32_t slot, const Entry& entry, std::uint64_t first,
                              std::vector<Sample>& samples) const {
  const std::uint64_t kept = std::min<std::uint64_t>(entry.count, shape_.points);
  first = std::max(first, entry.count - kept);
  for (std::uint64_t number = first; number < entry.count;) {
    // As much as stands side by side, up to the ring's end.
    const std::uint64_t run =
        std::min(entry.count - number, shape_.points - number % shape_.points);
    const auto bytes = read_at(fd_, place_of(slot, number), run * kPointBytes);
    if (!bytes) return fail(bytes.error());
    for (std::uint64_t i = 0; i < run; ++i, ++number) {
      const std::string_view rest = std::string_view(*bytes).substr(
          std::min<std::size_t>(i * kPointBytes, bytes->size()), kPointBytes);
      if (rest.size() != kPointBytes) continue;
      const Sample sample{entry.name, Instant{get<std::int64_t>(rest, 0)}, get<double>(rest, 8)};
      if (rest == point_bytes(sample, number)) samples.push_back(sample);
    }
  }
  return {};
}

Result<std::vector<Sample>> SeriesFile::read(std::string_view prefix, Instant since) const {
  const auto entries = directory();
  if (!entries) return fail(entries.error());
  std::vector<Sample> samples;
  for (std::uint32_t slot = 0; slot < shape_.series; ++slot) {
    const Entry& entry = (*entries)[slot];
    if (entry.name.empty() || !entry.name.starts_with(prefix)) continue;
    TOCSIN_TRY(add_points(slot, entry, 0, samples));
  }
  std::erase_if(samples, [&](const Sample& sample) { return sample.at < since; });
  std::stable_sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    return a.series != b.series ? a.series < b.series : a.at < b.at;
  });
  return samples;
}

Result<Places> SeriesFile::places() const {
  const auto entries = directory();
  if (!entries) return fail(entries.error());
  Places places;
  for (const Entry& entry : *entries) {
    if (!entry.name.empty()) places[entry.name] = entry.count;
  }
  return places;
}

Result<std::vector<Sample>> SeriesFile::read_after(Places& places, std::size_t most) const {
  const auto entries = directory();
  if (!entries) return fail(entries.error());
  std::vector<Sample> samples;
  Places next;
  for (std::uint32_t slot = 0; slot < shape_.series; ++slot) {
    Entry entry = (*entries)[slot];
    if (entry.name.empty()) continue;
    const auto known = places.find(entry.name);
    std::uint64_t first = known == places.end() ? 0 : known->second;
    if (first > entry.count) first = 0;
    first = std::max(first, entry.count - std::min<std::uint64_t>(entry.count, shape_.points));
    entry.count = std::min(entry.count, first + (most - std::min(most, samples.size())));
    TOCSIN_TRY(add_points(slot, entry, first, samples));
    next[entry.name] = entry.count;
  }
  places = std::move(next);
  return samples;
}

}  // namespace tocsin::series
