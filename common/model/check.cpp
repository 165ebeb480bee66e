#include "common/model/check.hpp"

namespace tocsin::model {

std::string_view to_string(CheckKind kind) {
  switch (kind) {
    case CheckKind::ping:
      return "ping";
    case CheckKind::service:
      return "service";
    case CheckKind::audit_log:
      return "audit_log";
    case CheckKind::sockets:
      return "sockets";
    case CheckKind::processes:
      return "processes";
    case CheckKind::login:
      return "login";
    case CheckKind::warnings:
      return "warnings";
    case CheckKind::port_scan:
      return "port_scan";
    case CheckKind::answer:
      return "answer";
    case CheckKind::antivirus:
      return "antivirus";
    case CheckKind::backup_job:
      return "backup_job";
    case CheckKind::metrics:
      return "metrics";
    case CheckKind::plugin:
      return "plugin";
    case CheckKind::collector:
      return "collector";
  }
  return "unknown";
}

std::optional<CheckKind> check_kind_from(std::string_view word) {
  for (const CheckKind kind : kCheckKinds) {
    if (to_string(kind) == word) return kind;
  }
  return std::nullopt;
}

std::string_view clause_of(CheckKind kind) {
  switch (kind) {
    case CheckKind::ping:
      return "M-01";
    case CheckKind::service:
      return "M-03";
    case CheckKind::audit_log:
      return "M-05";
    case CheckKind::sockets:
      return "M-07";
    case CheckKind::processes:
      return "M-09";
    case CheckKind::login:
      return "M-02";
    case CheckKind::warnings:
      return "M-04";
    case CheckKind::port_scan:
      return "M-07";
    case CheckKind::answer:
      return "M-03";
    case CheckKind::antivirus:
      return "M-10";
    case CheckKind::backup_job:
      return "G-06";
    case CheckKind::metrics:
    case CheckKind::plugin:
    case CheckKind::collector:
      return "";  // Not of annex two.
  }
  return "";
}

std::string to_string(const CheckRef& check) {
  std::string text(to_string(check.kind));
  if (!check.target.empty()) text.append(":").append(check.target);
  return text;
}

std::string_view to_string(Protocol protocol) { return protocol == Protocol::tcp ? "tcp" : "udp"; }

std::string_view to_string(AddressClass address_class) {
  switch (address_class) {
    case AddressClass::any:
      return "any";
    case AddressClass::loopback:
      return "loopback";
    case AddressClass::private_network:
      return "private";
    case AddressClass::public_network:
      return "public";
  }
  return "unknown";
}

std::optional<Protocol> protocol_from(std::string_view word) {
  if (word == "tcp") return Protocol::tcp;
  if (word == "udp") return Protocol::udp;
  return std::nullopt;
}

std::optional<AddressClass> address_class_from(std::string_view word) {
  for (const AddressClass c : {AddressClass::any, AddressClass::loopback,
                               AddressClass::private_network, AddressClass::public_network}) {
    if (to_string(c) == word) return c;
  }
  return std::nullopt;
}

std::string_view to_string(LoginOutcome outcome) {
  switch (outcome) {
    case LoginOutcome::succeeded:
      return "succeeded";
    case LoginOutcome::refused:
      return "refused";
    case LoginOutcome::timed_out:
      return "timed_out";
    case LoginOutcome::banner_only:
      return "banner_only";
    case LoginOutcome::rejected:
      return "rejected";
    case LoginOutcome::locked:
      return "locked";
    case LoginOutcome::expired:
      return "expired";
    case LoginOutcome::session_failed:
      return "session_failed";
    case LoginOutcome::host_key_changed:
      return "host_key_changed";
    case LoginOutcome::unreachable:
      return "unreachable";
  }
  return "unknown";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::seen:
      return "seen";
    case Outcome::timed_out:
      return "timed_out";
    case Outcome::not_permitted:
      return "not_permitted";
    case Outcome::failed:
      return "failed";
    case Outcome::not_applicable:
      return "not_applicable";
  }
  return "unknown";
}

}  // namespace tocsin::model
