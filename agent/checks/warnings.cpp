#include "agent/checks/warnings.hpp"

#include <algorithm>
#include <utility>

#include "agent/checks/audit_log_facts.hpp"
#include "agent/checks/observation.hpp"
#include "agent/checks/warnings_facts.hpp"
#include "agent/os/files.hpp"
#include "agent/os/journal.hpp"
#include "agent/tail/tail.hpp"
#include "common/base/limits.hpp"
#include "common/base/text.hpp"

namespace tocsin::agent {
namespace {

constexpr std::uint64_t kMostEntries = 20'000;  // of the journal in one run
constexpr std::uint64_t kMostPast = 5'000;      // of those before the first run

// Caches: the catalogue with the host's own files, and files that are open; and since when there is
// no log.
struct WarningsMemory : CheckMemory {
  catalogue::Catalogue catalogue;
  TailMemory tail;
  std::optional<MonoTime> missing_since;
};

// The memory of this check; made at its first run. A mistake in a file of the host's shows at every
// run until it is corrected and the agent restarted.
Result<WarningsMemory*> memory_of(CheckContext& context) {
  if (auto* memory = dynamic_cast<WarningsMemory*>(context.memory.get())) return memory;
  auto catalogue = load_catalogue(context.root, context.settings.warnings);
  if (!catalogue) return fail(catalogue.error());
  auto memory = std::make_unique<WarningsMemory>();
  memory->catalogue = std::move(*catalogue);
  WarningsMemory* made = memory.get();
  context.memory = std::move(memory);
  return made;
}

// What a log was read with, whichever log it is.
struct Reading {
  WarningsMemory& memory;
  WarningCounter& counter;
  const std::string& reader;  // where the run before stopped; empty: first run
  model::WarningsFacts& facts;
};

Result<std::string> read_file_log(const std::string& target, CheckContext& context,
                                  const Reading& reading) {
  const Instant now = context.time.wall();
  const auto on_record = [&](std::string_view line) {
    reading.counter.add(parse_log_record(line), now);
  };
  const auto on_past = [&](std::string_view line) {
    reading.counter.remember(parse_log_record(line), now);
  };
  const auto before = parse_tail_position(reading.reader);
  const auto outcome = read_tail(os::under(context.root, target), before, TailLimits{}, now,
                                 reading.memory.tail, on_record, on_past);
  if (!outcome) return fail(outcome.error());
  model::WarningsFacts& facts = reading.facts;
  facts.present = log_present(outcome->present, before && had_log(*before), context.time.steady(),
                              reading.memory.missing_since);
  facts.records = outcome->records;
  facts.bytes = outcome->bytes;
  facts.bytes_behind = outcome->bytes_behind;
  facts.rotations = outcome->rotations;
  facts.lost_bytes = outcome->lost_bytes;
  facts.long_records = outcome->long_records;
  return to_text(outcome->next);
}

Result<std::string> read_journal_log(CheckContext& context, const Reading& reading) {
  model::WarningsFacts& facts = reading.facts;
  facts.present = model::Tristate::yes;
  if (reading.reader.empty()) {
    const auto remember = [&](const os::JournalEntry& entry) {
      reading.counter.remember({entry.program, entry.message, entry.pid}, entry.at);
    };
    const auto past =
        os::read_newest_entries(context.root, context.time.wall() - kConnectionIsFollowed,
                                kMostPast, context.stop, remember);
    if (!past) return fail(past.error());
    return past->newest;
  }
  const auto on_entry = [&](const os::JournalEntry& entry) {
    facts.bytes += entry.message.size();
    reading.counter.add({entry.program, entry.message, entry.pid, entry.priority}, entry.at);
  };
  const auto read =
      os::read_journal_entries(context.root, reading.reader, kMostEntries, context.stop, on_entry);
  if (!read) return fail(read.error());
  facts.records = read->entries;
  facts.bytes_behind = read->more ? 1 : 0;  // How much nobody counts.
  if (read->place_gone) note_lost_entries(reading.reader, read->first, facts);
  return read->newest.empty() ? reading.reader : read->newest;
}

}  // namespace

Result<catalogue::Catalogue> load_catalogue(const std::string& root,
                                            const WarningsSettings& settings) {
  catalogue::Catalogue catalogue = catalogue::Catalogue::shipped();
  for (const std::string& file : settings.catalogues) {
    const auto text = os::read_start(os::under(root, file), catalogue::kCatalogueBytes + 1);
    if (!text) return fail(text.error());
    TOCSIN_TRY(catalogue.add(*text, file));
  }
  return catalogue;
}

model::Observation observe_warnings(const model::CheckDefinition& check, CheckContext& context) {
  const Run run(check, context);
  const std::string& target = check.check.target;
  const bool journal = target == "journal";
  if (!journal && (!target.starts_with('/') || target.find('\0') != std::string::npos)) {
    return run.unseen(Error{ErrorCode::invalid_argument, "not an absolute path: " + target});
  }
  const auto memory = memory_of(context);
  if (!memory) return run.unseen(memory.error());
  const WarningsPosition before =
      (context.cursor ? parse_warnings_position(*context.cursor) : std::nullopt)
          .value_or(WarningsPosition());
  WarningCounter counter((*memory)->catalogue, context.settings.warnings, before.windows,
                         before.logins);
  model::WarningsFacts facts;
  facts.source = clean_text(target, limits::kPath);
  const Reading reading{**memory, counter, before.reader, facts};
  auto reader =
      journal ? read_journal_log(context, reading) : read_file_log(target, context, reading);
  if (!reader) return run.unseen(reader.error());
  counter.finish(context.time.wall(), facts);
  context.new_cursor =
      to_text(WarningsPosition{counter.windows(), counter.logins(), std::move(*reader)});
  return run.seen(std::move(facts));
}

bool is_first_look(const model::CheckRef& check, const CheckContext& context) {
  return check.kind == model::CheckKind::warnings && !context.cursor;
}

model::Observation tell_first_look(const model::CheckDefinition& check, CheckContext& context) {
  const std::string source = clean_text(check.check.target, limits::kPath);
  return Run(check, context)
      .unseen(model::Outcome::failed, {"warning.first_look", {{"source", source}}});
}

}  // namespace tocsin::agent
