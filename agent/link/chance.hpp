// 64 random bits, so that many agents do not do the same in the same moment.
#pragma once

#include <cstdint>

#include "common/crypto/crypto.hpp"

namespace tocsin::agent {

inline std::uint64_t chance() {
  std::uint64_t value = 0;
  for (const char byte : crypto::random_bytes(sizeof value)) {
    value = value << 8 | static_cast<unsigned char>(byte);
  }
  return value;
}

}  // namespace tocsin::agent
