// Files of curves that were damaged, cut, or are none: reading them never fails but by saying so,
// and no point comes out that was never put in. An input is such a file, or a story of appends,
// reads and damage.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "common/base/result.hpp"
#include "common/series/series_file.hpp"
#include "tests/fuzz/scratch.hpp"

namespace {

using namespace tocsin;
using series::Places;
using series::Sample;
using series::SeriesFile;
using series::Shape;

constexpr Shape kShape{3, 4};
constexpr Instant kAlways{INT64_MIN};
constexpr int kMostActs = 40;

bool in_order(const std::vector<Sample>& samples) {
  return std::is_sorted(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    return std::tie(a.series, a.at.ns) < std::tie(b.series, b.at.ns);
  });
}

const fuzz::Scratch& scratch() {
  static const fuzz::Scratch file;
  return file;
}

void check_file(std::string_view bytes) {
  scratch().put(bytes);
  const auto file = SeriesFile::open_to_read(scratch().path());
  if (!file) {
    TOCSIN_CHECK(file.error().code == ErrorCode::data_loss);
  } else {
    const std::size_t most = std::size_t{file->shape().series} * file->shape().points;
    const auto all = file->read("", kAlways);
    TOCSIN_CHECK(all && all->size() <= most && in_order(*all));
    Places places;
    const auto after = file->read_after(places, 2);
    TOCSIN_CHECK(after && after->size() <= 2);
    TOCSIN_CHECK(file->places()->size() >= places.size());
  }
  // Whatever was there, the writer goes on.
  const Shape shape = file ? file->shape() : kShape;
  auto writer = SeriesFile::open(scratch().path(), shape);
  TOCSIN_CHECK(writer.has_value());
  const std::vector<Sample> one{{"cpu", Instant{INT64_MAX}, 1.0}};
  const auto left_out = writer->append(one);
  TOCSIN_CHECK(left_out.has_value());
  if (*left_out == 0) {
    const auto back = writer->read("cpu", one.front().at);
    TOCSIN_CHECK(back && std::find(back->begin(), back->end(), one.front()) != back->end());
  }
}

// What was done to one file, as the input says.
class Story {
 public:
  explicit Story(std::string_view input) : input_(input) {}

  void run() {
    scratch().remove();
    reopen();
    // Longer stories only take longer.
    for (int done = 0; done < kMostActs && !input_.empty(); ++done) {
      switch (next() % 6) {
        case 0:
        case 1:
          append();
          break;
        case 2:
          damage();
          break;
        case 3:
          std::filesystem::resize_file(scratch().path(), next() * std::size_t{4});
          break;
        case 4:
          reopen();
          break;
        default:
          read();
      }
    }
    read();
  }

 private:
  std::uint8_t next() {
    if (input_.empty()) return 0;
    const auto byte = static_cast<std::uint8_t>(input_.front());
    input_.remove_prefix(1);
    return byte;
  }
  void reopen() {
    auto opened = SeriesFile::open(scratch().path(), kShape);
    TOCSIN_CHECK(opened.has_value());
    file_.emplace(std::move(*opened));
  }
  void append() {
    const Sample sample{std::string(1 + next() % 2, static_cast<char>('a' + next() % 4)),
                        Instant{next() * series::kStale.count() / 4}, double(next())};
    TOCSIN_CHECK(file_->append(std::vector<Sample>{sample}).has_value());
    put_in_.insert(key_of(sample));
  }
  void damage() {
    const std::size_t at = next() * std::size_t{256} + next();
    std::fstream file(scratch().path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at % 1120));  // of kShape's bytes
    file.put(static_cast<char>(next()));
  }
  void read() {
    const auto all = file_->read("", kAlways);
    TOCSIN_CHECK(all && in_order(*all));
    check(*all);
    const std::size_t most = next() % 8;
    const auto after = file_->read_after(places_, most);
    TOCSIN_CHECK(after && after->size() <= most);
    check(*after);
  }
  void check(const std::vector<Sample>& samples) const {
    for (const Sample& sample : samples) TOCSIN_CHECK(put_in_.contains(key_of(sample)));
  }

  using Key = std::tuple<std::string, std::int64_t, double>;
  static Key key_of(const Sample& s) { return {s.series, s.at.ns, s.value}; }

  std::string_view input_;
  std::optional<SeriesFile> file_;
  Places places_;
  std::set<Key> put_in_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view kStory = "story ";
  if (input.starts_with(kStory)) {
    Story(input.substr(kStory.size())).run();
  } else {
    check_file(input);
  }
  return 0;
}
