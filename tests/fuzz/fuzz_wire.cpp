// Everything that is decoded from the link or from a store: no input may crash it, and what it
// accepts must survive a second trip unchanged.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "common/wire/wire.hpp"

// The library would print a line for each text that is not UTF-8.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tocsin::wire::quiet_parsers();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tocsin;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto fact = wire::decode_fact(bytes)) {
    TOCSIN_CHECK(wire::decode_fact(wire::encode_fact(*fact)) == fact);
  }
  if (const auto body = wire::decode_journal(bytes)) {
    TOCSIN_CHECK(wire::decode_journal(wire::encode_journal(*body)).has_value());
  }
  static_cast<void>(wire::decode_host(bytes));
  if (const auto check = wire::decode_check_status(bytes)) {
    TOCSIN_CHECK(wire::decode_check_status(wire::encode_check_status(*check)) == check);
  }
  static_cast<void>(wire::decode_finding(bytes));
  static_cast<void>(wire::decode_incident(bytes));
  static_cast<void>(wire::decode_timeline(bytes));
  static_cast<void>(wire::decode_notification(bytes));
  static_cast<void>(wire::decode_command_result(bytes));
  static_cast<void>(wire::decode_learning(bytes));
  static_cast<void>(wire::decode_baseline(bytes));
  if (const auto approved = wire::decode_approved(bytes)) {
    TOCSIN_CHECK(wire::decode_approved(wire::encode_approved(*approved)) == approved);
  }
  static_cast<void>(wire::decode_checks(bytes));
  static_cast<void>(wire::decode_request(bytes));
  static_cast<void>(wire::decode_evidence(bytes));
  return 0;
}
