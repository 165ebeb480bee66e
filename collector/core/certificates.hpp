// Certificates that end. A certificate in use is journaled when it is seen; when its end comes near
// is judged by journal time like everything else: a finding opens, gets worse, and closes with the
// certificate that takes its place.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "collector/core/effects.hpp"
#include "collector/core/hosts.hpp"
#include "common/model/journal.hpp"

namespace tocsin::collector {

enum class CertificateLevel : std::uint8_t { good, expiring, soon, expired };

// What a person has to renew is `expiring` when a third of its life is left, or 30 days where that
// is less: time to find the person, and not a warning that is there for months. `soon` is a
// twelfth, at most seven days. An agent renews by itself when a third of its life is left; for half
// of that time it may try again, so it is `expiring` at a sixth and `soon` at a twelfth.
CertificateLevel certificate_level(const model::CertificateSeen& seen, Instant now);
// When the level gets worse by itself; nullopt once it is expired.
std::optional<Instant> certificate_worse_at(const model::CertificateSeen& seen, Instant now);

// What people are told of a level that is not good.
model::Message certificate_message(const model::CertificateSeen& seen, CertificateLevel level,
                                   std::string_view host);

// An older certificate of an operator or agent changes nothing: both may be in use for a while. One
// of an agent that is not watched changes nothing.
Judged take_certificate(Context& context, const model::CertificateSeen& seen);
// nullopt: the timer is none of a certificate.
std::optional<Judged> fire_certificate_timer(Context& context, std::string_view key);
// Its holder has no say any more.
Judged forget_certificate(Context& context, model::CertificateHolder holder,
                          const std::string& name);

}  // namespace tocsin::collector
