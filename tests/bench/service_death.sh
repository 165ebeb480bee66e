#!/bin/bash
# How long a killed service stays unknown to the collector: a host with real systemd, the real programs,
# their default intervals. Needs root. service_death.sh BUILD FAULTS OUTPUT writes ms, a line a fault.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
faults=${2:?how many}
output=$(realpath "${3:?where}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin ServiceDeath
# shellcheck source=../e2e/site.sh
. tests/e2e/site.sh

is_seen() { holds hosts web1 -- 'any(.hosts[0].checks[].reasons[]; .code == "service.running")'; }
hosts rootfs >/dev/null || exit 1
hosts lan || exit 1
agents=(web1)
hosts up web1 10.77.0.11
hosts wait web1 || exit 1
install_agent web1 || exit 1
unit=victim-$TOCSIN_LAB.service
printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep 3600\n' >"$work/unit"
hosts put web1 "$work/unit" "/etc/systemd/system/$unit"
cat >>"$work/agent.toml" <<TOML

[[checks]]
kind = "service"
target = "$unit"
[[checks]]
kind = "sockets"
[[checks]]
kind = "processes"
TOML
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
hosts exec web1 systemctl daemon-reload
hosts exec web1 systemctl start "$unit"
make_site BENCH </dev/null || exit 1
start_collector
within 20 collector_answers || exit 1
enrol_agent web1 || exit 1
start_agent web1 || exit 1
within 30 heard 1 || exit 1
within 30 is_seen || exit 1
state=$(find "$work/site" -name state.db)
"$bin/bench_service_death" "$state" "$(hosts pid web1)" "$unit" "$faults" >"$work/times" || exit 1
cp "$work/times" "$output"
