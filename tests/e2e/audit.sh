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
heard() { [ "$(ctl status -o json 2>/dev/null | jq .agentsHeard)" = 1 ]; }
# is TARGET CODE: the verdict's first reason.
is() {
  ctl hosts web1 -o json |
    jq -r '.hosts[0].checks[] | [(.check.target // ""), .reasons[0].code] | join(" ")' | grep -qx "$1 $2"
}
mentions() {
  ctl hosts web1 -o json | jq -r '.hosts[0].checks[] | (.check.target // "") as $t | .reasons[] | [$t, .code] | join(" ")' |
    grep -qx "$1 $2"
}
has_incident() { ctl incidents -o json | jq -r '.incidents[].title.code' | grep -qx "$1"; }
in_journal() { on journalctl -o cat SYSLOG_IDENTIFIER=tocsin-agent 2>/dev/null | grep -qx 'heartbeat [0-9a-f]\{16\}'; }
in_trail() { on grep -q "^type=USER .* msg='tocsin-agent heartbeat [0-9a-f]\{16\}'" "$trail"; }

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(web1)
hosts up web1 10.77.0.11
check "A host is up" hosts wait web1 || exit 1
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
"$bin/tocsin-collector" init --dir "$work/site" --site ROOM --dns collector --ip 10.77.0.1 \
  --listen-agents 10.77.0.1:8444 --listen-enroll 10.77.0.1:8445 --listen-operators 10.77.0.1:8443 \
  >"$work/log/init" || exit 1
printf '[site]\nname = "ROOM"\n' >"$work/site/site.toml"
start_collector
check "The collector answers" within 20 collector_answers || exit 1
enrol_agent web1 || exit 1
start_agent web1 || exit 1
check "The agent is heard" within 30 heard || exit 1

# ---- its own record comes back

check "A record of its own is in the journal" within 20 in_journal
check "and in the kernel's trail" within 20 in_trail
check "Both logs are well" within 20 is "$trail" audit.ok
check "also the journal" within 10 is journal audit.ok
check "That a container may not ask the kernel is said" mentions "$trail" audit.kernel_unknown

# ---- a daemon that runs and takes nothing

hosts hang web1 systemd-journald

# ---- meanwhile: auditing is turned off, and a record is changed where it stands

auditctl -e 0 >/dev/null
check "Auditing that was turned off is seen in the log's own records" within 10 is "$trail" audit.disabled
check "and is an incident" within 20 has_incident audit.disabled
auditctl -e 1 >/dev/null
check "That it is on again is seen by the next record" within 30 is "$trail" audit.ok
for _ in {1..30}; do on sh -c 'echo x >>/etc/probe'; done
is_long() { [ "$(on stat -c %s "$trail")" -gt 9000 ]; }
check "The trail grows" within 5 is_long
check "and is well" within 10 is "$trail" audit.ok
# Seen for one look, and part of the incident that there is.
changed() {
  on sh -c "printf '$RANDOM' | dd of=$trail bs=1 seek=6000 conv=notrunc status=none"
  within 4 is "$trail" audit.altered
}
check "A byte that is changed beyond its beginning is found" within 15 changed

check "A journal that takes nothing is missed" within 45 is journal audit.heartbeat_missing
hosts undo hang web1 systemd-journald
check "and well when it takes records again" within 30 is journal audit.ok
cases_end
