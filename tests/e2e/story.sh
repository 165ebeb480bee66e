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

detail() { ask incidents show "$1" -- "$2"; }
# The open incident of a host, by the host's name.
incident_of() {
  ask incidents --open -- --arg host "$1" \
    '[.incidents[] | select(.hostName == $host and .kind != "agent_silence")][0].id // empty'
}
is_open() { [ -n "$(incident_of "$1")" ]; }
# findings_about HOST PORT: how many of the host's findings, open or closed, in all of its incidents.
findings_about() {
  local all
  all=$(findings_of "$1") || return 2
  jq -s --arg port "$2" '[.[] | select(.subject | test("\\b" + $port + "\\b")) | .id] | unique | length' <<<"$all"
}
has_finding() { [ "$(findings_about "$1" "$2")" -ge 1 ]; }
finding_closed() {
  holds incidents show "$1" -- --arg port "$2" \
    '[.findings[] | select(.subject | test("\\b" + $port + "\\b"))] | length > 0 and all(.[]; .closedAt != null)'
}
# shows_number LANGUAGE LABEL INCIDENT NUMBER: as a person reads it.
shows_number() { ctl --lang "$1" incidents show "$3" | grep -Eq "^$2 +$4 \(#$3\)"; }
is_found_by_number() { [ "$(detail "$2" .incident.id)" = "$1" ]; }
has_no_number() { holds incidents show "$1" -- '.incident.number == ""'; }
has_number() {
  local number
  number=$(detail "$1" .incident.number) && [[ $number =~ ^SI-[0-9]{3}-$2$ ]]
}
is_acknowledged() { [ -n "$(detail "$1" '.incident.acknowledgedBy.name // empty')" ]; }
has_recovered() { holds incidents show "$1" -- '.incident.recoveredAt != null'; }

# How many mails came that had come before.
repeated_mails() {
  find "$work/mailbox/new" -type f -exec grep -h -m1 -i '^Message-ID:' {} + | sort >"$work/message-ids"
  echo $(($(wc -l <"$work/message-ids") - $(uniq "$work/message-ids" | wc -l)))
}
leaves_little_open() {
  local most=30
  # It looks into every process, and hears from the kernel what begins to listen (perf_event_open).
  [ "$1" != tocsin-agent-observer.service ] || most=33
  hosts exec web1 systemd-analyze security --threshold=$most --no-pager "$1" >"$work/log/security"
}

# "judged_again CODE ARGUMENTS…": this version on the journal, beside the running collector.
judged_again() {
  local expected=$1
  shift
  "$bin/tocsin-collector" replay --journal "$work/site/data" "$@" >"$work/log/replay" 2>&1
  [ $? = "$expected" ]
}

# ---- the cast

begin_lab web1 db1 || exit 1
for host in web1 db1; do
  install_agent "$host" || exit 1
done
for half in observer link; do
  check "The $half's unit is a good one" hosts exec web1 systemd-analyze verify "tocsin-agent-$half.service"
  check "and leaves little open" leaves_little_open "tocsin-agent-$half.service"
done

{
  cat <<'TOML'
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
TOML
  mail_to_duty
} | make_site STORY || exit 1
start_mailbox
start_collector
check "The collector answers" within 30 collector_answers || exit 1
for host in web1 db1; do
  check "$host enrols with a one-time token" enrol_agent "$host" || exit 1
  check "$host runs the agent" start_agent "$host" || exit 1
done
check "Both agents are heard" within 30 heard 2 || exit 1

# ---- a fault, told and taken over

listen_on web1 4444
check "A listener that nobody approved is an incident" within 30 is_open web1 || exit 1
incident=$(incident_of web1)
check "It names the port" within 30 has_finding web1 4444
check "The duty desk has mail about it" within 30 has_mail 4444
check "It is taken over" ctl ack "$incident" || exit 1
check "which the incident shows" within 30 is_acknowledged "$incident"

# ---- registered: the site's numbers have no gap (procedure P-06)

check "It has no number yet" has_no_number "$incident"
check "It is registered" ctl register "$incident" --note "not planned" || exit 1
check "as the first of the year" has_number "$incident" 0001
check "A second time is once too often" declined command.registered_before ctl register "$incident"

# ---- killing, while more happens on the other host

# Each of the three twice, in an order and at moments of chance.
ports=(5001 5002 5003 5004 5005 5006)
mapfile -t victims < <(printf '%s\n' observer link collector | shuf && printf '%s\n' observer link collector | shuf)
for blow in "${!ports[@]}"; do
  port=${ports[blow]}
  victim=${victims[blow]}
  listen_on db1 "$port"
  if [ "$victim" = collector ]; then kill_collector; else kill_half db1 "$victim"; fi
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
check "The collector counts each of db1's facts once" within 30 counts_each_fact db1
check "and each of web1's" within 30 counts_each_fact web1
check "No fact of db1 is lost" test "$(lost_of db1)" = 0
check "No fact of web1 is lost" test "$(lost_of web1)" = 0

kill_collector
check "The collector is killed once more and comes back" within 30 collector_answers
check "db1's incident is registered" ctl register "$second" || exit 1
check "as the second of the year" has_number "$second" 0002
for id in "$incident" "$second"; do
  number=$(detail "$id" .incident.number)
  check "$number is shown in English" shows_number en ID "$id" "$number"
  check "and in Chinese" shows_number zh-TW 編號 "$id" "$number"
  check "and found by it" is_found_by_number "$id" "$number"
done

# ---- the end

stop_listening_on web1 4444
for port in "${ports[@]}"; do stop_listening_on db1 "$port"; done
check "The first fault is seen to end" within 30 finding_closed "$incident" 4444
check "and its incident has recovered" within 30 has_recovered "$incident"
check "The other has recovered too" within 30 has_recovered "$second"
check "It is still taken over" is_acknowledged "$incident"
kill_collector
check "The collector comes back after one more blow" within 30 collector_answers
check "and still counts each of db1's facts once" within 30 counts_each_fact db1
check "with the same numbers" has_number "$incident" 0001
check "both of them" has_number "$second" 0002
# Killed between the mail server's yes and the note of it, it tells once more: never oftener.
for id in "$incident" "$second"; do
  check "There is mail about $id" within 30 has_mail "tocsinctl incidents show $id"
done
blows_to_collector=4
check "No mail came twice but where the collector was killed" test "$(repeated_mails)" -le "$blows_to_collector"
check "with the same two incidents" test "$(ask incidents -- '[.incidents[] | select(.kind != "agent_silence")] | length')" = 2
check "and a journal whose chain is whole" ctl audit verify
check "Judged again, it is decided alike" judged_again 0
sed 's/duty@site.example/night@site.example/' "$work/site/site.toml" >"$work/other.toml"
check "and by another policy it is not" judged_again 3 --policy "$work/other.toml"
cases_end
