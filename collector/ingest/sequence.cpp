#include "collector/ingest/sequence.hpp"

#include <algorithm>

namespace tocsin::collector {

Placement place(Seq last, Seq first, std::uint64_t count) {
  if (first.value > last.value && first.value - last.value > 1) return {0, 0, true};
  const std::uint64_t known = last.value - first.value + 1;  // 0 when first = last + 1
  const std::uint64_t duplicates = std::min(known, count);
  return {duplicates, count - duplicates, false};
}

Resumption resume_after(Seq taken, Seq first, Seq last) {
  using Kind = Resumption::Kind;
  if (first.value == 0 || first.value - 1 > last.value) return {Kind::nonsense, {}, {}};
  if (last < taken) return {Kind::behind, {}, {}};
  if (first.value - 1 > taken.value) {
    return {Kind::lost, Seq{taken.value + 1}, Seq{first.value - 1}};
  }
  return {Kind::go_on, {}, {}};
}

History history_of(Seq taken, std::string_view chain, const SpoolEnds& spool) {
  if (taken == Seq{} || chain.empty()) return History::same;
  const auto compare = [&](std::string_view own) {
    return own.empty() || own == chain ? History::same : History::another;
  };
  if (taken.value + 1 == spool.first.value) return compare(spool.first_chain);
  if (taken == spool.last) return compare(spool.last_chain);
  // A spool from before chains cannot answer; a missing range says nothing of what was before it.
  if (spool.last_chain.empty() || taken < spool.first) return History::same;
  return History::ask;
}

}  // namespace tocsin::collector
