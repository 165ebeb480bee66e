// Which facts take effect: the rule that makes at-least-once delivery an exactly-once effect. Pure.
#pragma once

#include <cstdint>
#include <string_view>

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

// A spool's numbers with its chain, the rolling hash over all facts that it was ever given: before
// the oldest row and after the newest. An empty chain is one that is not known.
struct SpoolEnds {
  Seq first;
  std::string_view first_chain;
  Seq last;
  std::string_view last_chain;
};
// Whether this is the spool whose facts were taken in up to `taken`, after which its chain was
// `chain`, or a copy of it that was restored, or is used elsewhere, and gave its numbers out again.
// `ask`: only the chain after `taken` can tell.
enum class History : std::uint8_t { same, another, ask };
History history_of(Seq taken, std::string_view chain, const SpoolEnds& spool);

}  // namespace tocsin::collector
