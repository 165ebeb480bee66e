// The facts of each kind of check, to and from their messages; private to common/wire. put() keeps
// every field; take() bounds and cleans every text and list and refuses what is out of range.
#pragma once

#include "common/wire/proto.hpp"
#include "common/wire/text.hpp"

namespace tocsin::wire {

void put(const model::PingFacts& from, v1::PingFacts& to);
Result<model::PingFacts> take(const v1::PingFacts& from);
void put(const model::ServiceFacts& from, v1::ServiceFacts& to);
Result<model::ServiceFacts> take(const v1::ServiceFacts& from);
void put(const model::AuditLogFacts& from, v1::AuditLogFacts& to);
Result<model::AuditLogFacts> take(const v1::AuditLogFacts& from);
void put(const model::SocketsFacts& from, v1::SocketsFacts& to);
Result<model::SocketsFacts> take(const v1::SocketsFacts& from);
void put(const model::ProcessesFacts& from, v1::ProcessesFacts& to);
Result<model::ProcessesFacts> take(const v1::ProcessesFacts& from);
void put(const model::LoginFacts& from, v1::LoginFacts& to);
Result<model::LoginFacts> take(const v1::LoginFacts& from);
void put(const model::WarningsFacts& from, v1::WarningsFacts& to);
Result<model::WarningsFacts> take(const v1::WarningsFacts& from);
void put(const model::PortScanFacts& from, v1::PortScanFacts& to);
Result<model::PortScanFacts> take(const v1::PortScanFacts& from);
void put(const model::AnswerFacts& from, v1::AnswerFacts& to);
Result<model::AnswerFacts> take(const v1::AnswerFacts& from);
void put(const model::AntivirusFacts& from, v1::AntivirusFacts& to);
Result<model::AntivirusFacts> take(const v1::AntivirusFacts& from);
void put(const model::BackupJobFacts& from, v1::BackupJobFacts& to);
Result<model::BackupJobFacts> take(const v1::BackupJobFacts& from);
void put(const model::MetricsFacts& from, v1::MetricsFacts& to);
Result<model::MetricsFacts> take(const v1::MetricsFacts& from);
void put(const model::PluginFacts& from, v1::PluginFacts& to);
Result<model::PluginFacts> take(const v1::PluginFacts& from);

inline v1::Tristate to(model::Tristate value) { return static_cast<v1::Tristate>(value); }
inline model::Tristate from(v1::Tristate value) {
  return value == v1::TRISTATE_YES  ? model::Tristate::yes
         : value == v1::TRISTATE_NO ? model::Tristate::no
                                    : model::Tristate::unknown;
}

inline Result<model::Protocol> from(v1::Protocol value) {
  if (value == v1::PROTOCOL_TCP) return model::Protocol::tcp;
  if (value == v1::PROTOCOL_UDP) return model::Protocol::udp;
  return out_of_range("protocol", static_cast<std::uint64_t>(value));
}

inline Result<std::uint16_t> port(std::string_view what, std::uint32_t value) {
  if (value > 65535) return out_of_range(what, value);
  return static_cast<std::uint16_t>(value);
}

}  // namespace tocsin::wire
