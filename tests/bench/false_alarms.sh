#!/bin/bash
# What Tocsin tells though nothing is wrong: real hosts with systemd live through what happens to every
# host (tests/e2e/benign_events.sh), each of it TIMES times in all; what the collector journals of it is
# judged again as if it had been a day, and every incident and notification of that day is counted. At
# the end come real faults that must be found, or the count means nothing. Needs root.
#
# false_alarms.sh BUILD TIMES OUTPUT    writes the count
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
times=${2:?how often}
output=$(realpath "${3:?where}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin FalseAlarms
# shellcheck source=../e2e/site.sh
. tests/e2e/site.sh
# shellcheck source=../e2e/benign_events.sh
. tests/e2e/benign_events.sh

# was_found CODE WORDS…: a finding of the day that has them all.
was_found() {
  local line word
  while read -r line; do
    [ "${line%% *}" = "$1" ] || continue
    for word in "${@:2}"; do
      [[ $line == *"$word"* ]] || continue 2
    done
    return 0
  done <"$work/found"
  return 1
}
mark() { printf '%s %s\n' "$(date +%s%N)" "$1" >>"$work/marks"; }

hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(web1 web2 web3 web4)
[ "$times" -ge 4 ] || agents=(web1)
number=10
for host in "${agents[@]}"; do
  number=$((number + 1))
  hosts up "$host" "10.77.0.$number" &
done
wait
hosts wait "${agents[@]}" || exit 1
for host in "${agents[@]}"; do
  benign_host "$host" || exit 1
  install_agent "$host" || exit 1
  benign_checks >>"$work/agent.toml"
  hosts put "$host" "$work/agent.toml" /etc/tocsin/agent.toml
done
start_scanner web1 || exit 1
benign_site BENCH "" || exit 1
start_collector
within 20 collector_answers || exit 1
for host in "${agents[@]}"; do
  enrol_agent "$host" && start_agent "$host" || exit 1
done
within 30 heard "${#agents[@]}" || exit 1
settle

rounds=$((times / ${#agents[@]}))
for ((round = 1; round <= rounds; ++round)); do
  for event in "${benign_events[@]}"; do
    mark "$event"
    doing=()
    # One host has the scanner.
    [ "$event" != signatures ] || for host in "${agents[@]}"; do
      benign_signatures web1 "$((round * 10 + ${host#web}))" || exit 1
    done
    [ "$event" != signatures ] || continue
    for host in "${agents[@]}"; do
      "benign_$event" "$host" "$((round * 10 + ${host#web}))" &
      doing+=($!)
    done
    for pid in "${doing[@]}"; do
      wait "$pid" || { echo "$event failed" >&2; exit 1; }
    done
  done
  say_step "round $round of $rounds" >&2
done
mark faults
for fault in "${benign_faults[@]}"; do "fault_$fault" web1; done
settle
settle
kill "${callers[@]}" 2>/dev/null
stop_scanner
stop_collector
build=$root/$build
"$build/bin/bench_false_alarms" "$work/site/data/journal" "$work/marks" >"$work/count" || exit 1
read -r incidents notifications found told <"$work/count"
sed 1d "$work/count" >"$work/found"
echo "  $((rounds * ${#agents[@]})) times each of ${benign_events[*]}: $incidents incidents, $notifications notifications; of ${#benign_faults[@]} real faults $found incidents, $told notifications" >&2
# Some of them are one incident: of one kind, at one time. But each is a finding.
for fault in "${benign_faults[@]}"; do
  read -ra finding <<<"${fault_finding[$fault]}"
  was_found "${finding[@]}" || { echo "the real fault '$fault' was not found among:" >&2; cat "$work/found" >&2; exit 1; }
done
[ "$told" -ge "$found" ] || { echo "nobody was told of some of the real faults" >&2; exit 1; }
echo $((incidents + notifications)) >"$output"
