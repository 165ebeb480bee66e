// Sources that block, and a disk that is full, as the kernel has them.
#include "agent/evidence/writer.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/time/time_source.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// A reading of it blocks until this is gone.
class SilentPipe {
 public:
  SilentPipe() {
    int ends[2]{-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    read_ = std::make_shared<os::Fd>(ends[0]);
    write_ = os::Fd(ends[1]);
  }
  // For a thread that may outlive the test. `late`: whether what came afterwards was taken.
  EvidenceWriter::Produce produce(std::string first,
                                  std::shared_ptr<std::promise<bool>> late = nullptr) const {
    return [pipe = read_, first = std::move(first), late](const EvidenceWriter::Sink& sink) {
      if (!first.empty()) sink(first);
      char byte = 0;
      static_cast<void>(!::read(pipe->get(), &byte, 1));
      const bool taken = sink("too late");
      if (late) late->set_value(taken);
      return Result<std::string>(std::string());
    };
  }

 private:
  std::shared_ptr<os::Fd> read_;
  os::Fd write_;
};

class Writer : public testing::Test {
 protected:
  void SetUp() override { limits_.patience.silence = 30ms; }

  EvidenceWriter writer() {
    auto made = EvidenceWriter::create(folder(), 0700, 0600, limits_, time_, {});
    EXPECT_TRUE(made);
    return std::move(*made);
  }
  std::string folder() const { return temp_.file("evidence"); }
  std::string text_of(const evidence::Item& item) const {
    std::ifstream file(folder() + "/" + item.file, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static EvidenceWriter::Open opener(const std::string& root, const std::string& path) {
    return [root, path] { return open_file(root, path); };
  }

  tests::TempDir temp_;
  time::SystemTime time_;
  WriterLimits limits_;
};

TEST_F(Writer, ASourceThatBlocksKeepsNothingFromTheOthers) {
  const SilentPipe pipe;
  auto writer = this->writer();
  writer.add_stream("processes", "that block", pipe.produce({}));
  writer.add_stream("processes", "that block later", pipe.produce("pid\n1\n"));
  writer.add_text("sockets", "that answer", "tcp\n");
  const auto items = writer.take_items();
  ASSERT_EQ(items.size(), 3U);
  EXPECT_EQ(items[0].reason, "no_answer");
  EXPECT_THAT(items[0].detail, StartsWith("nothing for"));
  EXPECT_TRUE(items[0].file.empty());
  EXPECT_EQ(items[1].cut, "no_answer");
  EXPECT_EQ(text_of(items[1]), "pid\n1\n");
  EXPECT_EQ(items[2].cut, "");
  EXPECT_EQ(text_of(items[2]), "tcp\n");
}

// What is left behind may go on at any time: its file is closed to it.
TEST_F(Writer, WhatComesTooLateIsNotInTheEvidence) {
  evidence::Item item;
  const auto late = std::make_shared<std::promise<bool>>();
  {
    const SilentPipe pipe;
    auto writer = this->writer();
    writer.add_stream("processes", "that block", pipe.produce("pid\n", late));
    item = writer.take_items().front();
  }  // The pipe's end is closed: the reading goes on.
  EXPECT_FALSE(late->get_future().get());
  EXPECT_EQ(item.bytes, 4U);
  EXPECT_EQ(text_of(item), "pid\n");
}

TEST_F(Writer, SoManySourcesThatBlockEndIt) {
  limits_.patience.left_behind = 2;
  const SilentPipe pipe;
  auto writer = this->writer();
  for (int i = 0; i < 3; ++i) writer.add_stream("processes", "that block", pipe.produce({}));
  EXPECT_FALSE(writer.ask<int>("log", "/var/log", [] { return 1; }));
  const auto items = writer.take_items();
  ASSERT_EQ(items.size(), 4U);
  EXPECT_THAT(items[1].detail, StartsWith("nothing for"));
  EXPECT_THAT(items[2].detail, HasSubstr("2 sources before it"));
  EXPECT_THAT(items[3].detail, HasSubstr("2 sources before it"));
  EXPECT_EQ(items[3].reason, "no_answer");
}

TEST_F(Writer, ASlowSourceThatGoesOnIsWaitedFor) {
  auto writer = this->writer();
  writer.add_stream("programs", "slowly", [](const EvidenceWriter::Sink& sink) {
    for (int i = 0; i < 8; ++i) {
      ::usleep(15'000);
      sink("x");
    }
    return Result<std::string>(std::string());
  });
  const auto items = writer.take_items();
  EXPECT_EQ(items[0].cut, "");
  EXPECT_EQ(items[0].bytes, 8U);
}

// A limit of the process stands for the disk's: the kernel writes a part, then refuses.
TEST_F(Writer, WhatTheDiskDidNotTakeIsCounted) {
  const std::string root = temp_.file("root");
  fs::create_directories(root);
  std::ofstream(root + "/log") << std::string(200'000, 'x');
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100'000;
  auto writer = this->writer();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  writer.add_file("log", "/log", opener(root, "/log"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  const auto item = writer.take_items().front();
  EXPECT_EQ(item.cut, "disk_full");
  EXPECT_EQ(item.bytes, 65'536U);
  EXPECT_EQ(item.left_out, 200'000U - 65'536U);
  EXPECT_EQ(text_of(item).size(), item.bytes);
}

// One whose beginning was left out for its size, and then the disk is full: the worse one is said.
TEST_F(Writer, AFullDiskIsSaidOfWhatIsTooLargeToo) {
  const std::string root = temp_.file("root");
  fs::create_directories(root);
  std::ofstream(root + "/log") << std::string(200'000, 'x');
  limits_.item_bytes = 150'000;
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 100'000;
  auto writer = this->writer();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  writer.add_file("log", "/log", opener(root, "/log"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  const auto item = writer.take_items().front();
  EXPECT_EQ(item.cut, "disk_full");
  EXPECT_EQ(item.from, 50'000U);
  EXPECT_EQ(item.left_out, 200'000U - item.bytes);
}

}  // namespace
}  // namespace tocsin::agent
