#!/bin/bash
# Tocsin does not cry wolf: a real host lives through what happens to every host and is no fault
# (benign_events.sh says which, and for which clause of the procedure), and nobody is told; then comes
# the real fault that each of them looks like, and it is found.
#
# benign.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Benign "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=benign_events.sh
. tests/e2e/benign_events.sh

incidents() { ask incidents -- '.incidents[].title.code'; }
# What is open now, as the collector has judged it.
reasons() { ask hosts web1 -- '.hosts[0].checks[].reasons[].code'; }
judged_all() { holds hosts web1 -- '.hosts[0].checks | length >= 12'; }
nobody_told() { holds incidents -- '.incidents == []' && no_mail; }

begin_lab web1 || exit 1
benign_host web1 || exit 1
install_agent web1 || exit 1
benign_checks >>"$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
check "A scanner answers" start_scanner web1 || exit 1
# A service's own restart is given three seconds here, not the minute of a real site.
benign_site QUIET $'service_minimum = "3s"\nstable = "3s"' || exit 1
start_mailbox
start_collector
check "The collector answers" within 30 collector_answers || exit 1
check "The host enrols" enrol_agent web1 || exit 1
check "and runs the agent" start_agent web1 || exit 1
check "Its checks have all been judged" within 30 judged_all || exit 1
check "Nothing is wrong with it" nobody_told || { incidents; exit 1; }

benign_settle=1.6
declare -A benign_words=(
  [rotation]="A log that is rotated (M-05)"
  [copytruncate]="A log that is copied and truncated (M-05)"
  [restart]="A service that somebody restarts (M-03)"
  [killed]="A service that systemd starts again at once (M-03)"
  [upgrade]="A package upgraded below a program that runs (M-07, M-09)"
  [backup]="A backup that reads everything (G-06)"
  [reboot]="A boot (M-06)"
  [clock]="A clock that jumps and comes back"
  [source]="A new address of a network that is allowed (M-08)"
  [dynamic]="A dynamic port that was approved as a range, and one of UDP (M-07)"
  [signatures]="A scanner that loads new signatures (M-10)"
)
for event in "${benign_events[@]}"; do
  check "${benign_words[$event]} happens" "benign_$event" web1 1
  check "and is no incident" nobody_told || { incidents; reasons; }
done

for fault in "${benign_faults[@]}"; do
  read -ra finding <<<"${fault_finding[$fault]}"
  check "A real fault is not found before it is there: $fault" not gives_reason web1 "${finding[@]}"
  "fault_$fault" web1
  check "It is found" within 60 gives_reason web1 "${finding[@]}"
done
check "Somebody is told" within 30 has_mail web1
check "of several incidents" test "$(incidents | wc -l)" -ge 3
kill "${callers[@]}" 2>/dev/null
stop_scanner
cases_end
