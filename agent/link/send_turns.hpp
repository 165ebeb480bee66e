// Which of the collections that wait to be sent is tried next: each has pauses of its own, so that
// one which cannot be sent now, or never, keeps no other one waiting. Pure; chance is passed in.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/async/backoff.hpp"
#include "common/base/instant.hpp"

namespace tocsin::agent {

class SendTurns {
 public:
  struct Pauses {
    Duration first;    // after the first break; doubled at each
    Duration longest;  // REQUIRES: 0 < first <= longest
    Duration refused;  // after the collector refused it for now
  };
  explicit SendTurns(const Pauses& pauses) : pauses_(pauses) {}

  // `ready`: ids, the oldest first. Of those whose pause is over one that was not tried yet, else
  // the one whose pause was over first. What is not ready any more is forgotten.
  std::optional<std::string> next(const std::vector<std::string>& ready, MonoTime now);
  // When the next pause of those that next() saw is over; nothing: none has one.
  std::optional<MonoTime> due() const;

  // It was tried and the stream broke. `went_on`: bytes of it had arrived.
  void broke(const std::string& id, bool went_on, MonoTime now, std::uint64_t random);
  void refused(const std::string& id, MonoTime now);

 private:
  struct Turn {
    MonoTime not_before;
    async::Backoff backoff;
  };
  Turn& turn_of(const std::string& id);

  Pauses pauses_;
  std::map<std::string, Turn> turns_;  // of those that were tried and wait
};

}  // namespace tocsin::agent
