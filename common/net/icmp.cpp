#include "common/net/icmp.hpp"

#include <algorithm>

namespace tocsin::net {
namespace {

constexpr std::size_t kHeaderBytes = 8;
constexpr std::size_t kIpv6HeaderBytes = 40;
constexpr std::size_t kSerialAt = 24;

struct Types {
  std::uint8_t request;
  std::uint8_t reply;
  std::uint8_t unreachable;
  std::uint8_t time_exceeded;
};
constexpr Types kV4{8, 0, 3, 11};
constexpr Types kV6{128, 129, 1, 3};
constexpr const Types& types_of(bool v6) { return v6 ? kV6 : kV4; }

std::uint8_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}
std::uint16_t big_endian(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint16_t>((byte_at(bytes, i) << 8) | byte_at(bytes, i + 1));
}
void put_big_endian(EchoBytes& bytes, std::size_t i, std::uint16_t value) {
  bytes[i] = static_cast<char>(value >> 8);
  bytes[i + 1] = static_cast<char>(value & 0xFF);
}

// RFC 1071, of a number of bytes that is even.
std::uint16_t checksum(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) sum += big_endian(bytes, i);
  while (sum > 0xFFFF) sum = (sum & 0xFFFF) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// Takes an IP header off and says where the packet went; nothing where it is not one.
std::optional<IpAddress> skip_header(std::string_view& packet, bool v6) {
  constexpr std::size_t kTo = 16;
  constexpr std::size_t kToV6 = 24;
  IpAddress to;
  to.v6 = v6;
  std::size_t length = kIpv6HeaderBytes;
  if (packet.size() < 20 || (byte_at(packet, 0) >> 4) != (v6 ? 6 : 4)) return std::nullopt;
  if (!v6) length = (byte_at(packet, 0) & 0x0FU) * 4U;
  if (length < 20 || packet.size() < length) return std::nullopt;
  const std::string_view bytes = v6 ? packet.substr(kToV6, 16) : packet.substr(kTo, 4);
  std::copy(bytes.begin(), bytes.end(), to.bytes.begin());
  packet.remove_prefix(length);
  return to;
}

// The request that `message` gives back. `whole`: every byte of it, and no other.
std::optional<EchoAnswer> given_back(std::string_view message, std::uint8_t type,
                                     const EchoKey& key, bool whole) {
  if (message.size() < kHeaderBytes || byte_at(message, 0) != type) return std::nullopt;
  if (whole && message.size() != kEchoBytes) return std::nullopt;
  if (big_endian(message, 4) != key.identifier) return std::nullopt;
  EchoAnswer answer;
  answer.sequence = big_endian(message, 6);
  // Routers quote as little as the first 8 bytes of what they refuse.
  const std::string_view nonce(key.nonce.data(), key.nonce.size());
  const std::string_view quoted = message.substr(kHeaderBytes, nonce.size());
  if (!nonce.starts_with(quoted)) return std::nullopt;
  if (message.size() >= kEchoBytes) {
    answer.serial = static_cast<std::uint32_t>(big_endian(message, kSerialAt)) << 16 |
                    big_endian(message, kSerialAt + 2);
  }
  return answer;
}

}  // namespace

EchoBytes echo_request(const EchoKey& key, std::uint32_t serial, std::uint16_t sequence, bool v6) {
  EchoBytes message{};
  message[0] = static_cast<char>(types_of(v6).request);
  put_big_endian(message, 4, key.identifier);
  put_big_endian(message, 6, sequence);
  std::copy(key.nonce.begin(), key.nonce.end(), message.begin() + kHeaderBytes);
  put_big_endian(message, kSerialAt, static_cast<std::uint16_t>(serial >> 16));
  put_big_endian(message, kSerialAt + 2, static_cast<std::uint16_t>(serial));
  if (!v6) put_big_endian(message, 2, checksum({message.data(), message.size()}));
  return message;
}

std::optional<EchoAnswer> parse_echo(std::string_view packet, const EchoKey& key, bool v6,
                                     bool with_ip_header) {
  if (with_ip_header && !skip_header(packet, v6)) return std::nullopt;
  const Types& types = types_of(v6);
  if (const auto reply = given_back(packet, types.reply, key, true)) return reply;
  if (packet.size() < kHeaderBytes) return std::nullopt;
  const Refusal refusal = refusal_of(v6, byte_at(packet, 0), byte_at(packet, 1));
  if (refusal == Refusal::none) return std::nullopt;
  std::string_view quoted = packet.substr(kHeaderBytes);
  const auto asked = skip_header(quoted, v6);
  if (!asked) return std::nullopt;
  auto refused = given_back(quoted, types.request, key, false);
  if (!refused) return std::nullopt;
  refused->refusal = refusal;
  refused->asked = *asked;
  return refused;
}

std::optional<EchoAnswer> parse_refused_echo(std::string_view request, const EchoKey& key,
                                             bool v6) {
  return given_back(request, types_of(v6).request, key, false);
}

Refusal refusal_of(bool v6, std::uint8_t type, std::uint8_t code) {
  const Types& types = types_of(v6);
  if (type == types.time_exceeded) return Refusal::unreachable;
  if (type != types.unreachable) return Refusal::none;
  if (v6) {  // RFC 4443, 3.1
    if (code == 0) return Refusal::no_route;
    return code == 1 || code == 5 || code == 6 ? Refusal::prohibited : Refusal::unreachable;
  }
  // RFC 792; RFC 1812, 5.2.7.1
  if (code == 0 || code == 6 || code == 11) return Refusal::no_route;
  return code == 9 || code == 10 || code == 13 ? Refusal::prohibited : Refusal::unreachable;
}

}  // namespace tocsin::net
