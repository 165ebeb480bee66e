// What a log, a site's catalogue and a check's own kept position may hold.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/mman.h>
#include <unistd.h>

#include "agent/checks/warnings_facts.hpp"
#include "agent/tail/line_ends.hpp"
#include "agent/tail/lines.hpp"
#include "agent/tail/packed.hpp"
#include "agent/tail/position.hpp"
#include "agent/tail/rotation.hpp"
#include "common/base/limits.hpp"
#include "common/base/result.hpp"

namespace {

using namespace tocsin;
using namespace tocsin::agent;

const catalogue::Catalogue& shipped() {
  static const catalogue::Catalogue catalogue = catalogue::Catalogue::shipped();
  return catalogue;
}

// Every byte of a log belongs to a record, a line end, or what is left for later.
void check_records(std::string_view text) {
  constexpr std::size_t kLimit = 64;
  WarningsSettings settings{{}, {"tocsin-probe"}, {"10.0.0.5"}, "tocsin-local"};
  WarningCounter counter(shipped(), settings, {});
  bool skipping = false;
  std::size_t given = 0;
  const LinesResult lines = split_lines(text, kLimit, true, skipping, [&](std::string_view line) {
    TOCSIN_CHECK(!line.empty() && line.size() <= kLimit && line.find('\n') == line.npos);
    given += line.size();
    counter.add(parse_log_record(line), Instant{1});
  });
  TOCSIN_CHECK(lines.taken == text.size() && given <= text.size());
  model::WarningsFacts facts;
  counter.finish(Instant{2}, facts);
  TOCSIN_CHECK(facts.groups.size() <= limits::kWarningGroups);
  const WarningsPosition position{counter.windows(), counter.logins(), std::string(text)};
  TOCSIN_CHECK(parse_warnings_position(to_text(position)) == position);
}

// What logrotate packed, or somebody put where it does: what is unpacked from further on is the
// same, however it is asked for.
void check_packed(std::string_view bytes) {
  constexpr std::size_t kMost = 4096;
  const os::Fd file(::memfd_create("packed.gz", MFD_CLOEXEC));
  TOCSIN_CHECK(::write(file.get(), bytes.data(), bytes.size()) ==
               static_cast<ssize_t>(bytes.size()));
  const auto all = unpack_gzip(file, 0, kMost);
  if (!all) {
    TOCSIN_CHECK(all.error().code == ErrorCode::data_loss);
    return;
  }
  TOCSIN_CHECK(all->size() <= kMost);
  const std::size_t half = all->size() / 2;
  const auto rest = unpack_gzip(file, half, all->size() - half);
  TOCSIN_CHECK(rest && *rest == all->substr(half));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_records(text);
  check_packed(text);
  if (const auto position = parse_tail_position(text)) {
    TOCSIN_CHECK(position->places.size() <= kTailParts);
    TOCSIN_CHECK(parse_tail_position(to_text(*position)) == position);
  }
  if (const auto ends = parse_line_ends(text)) {
    TOCSIN_CHECK(ends->ends.size() <= kEndLines + 1);
    TOCSIN_CHECK(parse_line_ends(to_text(*ends)) == ends);
    (void)ends_reached(*ends, text);
  }
  const std::string_view read = text.substr(0, kEndsCover);
  const LineEnds own = line_ends(0, read, Instant{1});
  TOCSIN_CHECK(parse_line_ends(to_text(own)) == own);
  TOCSIN_CHECK(read.empty() || ends_reached(own, read) == own.ends.size());
  if (const auto position = parse_warnings_position(text)) {
    TOCSIN_CHECK(parse_warnings_position(to_text(*position)) == position);
    // A look goes on from whatever was kept.
    const WarningsSettings settings{{}, {"tocsin-probe"}, {"10.0.0.5"}, "tocsin-local"};
    WarningCounter counter(shipped(), settings, position->windows, position->logins);
    counter.add({"sshd", "Connection from 10.0.0.5 port 4022 on 10.0.0.1 port 22", 7}, Instant{1});
    model::WarningsFacts facts;
    counter.finish(Instant{1}, facts);
    TOCSIN_CHECK(facts.groups.size() <= limits::kWarningGroups);
  }
  const std::string_view name = text.substr(0, text.find('\n'));
  const RotatedName rotated = rotated_name("auth.log", name);
  TOCSIN_CHECK(!rotated.older ||
               (!rotated.mark.empty() && !is_older_mark(rotated.mark, rotated.mark)));
  catalogue::Catalogue catalogue;
  if (catalogue.add(text, "fuzz.toml")) catalogue.find("sshd", text);
  return 0;
}
