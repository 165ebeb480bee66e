#!/bin/bash
# Disks that are full for real: the collector's, then a host's. Nothing that was accepted is lost and
# nothing counts twice, both say so, and both recover by themselves when there is room again.
#
# full.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Full "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

spool_folder=/var/lib/tocsin-agent
stop_others() { umount -l "$work/data" 2>/dev/null; }

fill_collector() {
  cat /dev/zero >>"$work/data/filled" 2>/dev/null
  true
}
empty_collector() { rm "$work/data/filled"; }

warned() { holds status -- --arg code "$1" 'any(.warnings[]?; .code == $code)'; }
collector_logged() { grep -q "$1" "$work/log/collector"; }
host_logged() { hosts exec web1 journalctl -q --no-pager -u 'tocsin-*' | grep -q "$1"; }
waiting() { hosts exec web1 tocsin-agent status | sed -n 's/^spool \([0-9]*\) facts.*/\1/p'; }
keeps() { [ "$(waiting)" -ge "$1" ]; }
about() { found web1 --arg port "$1" "[.[] | select(.subject | test(\"\\\\b\" + \$port + \"\\\\b\")) | .id] | unique | length $2"; }
has_finding() { about "$1" '>= 1'; }
counts_once() { about "$1" '== 1'; }
same_process() { [ "$(cat "$work/collector.pid")" = "$1" ]; }
# ---- the cast

begin_lab web1 || exit 1
install_agent web1 || exit 1

mkdir "$work/data"
mount -t tmpfs -o size=32m,mode=0700 tocsin "$work/data" || exit 1
{
  hosts exec web1 tocsin-agent baseline propose --name plain
  cat <<'TOML'

[[hosts]]
host = "*"
baseline = "plain"

[[hosts.checks]]
kind = "sockets"
interval = "1s"
deadline = "1s"
TOML
} | make_site FULL --data "$work/data" || exit 1
start_collector
check "The collector answers" within 20 collector_answers || exit 1
check "The host enrols" enrol_agent web1 || exit 1
check "Its spool lies on a small disk of its own" hosts disk web1 "$spool_folder" 24 || exit 1
check "It runs the agent" start_agent web1 || exit 1
check "and is heard" within 30 heard 1 || exit 1
listen_on web1 4444
check "A listener that nobody approved is found" within 20 has_finding 4444 || exit 1
incident=$(ask incidents -- '.incidents[0].id') || exit 1

# ---- the collector's disk

pid=$(cat "$work/collector.pid")
fill_collector
for port in 5001 5002 5003; do listen_on web1 "$port"; done
check "With a full disk the collector says in its status that it journals nothing" \
  within 20 warned collector.journal_not_written
check "and that its disk is full" warned collector.disk_nearly_full
check "and in its log" collector_logged journal.commit_failed
check "What the host saw stays in its spool" within 20 keeps 1
check "A command is refused at once, with why" refused "journal" ctl ack "$incident"
check "The same process goes on" same_process "$pid"
empty_collector
for port in 5001 5002 5003; do
  check "When there is room again port $port is found" within 30 has_finding "$port"
done
check "Everything was acknowledged" within 20 counts_each_fact web1
check "The warning is gone" within 10 not warned collector.journal_not_written
check "The same process went on" same_process "$pid"

# The same with the process killed on the full disk: there is nobody who could free anything.
fill_collector
for port in 5011 5012; do listen_on web1 "$port"; done
check "The disk is full again" within 20 warned collector.journal_not_written
kill_collector
check "Killed on the full disk it comes back far enough to answer" within 40 collector_answers
# What its databases' logs gave back at the start may be enough for what waits.
fill_collector
listen_on web1 5013
check "and to say that it journals nothing" within 40 warned collector.journal_not_written
empty_collector
check "With room it answers and hears its agent" within 40 heard 1
for port in 5011 5012 5013; do
  check "Port $port was not lost" within 30 has_finding "$port"
done
check "Each of the host's facts is counted once" within 20 counts_each_fact web1
check "No fact is lost" test "$(lost_of web1)" = 0
for port in 4444 5001 5002 5003 5011 5012 5013; do
  check "Port $port is one finding" counts_once "$port"
done
check "The journal's chain is whole" ctl audit verify

# ---- the host's disk

observer=$(main_pid web1 observer)
late() { hosts exec web1 journalctl -q --no-pager -u 'tocsin-*' | grep -c spool.facts_late; }
more_late() { [ "$(late)" -gt "$1" ]; }
check "The host's disk is filled" hosts fill web1 "$spool_folder"
listen_on web1 6001
check "The collector says whose disk is full" within 20 warned collector.spools_full
check "and the agent's own log says that facts are late" within 20 more_late 0
hosts undo fill web1 "$spool_folder"
check "When there is room again port 6001 is found" within 30 has_finding 6001
check "No process was ended for it" test "$(main_pid web1 observer)" = "$observer"
check "The warning is gone" within 20 not warned collector.spools_full
check "What was there all the time is not called lost" test "$(lost_of web1)" = 0

before=$(late)
check "The disk is filled once more" hosts fill web1 "$spool_folder"
listen_on web1 6002
check "and what is seen is late" within 20 more_late "$before"
stop_listening_on web1 6002
check "What went before it could be told is known to be lost" within 20 host_logged spool.facts_lost
hosts undo fill web1 "$spool_folder"
listen_on web1 6003
counts_losses() { [ "$(lost_of web1)" -ge 1 ]; }
check "With room, and something to tell, it is counted and shown" within 20 counts_losses
check "Each fact that was kept is counted once" within 20 counts_each_fact web1
check "The warning is gone once more" within 20 not warned collector.spools_full
check "and the host is heard" heard 1
cases_end
