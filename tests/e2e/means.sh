#!/bin/bash
# How a host fares, with the real programs: a disk that fills is a finding and over when there is room
# again; the curves behind it are shown, and survive a kill of the collector.
#
# means.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Means "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

says() { holds hosts db1 -- --arg code "$1" 'any(.hosts[0].checks[].reasons[]; .code == $code)'; }
of_code() { holds incidents -- --arg code "$1" "[.incidents[] | select(.title.code == \$code)] | length == 1 and ($2)"; }
is_open() { of_code "$1" '.[0].closedAt == null and .[0].recoveredAt == null'; }
has_recovered() { of_code "$1" '.[0].recoveredAt != null'; }
# The points of a curve.
points() { ask metrics db1 "$1" -- '[.series[]?.value[]?] | length'; }
has_points() {
  local now
  now=$(points "$1") && [ "$now" -ge "$2" ]
}
is_drawn() { ctl metrics db1 disk./srv/data.used | grep -q '^disk./srv/data.used .*|.*#.*|'; }
# Rows of metrics in the journal: what the judge saw.
rows() { ask status --counters -- '.counters[] | select(.name == "link.facts") | .value'; }

begin_lab db1 || exit 1
install_agent db1 || exit 1
make_site MEANS <<'TOML' || exit 1
[grading]
stable = "3s"

# Whatever else is full on the machine that tests.
[limits.metrics]
disk_low_permille = 1000
disk_full_permille = 1000

[[hosts]]
host = "*"

[[hosts.checks]]
kind = "metrics"
interval = "1s"
deadline = "1s"
TOML
start_collector
check "The collector answers" within 30 collector_answers || exit 1
hosts disk db1 /srv/data 8
enrol_agent db1 || exit 1
start_agent db1 || exit 1
check "The agent is heard" within 30 heard 1 || exit 1
check "The curves of its disk arrive" within 120 has_points disk./srv/data.used 3
check "and of its processors" within 60 has_points cpu.busy 2
check "Nothing is said of a disk with room" not says disk.space_full

hosts fill db1 /srv/data
check "A full disk is found" within 30 says disk.space_full || exit 1
check "and is an incident" within 30 is_open disk.space_full
check "The curve shows it" within 30 is_drawn
# However long it takes: were a point a row, as many would have come.
before=$(rows)
kept=$(points disk./srv/data.used)
check "Points go on to arrive" within 120 has_points disk./srv/data.used "$((kept + 15))"
check "and make no rows in the journal" test "$(($(rows) - before))" -lt 10
kept=$(points disk./srv/data.used)
kill_collector
check "A killed collector comes back" within 30 collector_answers
check "with its curves" has_points disk./srv/data.used "$kept"
hosts undo fill db1 /srv/data
check "Room ends the finding" within 30 not says disk.space_full
check "and the incident" within 30 has_recovered disk.space_full
cases_end
