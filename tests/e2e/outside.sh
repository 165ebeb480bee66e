#!/bin/bash
# A host without an agent, as another one sees it with the real programs: ping (procedure M-01, where
# packets that are lost once are no incident), port scan (M-07), the answer of a service (M-03) and a login
# over SSH (M-02) make a page of its own; what only its inside could show is "cannot tell".
#
# outside.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Outside "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh

far=10.77.0.14
lossy=10.77.0.15
print() { hosts exec print1 "$@"; }
no_incident() { [ "$(ctl incidents -o json | jq '.incidents | length')" = 0 ]; }
recovered() {
  [ "$(ctl incidents -o json | jq '[.incidents[] | select(.recoveredAt == null)] | length')" = 0 ]
}
# The account that web1 has there: nothing but one command.
make_account() {
  print useradd --system --create-home --home-dir /var/lib/tocsin-probe --shell /bin/sh tocsin-probe || return 1
  hosts put print1 deploy/login/tocsin-probe-answer /usr/lib/tocsin/tocsin-probe-answer 755
  ssh-keygen -q -t ed25519 -N '' -C tocsin -f "$work/key" || return 1
  hosts put web1 "$work/key" /etc/tocsin/login.key 600
  echo "restrict,command=\"/usr/lib/tocsin/tocsin-probe-answer\" $(cat "$work/key.pub")" >"$work/keys"
  hosts put print1 "$work/keys" /var/lib/tocsin-probe/.ssh/authorized_keys
}

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(web1)
hosts up web1 10.77.0.12 &
hosts up print1 $far &
hosts up print2 $lossy &
wait
check "Three hosts are up, two of which get no agent" hosts wait web1 print1 print2 || exit 1
install_agent web1 || exit 1
hosts bring web1 "$bin/tocsin-agent-login" || exit 1
hosts put web1 "$bin/tocsin-agent-login" /usr/bin/tocsin-agent-login 755
make_account || exit 1
cat >>"$work/agent.toml" <<TOML

[login]
least_interval = "1s"
hold = "10s"

[[login.targets]]
address = "$far:22"
account = "tocsin-probe"
key_file = "/etc/tocsin/login.key"
host_key = "$(print cut -d ' ' -f 1,2 /etc/ssh/ssh_host_ed25519_key.pub)"
TOML
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
begin_site OUTSIDE <<TOML || exit 1
[grading]
stable = "3s"
agent_silent_after = "6s"

[limits.ping]
loss_warning_permille = 100
loss_critical_permille = 150

[[baselines]]
name = "ssh"
version = 1

[[baselines.listeners]]
protocol = "tcp"
port = 22

[[hosts]]
host = "nt-print"
address = "$far"
baseline = "ssh"

[[hosts]]
host = "nt-copy"
address = "$lossy"

[[hosts]]
host = "web1"
address = "10.77.0.12"

[[hosts.checks]]
kind = "ping"
target = "$far,$lossy"
packets = 12
interval = "6s"
deadline = "6s"

[[hosts.checks]]
kind = "port_scan"
target = "$far"
ports = "22,1500-1510"
interval = "3s"
deadline = "3s"

[[hosts.checks]]
kind = "answer"
target = "banner://$far:22"
interval = "2s"
deadline = "2s"

[[hosts.checks]]
kind = "login"
target = "ssh://$far:22"
interval = "2s"
deadline = "2s"
TOML
start_agents || exit 1

# ---- its page

check "It answers a ping" within 30 says nt-print "ping $far normal ping.ok" || { page nt-print; exit 1; }
check "and no port but what was approved" within 15 says nt-print "port_scan $far normal port_scan.ok"
check "its SSH server says who it is" within 10 says nt-print "answer banner://$far:22 normal answer.ok … said=SSH-2.0…"
check "and somebody can log in" within 10 says nt-print "login ssh://$far:22 normal login.ok"
check "The page says who looks" says nt-print "ping $far normal agentless.seen_from host=web1"
for inside in service warnings audit_log sockets processes antivirus; do
  check "Nobody can tell its inside: $inside" says nt-print "$inside - cannot_tell agentless.not_seen"
done
check "Nothing is wrong with it" no_incident

# ---- packets that are lost once (M-01), and meanwhile a port that nobody approved (M-07)

hosts slow print2 0 300
check "Packets that are lost are told" within 15 says nt-copy "ping $lossy abnormal ping.loss.high"
check "and are no incident at one look" no_incident
hosts undo slow print2
check "nor when the next one loses none" within 15 says nt-copy "ping $lossy normal ping.ok"
hosts listen print1 1505
check "A port that nobody approved is found" within 20 finds nt-print port.answers "$far tcp 1505"
hosts undo listen print1 1505
check "and over when it is closed" within 20 not finds nt-print port.answers
no_incident_of() { [ "$(ctl incidents -o json | jq --arg host "$1" '[.incidents[] | select(.hostName == $host)] | length')" = 0 ]; }
check "Of the packets nothing came" no_incident_of nt-copy

# ---- a slow way (M-01), and meanwhile services and logins (M-03, M-02)

hosts slow print2 200
print usermod --shell /usr/sbin/nologin tocsin-probe
check "An account that gets no session is found" within 20 finds nt-print login.session_failed
print usermod --shell /bin/sh tocsin-probe
hosts exec web1 touch /etc/tocsin/login.key
check "and over when it gets one" within 20 not finds nt-print login.session_failed
check "Delay alone is told as delay" within 15 says nt-copy "ping $lossy abnormal ping.rtt.high"
check "and not as loss" not says nt-copy "ping $lossy abnormal ping.loss"
hosts quit print1 ssh.service
check "A service that does not answer is found" within 20 finds nt-print answer.failed
check "and that nobody can log in" within 20 finds nt-print login.refused
hosts undo quit print1 ssh.service
check "and over when it runs" within 20 finds_nothing nt-print
check "Delay at two looks is an incident" within 20 finds nt-copy ping.rtt.high

# ---- packets that are lost again (M-01)

hosts slow print2 0 300
check "Packets that are lost at two looks are an incident of that host" within 40 finds nt-copy ping.loss.high
check "and the delay is over" not finds nt-copy ping.rtt.high
hosts undo slow print2
check "which is over when none are lost" within 30 finds_nothing nt-copy
check "Nothing of all this is said of the one that looks" finds_nothing web1
check "All of it has recovered" within 30 recovered

# ---- nobody looks

hosts exec web1 systemctl stop tocsin-agent-observer tocsin-agent-link
check "When nobody looks nobody can tell" within 30 says nt-print "ping $far cannot_tell agentless.vantage_silent"
check "and nothing of it is normal" not says nt-print "… normal"
cases_end
