// Identifiers as types of their own, so that an epoch is never passed for a sequence number.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace tocsin {

// A number that only means something as this kind of identifier.
template <class Tag>
struct NumberId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const NumberId&, const NumberId&) = default;
  explicit constexpr operator bool() const { return value != 0; }
};

using Position = NumberId<struct PositionTag>;  // in the collector's journal, from 1
using Epoch = NumberId<struct EpochTag>;        // of an agent's spool, random
using Seq = NumberId<struct SeqTag>;            // in an epoch, from 1, without gaps
using FindingId = NumberId<struct FindingIdTag>;
using IncidentId = NumberId<struct IncidentIdTag>;  // internal; the official number is text
using BaselineId = NumberId<struct BaselineIdTag>;
using NotificationId = NumberId<struct NotificationIdTag>;

// SHA-256 of the agent's public key (SubjectPublicKeyInfo, DER), 64 lower-case hex digits.
struct AgentId {
  std::string hex;
  friend auto operator<=>(const AgentId&, const AgentId&) = default;
};

}  // namespace tocsin

template <class Tag>
struct std::hash<tocsin::NumberId<Tag>> {
  std::size_t operator()(const tocsin::NumberId<Tag>& id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};
template <>
struct std::hash<tocsin::AgentId> {
  std::size_t operator()(const tocsin::AgentId& id) const noexcept {
    return std::hash<std::string>{}(id.hex);
  }
};
