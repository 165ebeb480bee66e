// What is seen of a host from outside: logins, ports, answers.
#include "common/wire/facts.hpp"

namespace tocsin::wire {

void put(const model::LoginFacts& from, v1::LoginFacts& to) {
  to.set_method(static_cast<v1::LoginMethod>(from.method));
  to.set_address(from.address);
  to.set_account(from.account);
  to.set_outcome(static_cast<v1::LoginOutcome>(from.outcome));
  to.set_banner(from.banner);
  to.set_own_end(from.own_end);
  to.set_took_ms(from.took_ms);
  to.set_said(from.said);
  to.set_held(from.held);
  to.set_worked_before(from.worked_before);
  to.set_since_boot(from.since_boot);
  to.set_no_logins(wire::to(from.no_logins));
  to.set_disk_full(wire::to(from.disk_full));
  to.set_tried_at_ns(from.tried_at.ns);
}

Result<model::LoginFacts> take(const v1::LoginFacts& from) {
  model::LoginFacts facts;
  TOCSIN_TRY(check_enum("login.method", from.method(), 1, 2));
  facts.method = static_cast<model::LoginMethod>(from.method());
  facts.address = name_text(from.address());
  facts.account = name_text(from.account());
  TOCSIN_TRY(check_enum("login.outcome", from.outcome(), 1, 10));
  facts.outcome = static_cast<model::LoginOutcome>(from.outcome());
  facts.banner = value_text(from.banner());
  facts.own_end = name_text(from.own_end());
  facts.took_ms = from.took_ms();
  facts.said = value_text(from.said());
  facts.held = from.held();
  facts.worked_before = from.worked_before();
  facts.since_boot = from.since_boot();
  facts.no_logins = wire::from(from.no_logins());
  facts.disk_full = wire::from(from.disk_full());
  facts.tried_at.ns = from.tried_at_ns();
  return facts;
}

void put(const model::PortScanFacts& from, v1::PortScanFacts& to) {
  to.set_address(from.address);
  to.set_tried(from.tried);
  for (const std::uint16_t one : from.open) to.add_open(one);
  to.set_open_over_limit(from.open_over_limit);
  to.set_closed(from.closed);
  to.set_filtered(from.filtered);
  to.set_complete(from.complete);
}

Result<model::PortScanFacts> take(const v1::PortScanFacts& from) {
  model::PortScanFacts facts;
  facts.address = name_text(from.address());
  facts.tried = from.tried();
  TOCSIN_TRY(check_count("port_scan.open", static_cast<std::size_t>(from.open_size()),
                         limits::kOpenPorts));
  for (const std::uint32_t one : from.open()) {
    TOCSIN_WIRE_SET(facts.open.emplace_back(), port("port_scan.open", one));
  }
  facts.open_over_limit = from.open_over_limit();
  facts.closed = from.closed();
  facts.filtered = from.filtered();
  facts.complete = from.complete();
  return facts;
}

void put(const model::AnswerFacts& from, v1::AnswerFacts& to) {
  to.set_url(from.url);
  to.set_outcome(static_cast<v1::AnswerOutcome>(from.outcome));
  to.set_status(from.status);
  to.set_said(from.said);
  to.set_took_ms(from.took_ms);
  to.set_certificate_ends_ns(from.certificate_ends.ns);
}

Result<model::AnswerFacts> take(const v1::AnswerFacts& from) {
  model::AnswerFacts facts;
  facts.url = value_text(from.url());
  TOCSIN_TRY(check_enum("answer.outcome", from.outcome(), 1, 7));
  facts.outcome = static_cast<model::AnswerOutcome>(from.outcome());
  facts.status = from.status();
  facts.said = value_text(from.said());
  facts.took_ms = from.took_ms();
  facts.certificate_ends = host_instant(from.certificate_ends_ns());
  return facts;
}

}  // namespace tocsin::wire
