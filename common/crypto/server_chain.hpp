// What certificates a TLS server shows, before anything of it is trusted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/instant.hpp"
#include "common/base/result.hpp"

namespace tocsin::crypto {

// Connects, takes the server's certificates (PEM, its own first, at most 8) and closes. Checks none
// of them and sends no data: the caller compares a fingerprint that it was given on another way.
// Offers "h2". Blocks for at most `longest`, but for resolving the name. Errors: unavailable
// (network, name), deadline_exceeded, failed_precondition (not TLS).
Result<std::vector<std::string>> fetch_server_chain(const std::string& host, std::uint16_t port,
                                                    std::chrono::milliseconds longest);

}  // namespace tocsin::crypto
