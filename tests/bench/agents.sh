# shellcheck shell=bash
# Sourced by tests/bench/run.sh and agent_busy.sh: a site with our agent, other agents of Debian beside
# it, and what they cost. Sets `collector` (pid), `site`, `agents`, `enroll`, `operators` and
# `agent_pids`. The caller sets `bin` and `work`, and ends what runs.

median() { sort -g | awk '{v[NR] = $1} END {if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }
# of_faults FILE: the 99th percentile of its lines, one a fault.
of_faults() {
  sort -g "$1" | awk '{v[NR] = $1} END {
    printf "  of %d faults: median %.1f, 99th percentile %.1f, worst %.1f ms\n", NR, v[int((NR + 1) / 2)], v[int(NR * 0.99 + 0.99)], v[NR] >"/dev/stderr"
    print v[int(NR * 0.99 + 0.99)]}'
}
calc() { awk "BEGIN {printf \"%.${2:-3}f\n\", $1}"; }
field() { tr ' ' '\n' | sed -n "s/^$1=//p"; }
cpu_seconds() { awk -v hz="$(getconf CLK_TCK)" '{print ($14 + $15) / hz}' "/proc/$1/stat"; }

# start_site STREAMS: a new site with that many agents (0: none), its collector running; sets `site`, the
# addresses `agents`, `enroll` and `operators`, and `collector` (pid).
start_site() {
  site=$work/site
  rm -rf "$site"
  "$bin/tocsin-collector" init --dir "$site" --site bench --dns localhost --ip 127.0.0.1 >"$work/init.log"
  sed -i -e 's/^#* *agents *=.*/agents = "127.0.0.1:0"/' -e 's/^#* *enroll *=.*/enroll = "127.0.0.1:0"/' \
    -e 's/^#* *operators *=.*/operators = "127.0.0.1:0"/' "$site/collector.toml"
  [ "$1" = 0 ] || "$bin/bench_ingest" agents "$site" "$site/agents" "$1" "$site/data/journal"
  "$bin/tocsin-collector" run --config "$site/collector.toml" 2>"$work/collector.log" &
  collector=$!
  local listening=
  for _ in $(seq 200); do
    listening=$(grep -o 'collector.listening .*' "$work/collector.log" || true)
    [ -z "$listening" ] || break
    kill -0 "$collector" 2>/dev/null || { cat "$work/collector.log"; exit 1; }
    sleep 0.05
  done
  agents=localhost:$(echo "$listening" | field agents)
  operators=localhost:$(echo "$listening" | field operators)
  enroll=localhost:$(echo "$listening" | field enroll)
}
stop_site() { kill "$collector"; wait "$collector" || true; collector=; }

# memory_mb PID / cpu_ticks PID: of a process and all below it.
tree() { local child; echo "$1"; for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do tree "$child"; done; }
memory_mb() {
  local pid
  for pid in $(tree "$1"); do awk '/^VmRSS/ {print $2}' "/proc/$pid/status"; done |
    awk '{kb += $1} END {printf "%.1f\n", kb / 1024}'
}
cpu_ticks() {
  local pid
  for pid in $(tree "$1"); do awk '{print $14 + $15 + $16 + $17}' "/proc/$pid/stat"; done |
    awk '{ticks += $1} END {print ticks}'
}

# on_a_host COMMAND…: with the kernel's trace points, which systemd mounts on each host.
on_a_host() {
  [ ! -d /sys/kernel/tracing/events ] || exec "$@"
  # shellcheck disable=SC2016  # for the shell in there
  exec unshare -m sh -c 'mount -t tracefs none /sys/kernel/tracing && exec "$@"' sh "$@"
}

declare -A agent_pids
# Our two processes, enrolled with the site that runs.
start_own_agent() {
  local home=$work/agent
  mkdir -p "$home"
  cat >"$home/agent.toml" <<TOML
[agent]
directory = "$home"
[collector]
addresses = ["127.0.0.1:${agents##*:}"]
[[checks]]
kind = "sockets"
[[checks]]
kind = "processes"
[[checks]]
kind = "service"
target = "ssh.service"
[[checks]]
kind = "audit_log"
target = "journal"
[[checks]]
kind = "ping"
target = "127.0.0.1"
[[checks]]
kind = "warnings"
target = "journal"
[[checks]]
kind = "metrics"
${more_checks:-}
TOML
  "$bin/tocsin-collector" token create --config "$site/collector.toml" --output "$home/token"
  "$bin/tocsin-agent" enroll --collector "127.0.0.1:${enroll##*:}" --dir "$home" \
    --token-file "$home/token" >"$home/enroll.log"
  (on_a_host "$bin/tocsin-agent" observer --config "$home/agent.toml") 2>"$home/observer.log" &
  agent_pids[tocsin-observer]=$!
  "$bin/tocsin-agent" link --config "$home/agent.toml" 2>"$home/link.log" &
  agent_pids[tocsin-link]=$!
}
# Beside ours, other agents of Debian as installed, which nobody asks anything but the exporter.
start_agents() {
  start_site 1
  start_own_agent
  printf 'LogType=console\nServer=127.0.0.1\nListenIP=127.0.0.1\nListenPort=%s\nHostname=bench\n' \
    $((20000 + RANDOM % 9000)) | tee "$work/zabbix1.conf" >"$work/zabbix2.conf"
  echo AllowRoot=1 >>"$work/zabbix1.conf"
  sed -i "s/^ListenPort=.*/ListenPort=$((10500 + RANDOM % 9000))/" "$work/zabbix2.conf"
  echo "ControlSocket=$work/zabbix2.sock" >>"$work/zabbix2.conf"
  zabbix_agentd -f -c "$work/zabbix1.conf" >"$work/zabbix1.log" 2>&1 &
  agent_pids[zabbix-agent]=$!
  zabbix_agent2 -f -c "$work/zabbix2.conf" >"$work/zabbix2.log" 2>&1 &
  agent_pids[zabbix-agent2]=$!
  exporter=127.0.0.1:$((30000 + RANDOM % 2000))
  prometheus-node-exporter --web.listen-address="$exporter" >"$work/exporter.log" 2>&1 &
  agent_pids[node-exporter]=$!
}
stop_agents() {
  local name
  for name in "${!agent_pids[@]}"; do
    kill "${agent_pids[$name]}" 2>/dev/null || true
    wait "${agent_pids[$name]}" 2>/dev/null || true
  done
  agent_pids=()
  stop_site
}
# measure_agents SECONDS: what each of agent_pids has in memory at the end, and what it cost; lines
# "NAME MB SECONDS_A_MINUTE", sorted, in $work/agents.
measure_agents() {
  local seconds=$1 name waited hz
  local -A before
  hz=$(getconf CLK_TCK)
  for name in "${!agent_pids[@]}"; do before[$name]=$(cpu_ticks "${agent_pids[$name]}"); done
  for ((waited = 0; waited < seconds; waited += 15)); do
    sleep 15
    curl -s -o "$work/scrape" "http://$exporter/metrics"
  done
  for name in "${!agent_pids[@]}"; do
    kill -0 "${agent_pids[$name]}" 2>/dev/null || { say "$name ended: $(cat "$work"/*.log)"; exit 1; }
    echo "$name $(memory_mb "${agent_pids[$name]}") $(calc \
      "($(cpu_ticks "${agent_pids[$name]}") - ${before[$name]}) * 60 / $hz / $waited" 3)"
  done | sort | tee "$work/agents" | sed 's/^/  /' >&2
}
# Of both of ours together: "MB SECONDS_A_MINUTE".
own_figures() { awk '/^tocsin-/ {mb += $2; cpu += $3} END {printf "%.1f %.3f\n", mb, cpu}' "$work/agents"; }
