// Curves in one file of fixed size: for each series a ring of its newest points. A look at how a
// host fared, never a proof: it is written without waiting for the disk, and what is damaged is
// left out. A process that is killed while it writes leaves a file that can be read.
//
//   header ─ a directory of series (name, how many points were ever added) ─ a ring for each
//
// One process writes, others may read meanwhile: every entry and point carries a check word, and
// one that does not fit is not there.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"
#include "common/series/sample.hpp"

namespace tocsin::series {

// The shape of a file: it never has more series, nor more points of one.
struct Shape {
  std::uint32_t series = 256;
  std::uint32_t points = 240;
  friend bool operator==(const Shape&, const Shape&) = default;
};
inline constexpr std::size_t kNameBytes = 160;

// How many points of each series were ever added, when somebody looked: where to go on.
using Places = std::map<std::string, std::uint64_t, std::less<>>;

// Not thread-safe: one object a thread.
class SeriesFile {
 public:
  // Begins a new file where there is none, or where the one that is there has another shape or is
  // damaged: its points are gone then. Errors: as the system says.
  static Result<SeriesFile> open(const std::string& path, const Shape& shape);
  // Errors: not_found, data_loss (no such file), as the system says.
  static Result<SeriesFile> open_to_read(const std::string& path);
  SeriesFile(SeriesFile&& other) noexcept;
  SeriesFile& operator=(SeriesFile&& other) noexcept;
  ~SeriesFile();

  // Adds points, the oldest of a series giving way to the newest. A new series takes the place of
  // the one that was silent longest, for `kStale` at least; a point for which there is no place is
  // left out, as is one without a name of at most kNameBytes. Returns how many were.
  // Errors: as the system says (no space left on the disk); what was added before stays.
  Result<std::uint64_t> append(std::span<const Sample> samples);

  // Points of the series whose names begin with `prefix`, from `since` on: series by series in the
  // order of names, each sorted by time.
  Result<std::vector<Sample>> read(std::string_view prefix, Instant since) const;
  // Points that were added after `places`, at most `most`; `places` goes on behind them. A series
  // that was begun anew is read from its beginning.
  Result<std::vector<Sample>> read_after(Places& places, std::size_t most) const;
  Result<Places> places() const;

  const Shape& shape() const { return shape_; }
  // True where `open` began anew and so gave up a file that was there.
  bool gave_up_another() const { return gave_up_another_; }

 private:
  struct Entry {
    std::uint64_t count = 0;
    std::string name;  // empty: free
  };
  SeriesFile(int fd, const Shape& shape) : fd_(fd), shape_(shape) {}
  static Result<SeriesFile> begin(const std::string& path, const Shape& shape);
  Result<std::vector<Entry>> directory() const;
  Result<std::uint32_t> slot_of(const Sample& sample);
  Status put_entry(std::uint32_t slot, const Entry& entry);
  Status put_point(std::uint32_t slot, std::uint64_t number, const Sample& sample);
  // From `first` on, what is still there.
  Status add_points(std::uint32_t slot, const Entry& entry, std::uint64_t first,
                    std::vector<Sample>& samples) const;
  std::uint64_t place_of(std::uint32_t slot, std::uint64_t number) const;

  int fd_ = -1;
  Shape shape_;
  bool gave_up_another_ = false;
  bool loaded_ = false;
  std::vector<Entry> entries_;  // of the writer
};

inline constexpr Duration kStale = 1h;

}  // namespace tocsin::series
