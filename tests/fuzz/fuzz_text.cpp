// Text from outside: bounded, printable, and cleaning twice changes nothing.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/limits.hpp"
#include "common/base/result.hpp"
#include "common/base/text.hpp"
#include "common/rpc/peer_text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  if (size == 0) return 0;
  const std::size_t limit = data[0];
  const std::string_view raw(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string clean = clean_text(raw, limit);
  TOCSIN_CHECK(clean.size() <= limit);
  TOCSIN_CHECK(clean_text(clean, limit) == clean);
  const std::string peer = rpc::address_of_peer(raw);
  TOCSIN_CHECK(peer.size() <= limits::kName && clean_text(peer, limits::kName) == peer);
  std::string bytes;
  if (from_hex(raw, bytes)) TOCSIN_CHECK(bytes.size() * 2 == raw.size());
  return 0;
}
