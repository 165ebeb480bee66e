// A log and everything that happens to it, in any order, on real files: what comes of its records.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "agent/tail/tail.hpp"
#include "tests/support/temp_dir.hpp"

namespace tocsin::agent {

namespace fs = std::filesystem;

enum class Step {
  write_lines,
  write_part,
  write_long,
  rename,
  reopen,
  copy_truncate,
  copy_write_truncate,  // lines come between the copy and the cut, and mostly a look
  pack,
  truncate,
  remove_oldest,
  look,
  short_look,
  crash,
  restart,
};

// For RapidCheck's report of what failed.
inline void showValue(Step step, std::ostream& out) { out << static_cast<int>(step); }

inline constexpr std::size_t kRecordBytes = 64;
inline constexpr int kKept = 5;

// What one file of the log holds, and what must come of it.
struct Content {
  std::vector<std::string> records;
  std::string begun;  // a record without its end
};

class Room {
 public:
  Room() : path_(folder_.file("app.log")) {
    create();
    look(false, false);  // From here on nothing may be missing.
  }
  ~Room() { ::close(writer_); }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  void take(Step step, int amount) {
    now_ = now_ + 1s;
    switch (step) {
      case Step::write_lines:
        for (int i = 0; i < amount; ++i) write(fmt::format("record {:010} of many\n", ++number_));
        break;
      case Step::write_part:
        write(fmt::format("begun {:010} ", ++number_));
        break;
      case Step::write_long:
        write(fmt::format("long {:010} {}\n", ++number_, std::string(200, 'x')));
        break;
      case Step::rename:
        rename();
        break;
      case Step::reopen:
        reopen();
        break;
      case Step::copy_truncate:
        copy_truncate();
        break;
      case Step::copy_write_truncate:
        copy_write_truncate(amount);
        break;
      case Step::pack:
        pack();
        break;
      case Step::truncate:
        truncate();
        break;
      case Step::remove_oldest:
        remove_oldest();
        break;
      case Step::look:
        look(false, false);
        break;
      case Step::short_look:
        look(true, false);
        break;
      case Step::crash:
        look(false, true);
        break;
      case Step::restart:
        memory_ = TailMemory();
        break;
    }
  }

  const std::string& path() const { return path_; }
  std::function<void()> between;  // called before the cut of copy_write_truncate

  // Reads all that is there, also what renamed parts hold after their last line end.
  void finish() {
    now_ = now_ + 1s;
    reopen();
    for (int i = 0; i < 100; ++i) {
      look(false, false);
      now_ = now_ + 1h;
    }
    for (auto& [name, content] : files_) settle(*content, name != path_);
    RC_ASSERT(behind_ == 0U);
    std::set<std::string> seen;
    for (const std::string& record : got_) {
      RC_LOG() << "got " << record << "\n";
      RC_ASSERT(seen.insert(record).second);
    }
    for (const std::string& record : must_come_) {
      RC_LOG() << "must come " << record << "\n";
      RC_ASSERT(seen.contains(record));
    }
    for (const std::string& record : seen) {
      RC_ASSERT(must_come_.contains(record) || may_come_.contains(record));
    }
  }

 private:
  std::string part(int number) const { return fmt::format("{}.{}", path_, number); }

  void create() {
    writer_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT_GE(writer_, 0);
    files_[path_] = writing_ = std::make_shared<Content>();
    stamp();
  }

  // The kernel's clock is too coarse for what happens here within a millisecond.
  void stamp() {
    const timespec at{now_.ns / 1'000'000'000, now_.ns % 1'000'000'000};
    const timespec both[2] = {at, at};
    ASSERT_EQ(::futimens(writer_, both), 0);
  }

  void write(const std::string& text) {
    ASSERT_EQ(::write(writer_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    stamp();
    writing_->begun += text;
    if (!text.ends_with('\n')) return;
    writing_->begun.pop_back();
    writing_->records.push_back(writing_->begun.substr(0, kRecordBytes));
    writing_->begun.clear();
  }

  // What a file holds that is about to go, or at the end: it must have come.
  void settle(Content& content, bool closed) {
    if (closed && !content.begun.empty()) {
      content.records.push_back(content.begun.substr(0, kRecordBytes));
      content.begun.clear();
    } else if (content.begun.size() > kRecordBytes) {
      may_come_.insert(content.begun.substr(0, kRecordBytes));
    }
    must_come_.insert(content.records.begin(), content.records.end());
  }
  void forgive(const Content& content) {
    may_come_.insert(content.records.begin(), content.records.end());
    may_come_.insert(content.begun.substr(0, kRecordBytes));
  }

  void move(const std::string& from, const std::string& to) {
    if (!fs::exists(from)) return;
    fs::rename(from, to);
    files_[to] = files_[from];
    files_.erase(from);
  }
  void remove(const std::string& name) {
    if (!fs::exists(name)) return;
    forgive(*files_[name]);
    fs::remove(name);
    files_.erase(name);
  }
  void shift() {
    for (const char* packing : {"", ".gz"}) remove(part(kKept) + packing);
    for (int i = kKept; i-- > 1;) {
      for (const char* packing : {"", ".gz"}) move(part(i) + packing, part(i + 1) + packing);
    }
  }

  void reopen() {
    if (files_.contains(path_)) {
      if (files_[path_] == writing_) return;
    }
    ::close(writer_);
    create();
  }
  void rename() {
    reopen();
    shift();
    move(path_, part(1));
  }
  void copy_truncate() {
    copy();
    empty_log();
  }
  void copy() {
    reopen();
    shift();
    fs::copy_file(path_, part(1));
    fs::last_write_time(part(1), fs::last_write_time(path_));
    files_[part(1)] = std::make_shared<Content>(*writing_);
  }
  void copy_write_truncate(int amount) {
    reopen();
    if (!writing_->begun.empty()) write("end\n");
    copy();
    now_ = now_ + 1s;
    for (int i = 0; i < amount; ++i) write(fmt::format("between {:010}\n", ++number_));
    if (amount % 4 != 0) look(amount % 2 == 0, false);
    if (between) between();
    // What it held before is in the copy; of the rest what was read before the cut may come.
    forgive(*writing_);
    empty_log();
  }
  void truncate() {
    reopen();
    forgive(*writing_);
    empty_log();
  }
  void empty_log() {
    ASSERT_EQ(::ftruncate(writer_, 0), 0);
    *writing_ = Content();
    now_ = now_ + 1s;
    stamp();
  }
  void remove_oldest() {
    for (int i = kKept; i > 1; --i) {
      for (const char* packing : {".gz", ""}) {
        if (!fs::exists(part(i) + packing)) continue;
        return remove(part(i) + packing);
      }
    }
  }

  void pack() {
    const std::string from = part(1);
    if (!fs::exists(from) || files_[from] == writing_) return;
    std::ifstream in(from, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const gzFile out = ::gzopen((from + ".gz").c_str(), "wb");
    if (!text.empty()) {
      ASSERT_GT(::gzwrite(out, text.data(), static_cast<unsigned>(text.size())), 0);
    }
    ASSERT_EQ(::gzclose(out), Z_OK);
    fs::last_write_time(from + ".gz", fs::last_write_time(from));
    fs::remove(from);
    files_[from + ".gz"] = files_[from];
    files_.erase(from);
  }

  void look(bool briefly, bool crash) {
    TailLimits limits;
    limits.record_bytes = kRecordBytes;
    if (briefly) limits.bytes = 1;
    std::vector<std::string> records;
    const auto outcome = read_tail(path_, position_, limits, now_, memory_,
                                   [&](std::string_view r) { records.emplace_back(r); });
    ASSERT_TRUE(outcome) << outcome.error().message;
    if (crash) {
      memory_ = TailMemory();
      return;
    }
    const auto kept = parse_tail_position(to_text(outcome->next));
    ASSERT_EQ(kept, outcome->next);
    position_ = kept;
    behind_ = outcome->bytes_behind;
    got_.insert(got_.end(), records.begin(), records.end());
  }

  tests::TempDir folder_;
  std::string path_;
  int writer_ = -1;
  int number_ = 0;
  Instant now_{1'700'000'000'000'000'000};
  std::map<std::string, std::shared_ptr<Content>> files_;
  std::shared_ptr<Content> writing_;
  std::optional<TailPosition> position_;
  TailMemory memory_;
  std::uint64_t behind_ = 0;
  std::vector<std::string> got_;
  std::set<std::string> must_come_;
  std::set<std::string> may_come_;
};

}  // namespace tocsin::agent
