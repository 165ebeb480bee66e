#include "common/series/series_file.hpp"

#include <csignal>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_dir.hpp"

namespace tocsin::series {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Shape kSmall{4, 5};

class Series : public testing::Test {
 protected:
  SeriesFile open(const Shape& shape = kSmall) {
    auto file = SeriesFile::open(path_, shape);
    EXPECT_TRUE(file) << file.error().message;
    return *std::move(file);
  }
  std::vector<Sample> read(std::string_view prefix = "", Instant since = Instant{INT64_MIN}) {
    auto file = SeriesFile::open_to_read(path_);
    EXPECT_TRUE(file) << file.error().message;
    return *file->read(prefix, since);
  }
  std::uint64_t size() const { return std::filesystem::file_size(path_); }

  tests::TempDir dir_ = tests::TempDir::in_memory();
  std::string path_ = dir_.file("curves");
};

TEST_F(Series, KeepsTheNewestPointsOfEach) {
  SeriesFile file = open();
  for (int i = 1; i <= 7; ++i) {
    const std::vector<Sample> two{{"b", Instant{i}, i * 0.5}, {"a", Instant{10 * i}, -i * 1.0}};
    EXPECT_EQ(file.append(two), 0U);
  }
  EXPECT_THAT(read("b"), ElementsAre(Sample{"b", Instant{3}, 1.5}, Sample{"b", Instant{4}, 2},
                                     Sample{"b", Instant{5}, 2.5}, Sample{"b", Instant{6}, 3},
                                     Sample{"b", Instant{7}, 3.5}));
  EXPECT_EQ(read().size(), 10U);
  EXPECT_EQ(read().front().series, "a");
  EXPECT_THAT(read("a", Instant{65}), ElementsAre(Sample{"a", Instant{70}, -7}));
}

TEST_F(Series, GoesOnAfterARestart) {
  open().append(std::vector<Sample>{{"a", Instant{1}, 1}});
  open().append(std::vector<Sample>{{"a", Instant{2}, 2}});
  EXPECT_THAT(read(), ElementsAre(Sample{"a", Instant{1}, 1}, Sample{"a", Instant{2}, 2}));
}

TEST_F(Series, ThatWasSilentLongestGivesWayToANewOne) {
  SeriesFile file = open();
  const std::int64_t hour = Duration(1h).count();
  for (const char* name : {"a", "b", "c", "d"}) {
    file.append(std::vector<Sample>{{name, Instant{hour}, 1}});
  }
  EXPECT_EQ(file.append(std::vector<Sample>{{"e", Instant{hour + 1}, 1}}), 1U) << "all are in use";
  file.append(std::vector<Sample>{{"a", Instant{2 * hour}, 1}});
  EXPECT_EQ(file.append(std::vector<Sample>{{"e", Instant{2 * hour + 1}, 7}}), 0U);
  EXPECT_THAT(read("e"), ElementsAre(Sample{"e", Instant{2 * hour + 1}, 7}));
  EXPECT_THAT(read("b"), IsEmpty());
  EXPECT_EQ(read("a").size(), 2U);
  EXPECT_EQ(file.append(std::vector<Sample>{{"", Instant{1}, 1},
                                            {std::string(kNameBytes + 1, 'x'), Instant{1}, 1}}),
            2U)
      << "without a name, or with too long a one";
}

TEST_F(Series, AReaderGoesOnWhereItWas) {
  SeriesFile file = open();
  file.append(std::vector<Sample>{{"a", Instant{1}, 1}});
  const auto reader = SeriesFile::open_to_read(path_);
  Places places = *reader->places();
  EXPECT_THAT(*reader->read_after(places, 100), IsEmpty());
  file.append(std::vector<Sample>{{"a", Instant{2}, 2}, {"b", Instant{2}, 2}});
  EXPECT_THAT(*reader->read_after(places, 1), ElementsAre(Sample{"a", Instant{2}, 2}));
  EXPECT_THAT(*reader->read_after(places, 100), ElementsAre(Sample{"b", Instant{2}, 2}));
  for (int i = 3; i < 20; ++i) file.append(std::vector<Sample>{{"a", Instant{i}, 1.0 * i}});
  EXPECT_EQ(reader->read_after(places, 100)->size(), kSmall.points) << "the rest is gone";
  EXPECT_THAT(*reader->read_after(places, 100), IsEmpty());
}

TEST_F(Series, AnotherShapeOrNoFileOfOursIsBegunAnew) {
  open().append(std::vector<Sample>{{"a", Instant{1}, 1}});
  EXPECT_FALSE(open().gave_up_another());
  EXPECT_TRUE(open({8, 5}).gave_up_another());
  EXPECT_THAT(read(), IsEmpty());
  std::ofstream(path_) << "something else";
  EXPECT_FALSE(SeriesFile::open_to_read(path_));
  auto anew = open();
  EXPECT_TRUE(anew.gave_up_another());
  anew.append(std::vector<Sample>{{"a", Instant{1}, 1}});
  EXPECT_EQ(read().size(), 1U);
  EXPECT_EQ(SeriesFile::open_to_read(dir_.file("none")).error().code, ErrorCode::not_found);
}

// However much is added: the file keeps its size, and holds the newest of each series, no more.
RC_GTEST_FIXTURE_PROP(Series, NeverGrowsAndHoldsTheNewest, ()) {
  std::filesystem::remove(path_);
  SeriesFile file = open();
  const std::uint64_t before = size();
  std::map<std::string, std::vector<double>> all;
  const auto count = *rc::gen::inRange(0, 60);
  for (int i = 0; i < count; ++i) {
    const std::string name(1, static_cast<char>('a' + *rc::gen::inRange(0, 4)));
    const double value = i;
    RC_ASSERT(file.append(std::vector<Sample>{{name, Instant{i}, value}}) == 0U);
    all[name].push_back(value);
    if (*rc::gen::inRange(0, 10) == 0) file = open();
  }
  RC_ASSERT(size() == before);
  for (auto& [name, values] : all) {
    const std::size_t kept = std::min<std::size_t>(values.size(), kSmall.points);
    const std::vector<double> newest(values.end() - static_cast<std::ptrdiff_t>(kept),
                                     values.end());
    std::vector<double> found;
    for (const Sample& sample : read(name)) found.push_back(sample.value);
    RC_ASSERT(found == newest);
  }
}

// Bytes that the disk lost or changed hide points; they never make one up.
RC_GTEST_FIXTURE_PROP(Series, DamageHidesPointsAndMakesNoneUp, ()) {
  std::filesystem::remove(path_);
  std::vector<Sample> written;
  for (int i = 0; i < 12; ++i) {
    written.push_back({i % 2 == 0 ? "a" : "b", Instant{i}, 1.0 * i});
  }
  open().append(written);
  const auto edits = *rc::gen::inRange(1, 6);
  std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
  for (int i = 0; i < edits; ++i) {
    file.seekp(static_cast<std::streamoff>(*rc::gen::inRange<std::uint64_t>(0, size())));
    file.put(static_cast<char>(*rc::gen::inRange(0, 256)));
  }
  file.close();
  const auto reader = SeriesFile::open_to_read(path_);
  if (!reader) return;  // The header is gone: begun anew at the next opening.
  const auto found = reader->read("", Instant{INT64_MIN});
  RC_ASSERT(found.has_value());
  for (const Sample& sample : *found) {
    RC_ASSERT(std::find(written.begin(), written.end(), sample) != written.end());
  }
}

// A process that is killed at any moment leaves a file with everything in order.
TEST_F(Series, AKilledWriterLeavesAReadableFile) {
  for (int round = 0; round < 20; ++round) {
    const pid_t writer = ::fork();
    ASSERT_GE(writer, 0);
    if (writer == 0) {
      auto file = SeriesFile::open(path_, {4, 64});
      for (std::int64_t i = 0;; ++i) {
        const std::vector<Sample> two{{"a", Instant{i}, 2.0 * static_cast<double>(i)},
                                      {"b", Instant{i}, 3.0 * static_cast<double>(i)}};
        if (!file || !file->append(two)) ::_exit(1);
      }
    }
    ::usleep(static_cast<useconds_t>(1000 + 377 * round));
    ::kill(writer, SIGKILL);
    int status = 0;
    ::waitpid(writer, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    if (!std::filesystem::exists(path_)) continue;  // Killed before it had begun.
    for (const char* name : {"a", "b"}) {
      const double factor = name[0] == 'a' ? 2 : 3;
      for (const Sample& sample : read(name)) {
        EXPECT_EQ(sample.value, factor * static_cast<double>(sample.at.ns));
      }
      EXPECT_LE(read(name).size(), 64U);
    }
  }
  EXPECT_GT(read("a").size(), 32U);
}

TEST_F(Series, AFullDiskIsAnErrorAndNoDeath) {
  SeriesFile file = open();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 100;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto added = file.append(std::vector<Sample>{{"a", Instant{1}, 1}});
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(added);
  EXPECT_EQ(file.append(std::vector<Sample>{{"a", Instant{2}, 2}}), 0U);
  EXPECT_THAT(read(), ElementsAre(Sample{"a", Instant{2}, 2}));
}

}  // namespace
}  // namespace tocsin::series
