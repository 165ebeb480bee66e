#!/bin/bash
# A real site as README.md sets it up: the units that are shipped, in their sandboxes, on a host with
# real systemd that is collector and agent at once. units.sh BUILD RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Units "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

room() { hosts exec room "$@"; }
active() { [ "$(room systemctl is-active "$1")" = active ]; }
# The collector of this story is in the host.
ctl() { room tocsinctl --contexts /etc/tocsin/contexts.toml "$@"; }
owner_is() { [ "$(room stat -c %U:%G "$2")" = "$1" ]; }
served_until() {
  room sh -c 'openssl s_client -connect 127.0.0.1:8445 </dev/null 2>/dev/null' 2>/dev/null |
    openssl x509 -noout -enddate
}
main_of() { room systemctl show -P MainPID "$1"; }

# The collector's shared libraries, as its package would depend on them.
install_collector() {
  hosts put room "$bin/tocsin-collector" /usr/bin/tocsin-collector 755 || return 1
  hosts put room "$bin/tocsinctl" /usr/bin/tocsinctl 755 || return 1
  ldd "$bin/tocsin-collector" "$bin/tocsinctl" | awk '$3 ~ /^\// {print $3}' | sort -u |
    tar -C / -chf - -T - 2>/dev/null | room tar -C / --skip-old-files -xf - || return 1
  hosts put room /usr/bin/openssl /usr/bin/openssl 755 || return 1
  hosts put room deploy/systemd/tocsin-collector.sysusers /usr/lib/sysusers.d/tocsin-collector.conf
  hosts put room deploy/systemd/tocsin-collector.service \
    /usr/lib/systemd/system/tocsin-collector.service
}

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(room)
hosts up room 10.77.0.21
check "A host with systemd is up" hosts wait room || exit 1
install_collector || exit 1
check "The collector's unit is a good one" room systemd-analyze verify tocsin-collector.service

# ---- as in README.md, "A real site"

check "The collector's account is made" room systemd-sysusers || exit 1
check "A site is made for it in one command" room tocsin-collector init --dir /etc/tocsin \
  --data /var/lib/tocsin --owner tocsin --site ROOM --dns room --ip 127.0.0.1 || exit 1
check "and its keys are its account's" owner_is tocsin:tocsin /etc/tocsin/ca.key
room systemctl daemon-reload
check "The collector's unit starts" room systemctl enable --now -q tocsin-collector || exit 1
check "and is active" active tocsin-collector || exit 1
check "tocsinctl status answers" within 30 collector_answers || exit 1

install_agent room || exit 1
printf '[agent]\nhost_name = "room"\n\n[collector]\naddresses = ["127.0.0.1:8444"]\n' >"$work/agent.toml"
hosts put room "$work/agent.toml" /etc/tocsin/agent.toml
room tocsin-collector token create --host room --output /run/token || exit 1
check "The host enrols by its token's file alone" \
  room tocsin-agent enroll --token-file /run/token || exit 1
check "The agent's units start" room systemctl enable --now -q tocsin-agent-observer tocsin-agent-link
for half in observer link; do
  check "The $half is active" active "tocsin-agent-$half"
done
check "and its agent is heard" within 30 heard 1
# Procedure M-07: 1 << 10 is CAP_NET_BIND_SERVICE.
may_try_all_ports() {
  local effective
  effective=$(room cat "/proc/$(main_of tocsin-agent-observer)/status" | sed -n 's/^CapEff:\t//p')
  [ $((0x$effective >> 10 & 1)) = 1 ]
}
check "The observer may try every port" may_try_all_ports

# ---- what an administrator does later

before=$(main_of tocsin-collector)
ends=$(served_until)
check "The server says until when its certificate holds" test -n "$ends"
check "The server's certificate is renewed" room tocsin-collector server renew
check "and stays its account's" owner_is tocsin:tocsin /etc/tocsin/collector.pem
served_anew() {
  local now
  now=$(served_until) && [ -n "$now" ] && [ "$now" != "$ends" ]
}
check "The running collector serves it soon" within 60 served_anew
check "without a restart" test "$before" = "$(main_of tocsin-collector)"
check "and the agent is heard" heard 1
check "An operator's certificate is renewed" room tocsin-collector operator renew admin
check "and opens the door" collector_answers
check "The policy is read again" room systemctl reload tocsin-collector
room systemctl restart tocsin-collector
check "It starts again on what it left" within 30 heard 1

# ---- a process that hangs is ended by its watchdog, and nothing is lost by it

shorten_watchdogs() {
  local unit folder
  for unit in tocsin-collector tocsin-agent-observer tocsin-agent-link; do
    folder=/etc/systemd/system/$unit.service.d
    room sh -c "mkdir -p $folder && printf '[Service]\\nWatchdogSec=4s\\n' >$folder/watchdog.conf"
  done
  room systemctl daemon-reload
  room systemctl restart tocsin-collector tocsin-agent-observer tocsin-agent-link
}
begun_anew() {
  local now
  now=$(main_of "$1")
  [ "$now" != 0 ] && [ "$now" != "$2" ] && active "$1"
}
ended_by_watchdog() { room journalctl -q --no-pager -u "$1" | grep -q 'Watchdog timeout'; }
has_more_facts() {
  local facts
  facts=$(facts_of room) && [ "$facts" -gt "$1" ]
}
check "With watchdogs of seconds everything runs" shorten_watchdogs
check "and the agent is heard" within 30 heard 1
check "Each fact is counted" within 30 counts_each_fact room
for unit in tocsin-agent-observer tocsin-agent-link tocsin-collector; do
  before=$(main_of "$unit")
  facts=$(facts_of room)
  room kill -STOP "$before"
  check "$unit hangs and is begun anew" within 30 begun_anew "$unit" "$before"
  check "by its watchdog" ended_by_watchdog "$unit"
  check "and the agent is heard" within 30 heard 1
  if [ "$unit" = tocsin-agent-observer ]; then
    check "The collector hears that the observer began anew" within 30 has_more_facts "$facts"
  fi
  check "Each fact is counted once" within 30 counts_each_fact room
done
check "No fact is lost" test "$(lost_of room)" = 0
check "The journal's chain is whole" ctl audit verify

# ---- the spool's file is replaced under both halves, as by whoever copies one back

put_spool_back() {
  room sh -c 'cd /var/lib/tocsin-agent && cp -a spool.db copy.db && mv copy.db spool.db'
}
told_of() { room journalctl -q --no-pager -u "$1" | grep -q -- "$2"; }
# With their own time again: it is the observer that ends here, not a watchdog that is out of patience
# with a disk.
room sh -c 'rm /etc/systemd/system/tocsin-*.service.d/watchdog.conf && systemctl daemon-reload'
room systemctl restart tocsin-collector tocsin-agent-observer tocsin-agent-link
check "The agent is heard with its own watchdogs" within 30 heard 1
before=$(main_of tocsin-agent-observer)
check "The spool is put back from a copy" put_spool_back
check "The observer begins anew" within 30 begun_anew tocsin-agent-observer "$before"
check "and says why" within 10 told_of tocsin-agent-observer observer.spool_gone
check "and the agent is heard" within 30 heard 1
facts=$(facts_of room)
room systemctl restart tocsin-agent-observer
check "What the observer sees from then on arrives" within 30 has_more_facts "$facts"

# ---- one authority takes over from another: both are trusted, the new one's key signs

in_site() { room sh -c "cd /etc/tocsin && $1"; }
room tocsin-collector init --dir /run/next --site ROOM --dns room --ip 127.0.0.1 >/dev/null
in_site 'cat /run/next/ca.pem >>ca.pem' && room systemctl restart tocsin-collector
room tocsin-collector token create --host room --output /run/token2
check "A host that enrols again keeps its key" \
  room tocsin-agent enroll --again --token-file /run/token2
check "and trusts both authorities" \
  test 2 = "$(room grep -c BEGIN /var/lib/tocsin-agent/ca.pem)"
in_site 'cat /run/next/ca.key >ca.key' && room systemctl restart tocsin-collector
check "The new authority signs for the server" room tocsin-collector server renew
room systemctl restart tocsin-collector tocsin-agent-link
check "and the agent is heard across the change" within 30 heard 1

# ---- who may not come in any more

room tocsin-collector operator add wang --role duty >/dev/null
as_wang() {
  ctl --cert /etc/tocsin/operators/wang.pem --key /etc/tocsin/operators/wang.key "$@"
}
check "A new operator gets in" as_wang status
check "An operator is revoked" ctl revoke operator wang --reason "has left"
check "and refused at once" refused revoked as_wang --lang en status
check "and nobody else is" collector_answers
ended_streams() { room journalctl -u tocsin-agent-link -o cat --no-pager | grep -c 'link.refused.*reason=link.revoked'; }
a_stream_ended() { [ "$(ended_streams)" -gt "$ended_before" ]; }
check "A host's link is up" within 30 heard 1
ended_before=$(ended_streams)
check "A host is revoked" ctl revoke agent room --reason "sold"
check "Its stream, which was open, is ended by the collector" within 5 a_stream_ended
room tocsin-collector token create --host room --output /run/token3
check "Its key does not come back, and it is told why" \
  refused --new-key room tocsin-agent enroll --again --token-file /run/token3
check "Its token is good for a new key" \
  room tocsin-agent enroll --again --new-key --token-file /run/token3
room systemctl restart tocsin-agent-link
check "with which it is heard" within 30 heard 1
no_unit_has_failed() {
  local failed
  failed=$(room systemctl list-units --failed --plain --no-legend 'tocsin-*') && [ -z "$failed" ]
}
check "No unit has failed" no_unit_has_failed
cases_end
