#!/bin/bash
# Does the audit trail work (procedure M-05)? With the kernel's real auditing and a real journal: a
# record of the agent's own that comes back or does not, auditing that is turned off, a record that is
# changed where it stands.
#
# audit.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Audit "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

trail=/var/log/audit/audit.log
on() { hosts exec web1 "$@"; }
# is TARGET CODE: the verdict's first reason.
is() {
  holds hosts web1 -- --arg target "$1" --arg code "$2" \
    'any(.hosts[0].checks[]; .check.target == $target and .reasons[0].code == $code)'
}
mentions() {
  holds hosts web1 -- --arg target "$1" --arg code "$2" \
    'any(.hosts[0].checks[]; .check.target == $target and any(.reasons[]; .code == $code))'
}
in_journal() { on journalctl -o cat SYSLOG_IDENTIFIER=tocsin-agent 2>/dev/null | grep -qx 'heartbeat [0-9a-f]\{16\}'; }
in_trail() { on grep -q "^type=USER .* msg='tocsin-agent heartbeat [0-9a-f]\{16\}'" "$trail"; }

begin_lab web1 || exit 1
check "and the kernel audits it" hosts audit web1 || exit 1
install_agent web1 || exit 1
hosts put web1 deploy/systemd/tocsin-agent-observer-trail.conf \
  /etc/systemd/system/tocsin-agent-observer.service.d/trail.conf
cat >>"$work/agent.toml" <<TOML

[audit]
heartbeat = "10s"
trail = true

[[checks]]
kind = "audit_log"
target = "journal"
interval = "2s"

[[checks]]
kind = "audit_log"
target = "$trail"
interval = "2s"
TOML
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
on systemctl daemon-reload
make_site ROOM </dev/null || exit 1
start_collector
check "The collector answers" within 30 collector_answers || exit 1
enrol_agent web1 || exit 1
start_agent web1 || exit 1
check "The agent is heard" within 30 heard 1 || exit 1

# ---- its own record comes back

check "A record of its own is in the journal" within 30 in_journal
check "and in the kernel's trail" within 30 in_trail
check "Both logs are well" within 30 is "$trail" audit.ok
check "also the journal" within 30 is journal audit.ok
check "That a container may not ask the kernel is said" mentions "$trail" audit.kernel_unknown

# ---- a daemon that runs and takes nothing

hosts hang web1 systemd-journald

# ---- meanwhile: auditing is turned off, and a record is changed where it stands

auditctl -e 0 >/dev/null
check "Auditing that was turned off is seen in the log's own records" within 30 is "$trail" audit.disabled
check "and is an incident" within 30 has_incident audit.disabled
auditctl -e 1 >/dev/null
check "That it is on again is seen by the next record" within 30 is "$trail" audit.ok
for _ in {1..30}; do on sh -c 'echo x >>/etc/probe'; done
is_long() { [ "$(on stat -c %s "$trail")" -gt 9000 ]; }
check "The trail grows" within 30 is_long
check "and is well" within 30 is "$trail" audit.ok
# Seen for one look, and part of the incident that there is.
changed() {
  on sh -c "printf '$RANDOM' | dd of=$trail bs=1 seek=6000 conv=notrunc status=none"
  within 4 is "$trail" audit.altered
}
check "A byte that is changed beyond its beginning is found" within 30 changed

check "A journal that takes nothing is missed" within 45 is journal audit.heartbeat_missing
hosts undo hang web1 systemd-journald
check "and well when it takes records again" within 30 is journal audit.ok

# ---- copied, written to and cut: what was written in between is in no older part (copytruncate)

incidents() { ask incidents -- '.incidents | length'; }
before=$(incidents)
hosts copytruncate web1 "$trail" 5 &
copying=$!
is_copied() { on test -e "$trail.1"; }
check "The trail is copied" within 10 is_copied
on sh -c 'echo between >>/etc/probe'
wait "$copying"
check "What is lost between a copy and the cut is said" within 30 is "$trail" audit.uncopied
lost=$(ask hosts web1 -- --arg target "$trail" \
  '.hosts[0].checks[] | select(.check.target == $target) | .reasons[0].parameters[] | select(.name == "bytes").value')
check "with its length" test "${lost:-0}" -gt 0
on sh -c 'echo after >>/etc/probe'
goes_on() {
  holds hosts web1 -- --arg target "$trail" 'any(.hosts[0].checks[] | select(.check.target == $target);
    .reasons[0].code == "audit.uncopied" and any(.reasons[0].parameters[]; .name == "size" and .value != "0"))'
}
check "and is still said when the trail goes on" within 30 goes_on
check "It is no incident" test "$(incidents)" = "$before"
# Part of the incident that there is.
cut_is_found() { found web1 'any(.[]; .code == "audit.emptied" or .code == "audit.shrunk")'; }
check "Nothing was found of it" not cut_is_found
on truncate -s 0 "$trail"
check "A trail that is cut without a copy is found" within 30 cut_is_found

# ---- written anew without a record, as an editor does it: what is left tells that it is the old one

# looked_at: as it is now, so that there is something to compare an edit with.
looked_at() {
  local size
  size=$(on stat -c %s "$trail") && holds hosts web1 -- --arg target "$trail" --arg size "$size" \
    'any(.hosts[0].checks[] | select(.check.target == $target) | .reasons[].parameters[]?;
      .name == "size" and .value == $size)'
}
for _ in {1..30}; do on sh -c 'echo x >>/etc/probe'; done
check "The trail grows again" within 30 is_long
check "and is looked at" within 20 looked_at
edited() { is "$trail" audit.edited; }
# The last one changes a record and no length.
for edit in 5d 3y/0123456789/1234567890/; do
  check "Before the edit ($edit) none is told" within 20 not edited
  on sed -i "$edit" "$trail"
  check "A record that was taken out of it or changed is found ($edit)" within 10 edited
done
cases_end
