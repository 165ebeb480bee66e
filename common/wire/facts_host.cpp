// Reachability, services and audit logs.
#include "common/wire/facts.hpp"

namespace tocsin::wire {

void put(const model::PingFacts& from, v1::PingFacts& to) {
  to.set_address(from.address);
  to.set_method(static_cast<v1::PingMethod>(from.method));
  to.set_sent(from.sent);
  to.set_received(from.received);
  to.set_rtt_min_us(from.rtt_min_us);
  to.set_rtt_avg_us(from.rtt_avg_us);
  to.set_rtt_max_us(from.rtt_max_us);
  to.set_unreachable(from.unreachable);
  to.set_gateway_reachable(wire::to(from.gateway_reachable));
  to.set_gateway(from.gateway);
  to.set_on_link(from.on_link);
}

Result<model::PingFacts> take(const v1::PingFacts& from) {
  if (from.method() < v1::PING_METHOD_ICMP_DATAGRAM || from.method() > v1::PING_METHOD_NEIGHBOUR) {
    return out_of_range("ping.method", static_cast<std::uint64_t>(from.method()));
  }
  if (from.received() > from.sent()) return out_of_range("ping.received", from.received());
  model::PingFacts facts;
  facts.address = name_text(from.address());
  facts.method = static_cast<model::PingMethod>(from.method());
  facts.sent = from.sent();
  facts.received = from.received();
  facts.rtt_min_us = from.rtt_min_us();
  facts.rtt_avg_us = from.rtt_avg_us();
  facts.rtt_max_us = from.rtt_max_us();
  facts.unreachable = from.unreachable();
  facts.gateway_reachable = wire::from(from.gateway_reachable());
  facts.gateway = name_text(from.gateway());
  facts.on_link = from.on_link();
  return facts;
}

void put(const model::ServiceFacts& from, v1::ServiceFacts& to) {
  to.set_unit(from.unit);
  to.set_load_state(from.load_state);
  to.set_active_state(from.active_state);
  to.set_sub_state(from.sub_state);
  to.set_result(from.result);
  to.set_restarts(from.restarts);
  to.set_main_pid(from.main_pid);
  to.set_exit_status(from.exit_status);
  to.set_state_since_ns(from.state_since.ns);
  to.set_one_shot(from.one_shot);
  to.set_recent_restarts(from.recent_restarts);
  to.set_job_pending(from.job_pending);
  to.set_lasted_s(from.lasted_s);
}

Result<model::ServiceFacts> take(const v1::ServiceFacts& from) {
  model::ServiceFacts facts;
  facts.unit = name_text(from.unit());
  facts.load_state = name_text(from.load_state());
  facts.active_state = name_text(from.active_state());
  facts.sub_state = name_text(from.sub_state());
  facts.result = name_text(from.result());
  facts.restarts = from.restarts();
  facts.main_pid = from.main_pid();
  facts.exit_status = from.exit_status();
  facts.state_since = host_instant(from.state_since_ns());
  facts.one_shot = from.one_shot();
  facts.recent_restarts = from.recent_restarts();
  facts.job_pending = from.job_pending();
  facts.lasted_s = from.lasted_s();
  return facts;
}

namespace {

void put_kernel(const model::KernelAudit& from, v1::KernelAudit& to) {
  to.set_enabled(wire::to(from.enabled));
  to.set_locked(from.locked);
  to.set_failure(from.failure);
  to.set_reader_pid(from.reader_pid);
  to.set_reader(from.reader);
  to.set_lost(from.lost);
  to.set_lost_since(from.lost_since);
  to.set_backlog(from.backlog);
  to.set_backlog_limit(from.backlog_limit);
  to.set_unasked(static_cast<v1::KernelUnasked>(from.unasked));
}

Result<model::KernelAudit> take_kernel(const v1::KernelAudit& from) {
  if (!v1::KernelUnasked_IsValid(from.unasked())) {
    return out_of_range("audit_log.kernel.unasked", static_cast<std::uint64_t>(from.unasked()));
  }
  model::KernelAudit kernel;
  kernel.enabled = wire::from(from.enabled());
  kernel.locked = from.locked();
  kernel.failure = from.failure();
  kernel.reader_pid = from.reader_pid();
  kernel.reader = name_text(from.reader());
  kernel.lost = from.lost();
  kernel.lost_since = from.lost_since();
  kernel.backlog = from.backlog();
  kernel.backlog_limit = from.backlog_limit();
  kernel.unasked = static_cast<model::KernelUnasked>(from.unasked());
  return kernel;
}

}  // namespace

void put(const model::AuditLogFacts& from, v1::AuditLogFacts& to) {
  to.set_source(from.source);
  to.set_present(wire::to(from.present));
  to.set_readable(wire::to(from.readable));
  to.set_size_bytes(from.size_bytes);
  to.set_device(from.device);
  to.set_inode(from.inode);
  to.set_modified_ns(from.modified.ns);
  to.set_records_seen(from.records_seen);
  to.set_auditing_was_on(from.auditing_was_on);
  to.set_auditing_on(wire::to(from.auditing_on));
  to.set_replaced(from.replaced);
  to.set_shrunk(from.shrunk);
  to.set_rotated_sibling(from.rotated_sibling);
  to.set_head_changed(from.head_changed);
  to.set_zeroed(from.zeroed);
  to.set_sequence_gap(from.sequence_gap);
  to.set_disk_full(wire::to(from.disk_full));
  to.set_previous_size_bytes(from.previous_size_bytes);
  to.set_boot_id(from.boot_id);
  to.set_new_boot(from.new_boot);
  if (from.kernel != model::KernelAudit{}) put_kernel(from.kernel, *to.mutable_kernel());
  to.set_recorded_on(wire::to(from.recorded_on));
  to.set_heartbeat(static_cast<v1::LogHeartbeat>(from.heartbeat));
  to.set_heartbeat_worked(from.heartbeat_worked);
  to.set_content_changed(from.content_changed);
  to.set_changed_from(from.changed_from);
  to.set_changed_to(from.changed_to);
  to.set_covered_bytes(from.covered_bytes);
  to.set_history(static_cast<v1::HistoryGone>(from.history));
  to.set_oldest_ns(from.oldest.ns);
  to.set_previous_oldest_ns(from.previous_oldest.ns);
  to.set_unread(from.unread);
  to.set_old_part_only(from.old_part_only);
  to.set_packed_sibling(from.packed_sibling);
}

Result<model::AuditLogFacts> take(const v1::AuditLogFacts& from) {
  model::AuditLogFacts facts;
  facts.source = path_text(from.source());
  facts.present = wire::from(from.present());
  facts.readable = wire::from(from.readable());
  facts.size_bytes = from.size_bytes();
  facts.device = from.device();
  facts.inode = from.inode();
  facts.modified = host_instant(from.modified_ns());
  facts.records_seen = from.records_seen();
  facts.auditing_was_on = from.auditing_was_on();
  facts.auditing_on = wire::from(from.auditing_on());
  facts.replaced = from.replaced();
  facts.shrunk = from.shrunk();
  facts.rotated_sibling = from.rotated_sibling();
  facts.head_changed = from.head_changed();
  facts.zeroed = from.zeroed();
  facts.sequence_gap = from.sequence_gap();
  facts.disk_full = wire::from(from.disk_full());
  facts.previous_size_bytes = from.previous_size_bytes();
  facts.boot_id = name_text(from.boot_id());
  facts.new_boot = from.new_boot();
  if (from.has_kernel()) TOCSIN_WIRE_SET(facts.kernel, take_kernel(from.kernel()));
  facts.recorded_on = wire::from(from.recorded_on());
  if (!v1::LogHeartbeat_IsValid(from.heartbeat())) {
    return out_of_range("audit_log.heartbeat", static_cast<std::uint64_t>(from.heartbeat()));
  }
  facts.heartbeat = static_cast<model::LogHeartbeat>(from.heartbeat());
  facts.heartbeat_worked = from.heartbeat_worked();
  facts.content_changed = from.content_changed();
  facts.changed_from = from.changed_from();
  facts.changed_to = from.changed_to();
  facts.covered_bytes = from.covered_bytes();
  if (!v1::HistoryGone_IsValid(from.history())) {
    return out_of_range("audit_log.history", static_cast<std::uint64_t>(from.history()));
  }
  facts.history = static_cast<model::HistoryGone>(from.history());
  facts.oldest = host_instant(from.oldest_ns());
  facts.previous_oldest = host_instant(from.previous_oldest_ns());
  facts.unread = from.unread();
  facts.old_part_only = from.old_part_only();
  facts.packed_sibling = from.packed_sibling();
  return facts;
}

}  // namespace tocsin::wire
