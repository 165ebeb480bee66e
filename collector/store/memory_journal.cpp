#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "collector/store/chain.hpp"
#include "collector/store/memory_store.hpp"
#include "common/base/text.hpp"

namespace tocsin::collector {

struct MemoryJournal::Content {
  struct Group {
    Position first;
    Position last;
    std::string hash;
  };
  std::mutex mutex;
  std::vector<StoredEntry> entries;  // position n at index n - 1
  std::vector<Group> groups;
  std::map<std::pair<AgentId, Epoch>, SpoolCursor> cursors;
};

namespace {

using Content = MemoryJournal::Content;

std::string hash_of(const Content& content, const Content::Group& group, std::string_view prev) {
  GroupHash hash;
  hash.begin(prev, group.first, group.last);
  for (std::uint64_t at = group.first.value; at <= group.last.value; ++at) {
    const StoredEntry& entry = content.entries[at - 1];
    hash.add(entry.position, entry.at, entry.body);
  }
  return hash.finish();
}

class Writer final : public JournalWriter {
 public:
  explicit Writer(std::shared_ptr<Content> content) : content_(std::move(content)) {}

  Result<Position> append(std::span<const std::string> bodies, Instant at,
                          std::span<const SpoolCursor> cursors) override {
    const std::lock_guard lock(content_->mutex);
    std::vector<StoredEntry>& entries = content_->entries;
    if (bodies.empty()) return fail(ErrorCode::invalid_argument, "append to journal: no entries");
    if (!entries.empty() && at < entries.back().at) {
      return fail(ErrorCode::invalid_argument, "append to journal: journal time went back");
    }
    const Position first{entries.size() + 1};
    for (const std::string& body : bodies) {
      entries.push_back({Position{entries.size() + 1}, at, body});
    }
    Content::Group group{first, Position{entries.size()}, {}};
    group.hash =
        hash_of(*content_, group,
                content_->groups.empty() ? first_prev_hash() : content_->groups.back().hash);
    content_->groups.push_back(std::move(group));
    for (const SpoolCursor& cursor : cursors) {
      content_->cursors[{cursor.agent, cursor.epoch}] = cursor;
    }
    return first;
  }

  Position head() const override {
    const std::lock_guard lock(content_->mutex);
    return Position{content_->entries.size()};
  }

  Instant head_time() const override {
    const std::lock_guard lock(content_->mutex);
    return content_->entries.empty() ? Instant{} : content_->entries.back().at;
  }

  Result<std::vector<SpoolCursor>> spool_cursors() override {
    const std::lock_guard lock(content_->mutex);
    std::vector<SpoolCursor> cursors;
    for (const auto& [key, cursor] : content_->cursors) cursors.push_back(cursor);
    return cursors;
  }

 private:
  std::shared_ptr<Content> content_;
};

class Reader final : public JournalReader {
 public:
  explicit Reader(std::shared_ptr<Content> content) : content_(std::move(content)) {}

  Result<std::vector<StoredEntry>> read(Position from, std::size_t max_entries,
                                        std::size_t max_bytes) override {
    const std::lock_guard lock(content_->mutex);
    const std::size_t start =
        std::min<std::size_t>(from.value == 0 ? 0 : from.value - 1, content_->entries.size());
    std::vector<StoredEntry> entries;
    std::size_t bytes = 0;
    for (std::size_t i = start; i < content_->entries.size(); ++i) {
      if (entries.size() == max_entries || bytes >= max_bytes) break;
      bytes += content_->entries[i].body.size();
      entries.push_back(content_->entries[i]);
    }
    return entries;
  }

  Result<ChainReport> verify() override {
    const std::lock_guard lock(content_->mutex);
    ChainReport report;
    report.entries = content_->entries.size();
    report.groups = content_->groups.size();
    report.first = Position{report.entries == 0 ? 0U : 1U};
    report.last = Position{report.entries};
    std::string head = first_prev_hash();
    for (const Content::Group& group : content_->groups) {
      head = hash_of(*content_, group, head);
      TOCSIN_CHECK(head == group.hash);  // Nobody but us can reach this memory.
    }
    report.head_hash = to_hex(std::string_view(head));
    return report;
  }

 private:
  std::shared_ptr<Content> content_;
};

}  // namespace

MemoryJournal::MemoryJournal() : content_(std::make_shared<Content>()) {}
std::unique_ptr<JournalWriter> MemoryJournal::open_writer() const {
  return std::make_unique<Writer>(content_);
}
std::unique_ptr<JournalReader> MemoryJournal::open_reader() const {
  return std::make_unique<Reader>(content_);
}

}  // namespace tocsin::collector
