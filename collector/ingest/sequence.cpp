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

}  // namespace tocsin::collector
