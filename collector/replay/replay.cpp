#include "collector/replay/replay.hpp"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "collector/store/memory_store.hpp"
#include "collector/store/sqlite_journal.hpp"
#include "collector/store/sqlite_state.hpp"
#include "common/base/limits.hpp"
#include "common/config/secret_file.hpp"
#include "common/config/site_policy.hpp"
#include "common/wire/wire.hpp"

namespace tocsin::collector {
namespace {

constexpr std::size_t kBatch = 1000;

// By the policies of the journal, or by one file for all of it.
Result<ParsePolicy> parser_of(const std::string& policy_file) {
  if (policy_file.empty()) {
    return ParsePolicy([](std::string_view toml, std::string_view name) {
      return config::read_site_policy(toml, name);
    });
  }
  auto text = config::read_file(policy_file, limits::kPolicyBytes);
  if (!text) return fail(text.error());
  auto policy = config::read_site_policy(*text, policy_file);
  if (!policy) return fail(policy.error());
  return ParsePolicy(
      [fixed = *std::move(policy)](
          std::string_view, std::string_view) -> Result<model::SitePolicy> { return fixed; });
}

Result<model::JournalEntry> decoded(const StoredEntry& stored) {
  auto body = wire::decode_journal(stored.body);
  if (!body) {
    return fail(ErrorCode::data_loss,
                fmt::format("entry {}: {}", stored.position.value, body.error().message));
  }
  return model::JournalEntry{stored.position, stored.at, *std::move(body)};
}

Status check_begins(const std::vector<StoredEntry>& entries, Position next) {
  if (entries.empty() || entries.front().position <= next) return {};
  return fail(
      ErrorCode::failed_precondition,
      fmt::format("the journal begins at position {}, and {} is to be judged next: its oldest "
                  "segments were dropped; go on from a copy of state.db that was judged to {} or "
                  "later (--from)",
                  entries.front().position.value, next.value, entries.front().position.value - 1));
}

// Folds all up to `last`, as the judge would.
Result<std::uint64_t> fold_all(JournalReader& journal, Position last, Fold& fold,
                               StateStore& store) {
  std::uint64_t count = 0;
  while (fold.cursor() < last) {
    const Position next{fold.cursor().value + 1};
    const auto entries = journal.read(next, kBatch);
    if (!entries) return fail(entries.error());
    TOCSIN_TRY(check_begins(*entries, next));
    if (entries->empty()) {
      return fail(ErrorCode::data_loss,
                  fmt::format("the journal ends at {}, but the state was judged to {}",
                              fold.cursor().value, last.value));
    }
    for (const StoredEntry& stored : *entries) {
      if (stored.position > last) break;
      const auto entry = decoded(stored);
      if (!entry) return fail(entry.error());
      const std::string_view command = command_of(entry->body);
      Result<Fold::Earlier> earlier;
      if (!command.empty()) earlier = store.command_result(command);
      if (!earlier) return fail(earlier.error());
      fold.apply(*entry, *earlier);
      ++count;
    }
    TOCSIN_TRY(store.commit(fold.take_delta()));
  }
  return count;
}

// A folder of our own that goes with everything in it.
class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> make() {
    std::error_code error;
    std::string name =
        (std::filesystem::temp_directory_path(error) / "tocsin-replay-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) return fail(system_error(name, errno));
    return std::make_unique<Scratch>(std::move(name));
  }
  explicit Scratch(std::string folder) : folder_(std::move(folder)) {}
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file(const char* name) const { return folder_ + "/" + name; }

 private:
  std::string folder_;
};

// What is judged into: nothing at first, or a copy of an earlier state. Members go in reverse.
struct Begin {
  std::unique_ptr<Scratch> scratch;
  std::unique_ptr<StateStore> store;
  std::unique_ptr<StateReader> reader;
};

Result<Begin> begin_from(const std::string& from_file) {
  if (from_file.empty()) {
    const MemoryState memory;
    return Begin{nullptr, memory.open_store(), memory.open_reader()};
  }
  auto scratch = Scratch::make();
  if (!scratch) return fail(scratch.error());
  const SqliteStateOptions copy{(*scratch)->file("state.db"), {}};
  TOCSIN_TRY(copy_state({from_file, {}}, copy.path));
  auto store = open_state_store(copy);
  if (!store) return fail(store.error());
  auto reader = open_state_reader(copy);
  if (!reader) return fail(reader.error());
  return Begin{*std::move(scratch), *std::move(store), *std::move(reader)};
}

}  // namespace

Result<Replayed> replay(const ReplayOptions& options) {
  const std::string state_file = options.directory + "/state.db";
  std::error_code ignored;
  if (!std::filesystem::exists(state_file, ignored)) {
    return fail(ErrorCode::not_found, fmt::format("{}: there is no such file", state_file));
  }
  auto recorded = open_state_reader({state_file, {}});
  if (!recorded) return fail(recorded.error());
  SqliteJournalOptions journal_options;
  journal_options.directory = options.directory + "/journal";
  auto journal = open_journal_reader(journal_options);
  if (!journal) return fail(journal.error());
  auto parser = parser_of(options.policy_file);
  if (!parser) return fail(parser.error());
  const auto as_of = (*recorded)->as_of();
  if (!as_of) return fail(as_of.error());

  const auto begin = begin_from(options.from_file);
  if (!begin) return fail(begin.error());
  auto snapshot = begin->store->load();
  if (!snapshot) return fail(snapshot.error());
  auto fold = Fold::resume(*std::move(snapshot), *std::move(parser));
  if (!fold) return fail(fold.error());
  Replayed replayed;
  replayed.first = {fold->cursor().value + 1};
  replayed.last = as_of->cursor;
  if (replayed.first > replayed.last && !options.from_file.empty()) {
    return fail(ErrorCode::failed_precondition,
                fmt::format("{}: judged to {}, no earlier than the state itself", options.from_file,
                            fold->cursor().value));
  }
  const auto count = fold_all(**journal, replayed.last, *fold, *begin->store);
  if (!count) return fail(count.error());
  replayed.entries = *count;
  auto comparison = compare(**recorded, *begin->reader);
  if (!comparison) return fail(comparison.error());
  replayed.comparison = *std::move(comparison);
  return replayed;
}

}  // namespace tocsin::collector
