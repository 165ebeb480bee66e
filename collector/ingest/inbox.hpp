// What a stream has read and the hub has not asked for yet: reading ahead a little saves the hub a
// visit for each message of an agent that sends its facts one by one. Bounded: a stream reads on
// only while there is room. Not thread-safe.
#pragma once

#include <cstddef>
#include <vector>

#include "collector/ingest/incoming.hpp"

namespace tocsin::collector {

class Inbox {
 public:
  static constexpr std::size_t kMessages = 64;
  static constexpr std::size_t kFacts = 256;
  static constexpr std::size_t kBytes = 256 << 10;  // of facts

  // Consecutive facts become one run.
  void put(Incoming message);
  // In the order in which they came.
  std::vector<Incoming> take();

  bool empty() const { return messages_.empty(); }
  // Whether another message may be read; it may be larger than the room that is left.
  bool has_room() const {
    return messages_.size() < kMessages && facts_ < kFacts && bytes_ < kBytes;
  }

 private:
  std::vector<Incoming> messages_;
  std::size_t facts_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace tocsin::collector
