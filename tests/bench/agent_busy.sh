#!/bin/bash
# What the agent costs on a host that has much to look at, beside other agents as Debian installs them:
# 20,000 sockets, 500 processes, a connection that comes and goes ten times a second. To be started by
# tests/bench/run.sh in network, mount and process namespaces of its own: what it starts is all there is
# to see, its mounts hide the caches of the other agents, and everything goes with it.
#
#   agent_busy.sh BIN WORK SECONDS     prints "MB SECONDS_A_MINUTE" of our two processes
set -eu
bin=${1:?where the programs are}
work=${2:?a folder for files}
seconds=${3:?how long}
cd "$(dirname "$0")/../.."
# shellcheck source=../../deploy/lib.sh
. deploy/lib.sh
# shellcheck source=agents.sh
. tests/bench/agents.sh
mkdir -p "$work"
ip link set lo up

# start_big_agents: netdata and Icinga 2, which write to fixed places.
start_big_agents() {
  local place
  for place in /run /var/cache /var/log; do mount -t tmpfs tmpfs "$place"; done
  mkdir -p /var/cache/netdata /var/log/netdata /run/netdata
  printf '[global]\n  run as user = root\n[db]\n  mode = ram\n[web]\n  bind to = 127.0.0.1\n' >"$work/netdata.conf"
  netdata -D -c "$work/netdata.conf" >"$work/netdata.log" 2>&1 &
  agent_pids[netdata]=$!
  mount -t tmpfs tmpfs /var/lib/icinga2
  /usr/lib/icinga2/prepare-dirs /etc/default/icinga2 >"$work/icinga2.log" 2>&1
  icinga2 daemon >>"$work/icinga2.log" 2>&1 &
  agent_pids[icinga2]=$!
}

mkfifo "$work/crowd.in"
"$bin/bench_crowd" 20000 500 <"$work/crowd.in" >"$work/crowd.out" &
exec 7>"$work/crowd.in"
for _ in $(seq 600); do [ -s "$work/crowd.out" ] && break; sleep 0.1; done
[ -s "$work/crowd.out" ] || { say "the 20,000 sockets were not made"; exit 1; }
start_agents
start_big_agents
sleep "${AGENT_WARMUP:-75}"  # until every check has run twice
measure_agents "$seconds" 7>&-
stop_agents
exec 7>&-
own_figures
