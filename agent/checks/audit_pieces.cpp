#include "agent/checks/audit_pieces.hpp"

#include <algorithm>
#include <string>

#include "agent/os/systemd.hpp"
#include "common/base/instant.hpp"

namespace tocsin::agent {
namespace {

constexpr std::uint64_t kPiece = 1 << 20;
static_assert(kNewestLogins <= 4 << 20 && kLoginsInTurn <= 4 << 20);  // each is read at once

// Processors number their records and write them a moment later, so that at the end of what was
// read one may be missing whose followers are there already.
constexpr Duration kComesLate = 20ms;

// How many are missing up to where `reader` stands, with what was written behind `end` since.
Result<std::uint64_t> settled_missing(const os::OpenedFile& file, std::uint64_t end,
                                      const TrailReader& reader) {
  if (reader.missing() == 0) return 0;
  os::pause(kComesLate);
  const auto more = os::read_at(file.fd, end, kPiece);
  if (!more) return fail(more.error());
  TrailReader later = reader;
  later.read(*more);
  return later.missing_until(reader.place().serial);
}

}  // namespace

Result<TrailSeen> read_trail(const os::OpenedFile& file, std::uint64_t from, TrailReader reader,
                             std::uint64_t most, const std::stop_token& stop) {
  const std::uint64_t size = file.stat.size;
  const std::uint64_t end = size - std::min(from, size) > most ? from + most : size;
  while (from < end && !stop.stop_requested()) {
    const auto piece =
        os::read_at(file.fd, from, static_cast<std::size_t>(std::min(end - from, kPiece)));
    if (!piece) return fail(piece.error());
    if (piece->empty()) break;  // Cut while it was read: the next look sees that.
    reader.read(*piece);
    from += piece->size();
  }
  const auto missing = settled_missing(file, from, reader);
  if (!missing) return fail(missing.error());
  return TrailSeen{reader.place(), *missing, reader.unfinished(), size - std::min(from, size)};
}

Result<LoginsSeen> read_logins(const os::OpenedFile& file, const LoginPlace& before) {
  const LoginPlan plan = plan_logins(file.stat.size, before);
  LoginsSeen seen{plan.next, plan.unread};
  for (const LoginRange& range : plan.ranges) {
    const auto bytes =
        os::read_at(file.fd, range.from, static_cast<std::size_t>(range.to - range.from));
    if (!bytes) return fail(bytes.error());
    const auto zeroed = find_zeroed_login(*bytes);
    if (!zeroed) continue;
    const std::uint64_t at = range.from + *zeroed;
    if (!seen.next.zeroed || at < *seen.next.zeroed) seen.next.zeroed = at;
  }
  return seen;
}

}  // namespace tocsin::agent
