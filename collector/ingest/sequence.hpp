// Which facts take effect: the rule that makes at-least-once delivery an exactly-once effect. Pure.
#pragma once

#include <cstdint>

#include "common/base/ids.hpp"

namespace tocsin::collector {

// Where a batch of `count` facts from `first` on stands after `last`, the last one taken in.
struct Placement {
  std::uint64_t duplicates = 0;  // at its beginning: taken in before
  std::uint64_t fresh = 0;       // after them: to take in
  bool gap = false;              // it begins later than last + 1: nothing of it may be taken in
};
Placement place(Seq last, Seq first, std::uint64_t count);

// How an agent whose spool holds `first`..`last` (first = last + 1: nothing) goes on after `taken`.
struct Resumption {
  enum class Kind : std::uint8_t {
    go_on,     // from taken + 1
    lost,      // taken + 1 .. first - 1 are gone: record that, then go on from `first`
    behind,    // it gave out fewer numbers than we took in: restored or copied
    nonsense,  // first is after last + 1
  } kind = Kind::go_on;
  Seq lost_from;
  Seq lost_to;
};
Resumption resume_after(Seq taken, Seq first, Seq last);

}  // namespace tocsin::collector
