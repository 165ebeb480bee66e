#!/bin/bash
# The whole way, with the real programs: two hosts run the agent by its units, a collector judges,
# somebody is told, takes over, and it ends. In between observer, link and collector are killed at
# moments drawn by chance; nothing may be lost and nothing may count twice.
#
# story.sh BUILD_FOLDER RESULTS.xml      TOCSIN_SEED repeats the moments of an earlier run
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Story "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

seed=${TOCSIN_SEED:-$((RANDOM + 1))}
RANDOM=$seed
say_step "TOCSIN_SEED=$seed"

# ---- what is asked of the collector

heard() { [ "$(ctl status -o json 2>/dev/null | jq .agentsHeard)" = "$1" ]; }
open_incidents() { ctl incidents --open -o json | jq -r '.incidents[].id'; }
detail() { ctl incidents show "$1" -o json; }
# The open incident of a host, by the host's name.
incident_of() {
  ctl incidents --open -o json |
    jq -r --arg host "$1" '[.incidents[] | select(.hostName == $host and .kind != "agent_silence")][0].id // empty'
}
has_incident() { [ -n "$(incident_of "$1")" ]; }
# How many findings of the host are about the port, open or closed, in all of its incidents.
findings_about() {
  local id
  for id in $(ctl incidents -o json | jq -r --arg host "$1" '.incidents[] | select(.hostName == $host) | .id'); do
    detail "$id" | jq -r --arg port "$2" '.findings[] | select(.subject | test("\\b" + $port + "\\b")) | .id'
  done | sort -u | wc -l
}
open_findings_about() {
  detail "$1" | jq --arg port "$2" '[.findings[] | select(.subject | test("\\b" + $port + "\\b")) | select(.closedAt == null)] | length'
}
has_finding() { [ "$(findings_about "$1" "$2")" -ge 1 ]; }
finding_closed() { [ "$(open_findings_about "$1" "$2")" = 0 ]; }
has_mail() { deploy/mailbox.py "$work/mailbox" "$1" >/dev/null; }
is_acknowledged() { [ "$(detail "$1" | jq -r '.incident.acknowledgedBy.name // empty')" != "" ]; }
has_recovered() { [ "$(detail "$1" | jq '.incident.recoveredAt')" != null ]; }

leaves_little_open() {
  hosts exec web1 systemd-analyze security --threshold=30 --no-pager "$1" >"$work/log/security"
}

# "judged_again CODE ARGUMENTS…": this version on the journal, beside the running collector.
judged_again() {
  local expected=$1
  shift
  "$bin/tocsin-collector" replay --journal "$work/site/data" "$@" >"$work/log/replay" 2>&1
  [ $? = "$expected" ]
}

# What the collector has of a host, and what the host's spool says it gave.
facts_of() { ctl hosts "$1" -o json | jq -r '.hosts[0].facts'; }
lost_of() { ctl hosts "$1" -o json | jq -r '.hosts[0].factsLost'; }
given_by() { hosts exec "$1" tocsin-agent status --config /etc/tocsin/agent.toml | sed -n 's/^last //p'; }
# Each fact that the host numbered is counted once by the collector: none is missing, none is doubled.
counts_each_fact() { [ "$(facts_of "$1")" = "$(given_by "$1")" ]; }

# ---- the cast

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(web1 db1)
hosts up web1 10.77.0.11 &
hosts up db1 10.77.0.12 &
wait
check "Two hosts are up" hosts wait web1 db1 || exit 1
for host in web1 db1; do
  install_agent "$host" || exit 1
done
for half in observer link; do
  check "The $half's unit is a good one" hosts exec web1 systemd-analyze verify "tocsin-agent-$half.service"
  check "and leaves little open" leaves_little_open "tocsin-agent-$half.service"
done

"$bin/tocsin-collector" init --dir "$work/site" --site STORY --dns collector --ip 10.77.0.1 \
  --listen-agents 10.77.0.1:8444 --listen-enroll 10.77.0.1:8445 --listen-operators 10.77.0.1:8443 \
  >"$work/log/init" || exit 1
{
  cat <<'TOML'
[site]
name = "STORY"

[grading]
stable = "5s"

TOML
  hosts exec web1 tocsin-agent baseline propose --name plain
  cat <<'TOML'

[[hosts]]
host = "*"
baseline = "plain"

[[hosts.checks]]
kind = "sockets"
interval = "1s"
deadline = "1s"

[[hosts.checks]]
kind = "processes"
interval = "5s"
deadline = "5s"

[[channels]]
name = "mail"
kind = "email"
url = "smtp://127.0.0.1:2525"
from = "tocsin@story.example"
require_tls = false

[[contacts]]
name = "duty desk"
role = "duty"
channel = "mail"
address = "duty@story.example"
language = "en"
TOML
} >"$work/site/site.toml"
start_mailbox
start_collector
check "The collector answers" within 20 collector_answers || exit 1
for host in web1 db1; do
  check "$host enrols with a one-time token" enrol_agent "$host" || exit 1
  check "$host runs the agent" start_agent "$host" || exit 1
done
check "Both agents are heard" within 30 heard 2 || exit 1

# ---- a fault, told and taken over

listen_on web1 4444
check "A listener that nobody approved is an incident" within 20 has_incident web1 || exit 1
incident=$(incident_of web1)
check "It names the port" within 10 has_finding web1 4444
check "The duty desk has mail about it" within 20 has_mail 4444
check "It is taken over" ctl ack "$incident" || exit 1
check "which the incident shows" within 10 is_acknowledged "$incident"

# ---- killing, while more happens on the other host

ports=(5001 5002 5003 5004 5005 5006)
for port in "${ports[@]}"; do
  listen_on db1 "$port"
  case $((RANDOM % 3)) in
    0) victim=observer; kill_half db1 observer ;;
    1) victim=link; kill_half db1 link ;;
    *) victim=collector; kill_collector ;;
  esac
  say_step "killed the $victim after port $port began to listen"
  # The next blow falls when this fault is known, or in the middle of its way there.
  if [ $((RANDOM % 2)) = 0 ]; then within 30 has_finding db1 "$port"; fi
done
for port in "${ports[@]}"; do
  check "Port $port was not lost" within 40 has_finding db1 "$port"
done
check "Both agents are heard again" within 30 heard 2
second=$(incident_of db1)
for port in "${ports[@]}"; do
  check "Port $port counts once" test "$(findings_about db1 "$port")" = 1
done
check "The collector counts each of db1's facts once" within 20 counts_each_fact db1
check "and each of web1's" within 20 counts_each_fact web1
check "No fact of db1 is lost" test "$(lost_of db1)" = 0
check "No fact of web1 is lost" test "$(lost_of web1)" = 0

# ---- the end

stop_listening_on web1 4444
for port in "${ports[@]}"; do stop_listening_on db1 "$port"; done
check "The first fault is seen to end" within 20 finding_closed "$incident" 4444
check "and its incident has recovered" within 30 has_recovered "$incident"
check "The other has recovered too" within 30 has_recovered "$second"
check "It is still taken over" is_acknowledged "$incident"
kill_collector
check "The collector comes back after one more blow" within 20 collector_answers
check "and still counts each of db1's facts once" within 20 counts_each_fact db1
check "with the same two incidents" test "$(ctl incidents -o json | jq '[.incidents[] | select(.kind != "agent_silence")] | length')" = 2
check "and a journal whose chain is whole" ctl audit verify
check "Judged again, it is decided alike" judged_again 0
sed 's/duty@story.example/night@story.example/' "$work/site/site.toml" >"$work/other.toml"
check "and by another policy it is not" judged_again 3 --policy "$work/other.toml"
cases_end
