// What backup systems print: comma-delimited answers of TSM, JSON of restic.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/backup/comma_output.hpp"
#include "agent/backup/restic.hpp"
#include "agent/backup/tsm.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::agent;

bool fits(const std::vector<model::BackupEvent>& events) {
  for (const model::BackupEvent& event : events) {
    if (event.name.size() > limits::kName || event.status.size() > limits::kName) return false;
  }
  return events.size() <= limits::kBackupEvents;
}

void tsm(std::string_view text, const std::vector<std::string>& sources) {
  BackupSettings backup;
  backup.tool = BackupTool::tsm;
  backup.sources = sources;
  TsmFacts facts(backup, Instant{1'800'000'000'000'000'000});
  for (const TsmQuestion question : tsm_questions(backup)) {
    facts.add(question, read_tsm_answer(0, text, text));
    facts.add(question, read_tsm_answer(4, text, ""));
  }
  const model::BackupJobFacts seen = std::move(facts).take();
  TOCSIN_CHECK(fits(seen.schedules) && fits(seen.errors) && fits(seen.devices));
  TOCSIN_CHECK(fits(seen.blind) && seen.spaces.size() <= limits::kBackupEvents);
  TOCSIN_CHECK(seen.sources.size() <= limits::kBackupSources + backup.sources.size());
}

void restic(std::string_view text) {
  if (const auto snapshots = parse_snapshots(text)) {
    const auto sources = newest_of(*snapshots, {});
    TOCSIN_CHECK(sources.size() <= snapshots->size());
    for (const auto& source : sources) TOCSIN_CHECK(source.name.size() <= limits::kText);
  }
  static_cast<void>(parse_ls(text, "/a"));
  TOCSIN_CHECK(restic_reason(text).size() <= limits::kName);
  const ResticTests tests = parse_tests(text);
  TOCSIN_CHECK(parse_tests(print_tests(tests)) == tests);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const CommaOutput output = parse_comma_output(text, 16);
  TOCSIN_CHECK(output.rows.size() <= 16 && output.messages.size() <= 32);
  tsm(text, {});
  tsm(text, {"NODE1"});
  restic(text);
  return 0;
}
