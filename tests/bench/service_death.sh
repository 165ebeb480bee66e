#!/bin/bash
# How long a killed service stays unknown to the collector: a host with real systemd, the real programs,
# their default intervals. Needs root. service_death.sh BUILD FAULTS OUTPUT writes the 99th percentile.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
faults=${2:?how many}
output=$(realpath "${3:?where}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin ServiceDeath "$(mktemp)"
# shellcheck source=../e2e/site.sh
. tests/e2e/site.sh

heard() { [ "$(ctl status -o json 2>/dev/null | jq .agentsHeard)" = 1 ]; }
is_seen() { ctl hosts web1 -o json | grep -q service.running; }
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
"$bin/tocsin-collector" init --dir "$work/site" --site BENCH --dns collector --ip 10.77.0.1 \
  --listen-agents 10.77.0.1:8444 --listen-enroll 10.77.0.1:8445 --listen-operators 10.77.0.1:8443 \
  >"$work/log/init" || exit 1
printf '[site]\nname = "BENCH"\n' >"$work/site/site.toml"
start_collector
within 20 collector_answers || exit 1
enrol_agent web1 || exit 1
start_agent web1 || exit 1
within 30 heard || exit 1
within 30 is_seen || exit 1
state=$(find "$work/site" -name state.db)
"$bin/bench_service_death" "$state" "$(hosts pid web1)" "$unit" "$faults" >"$work/times" || exit 1
sort -g "$work/times" | awk '{v[NR] = $1} END {
  print "p50", v[int(NR * 0.5 + 0.5)], "p95", v[int(NR * 0.95 + 0.5)], "p99", v[int(NR * 0.99 + 0.5)], "max", v[NR] >"/dev/stderr"
  print v[int(NR * 0.99 + 0.5)]}' >"$output"
