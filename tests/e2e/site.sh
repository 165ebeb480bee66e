# shellcheck shell=bash
# Sourced by end-to-end stories: a site in a lab of test hosts. The collector and a mail server run in
# the lab's own network (10.77.0.1); hosts run the agent by its units. Uses cases.sh.

root=$PWD
export TOCSIN_LAB=e$$ TOCSIN_LAB_OWNER=$$
work=$(mktemp -d /tmp/tocsin-e2e-XXXXXX)
mkdir "$work/log"
bin=$root/$build/bin
keeper=
mailbox=

# Without a function in between, so that $! is the program itself.
lan=(nsenter "--net=/run/netns/tocsin-$TOCSIN_LAB" --)
hosts() { "$root/tests/support/hosts" "$@"; }
ctl() { "${lan[@]}" "$bin/tocsinctl" --contexts "$work/site/contexts.toml" "$@"; }

# ---- the collector: kept running as a service manager would, until `keep` is removed

keep_collector() {
  while [ -e "$work/keep" ]; do
    "${lan[@]}" "$bin/tocsin-collector" run --config "$work/site/collector.toml" \
      >>"$work/log/collector" 2>&1 </dev/null &
    echo $! >"$work/collector.pid"
    wait $! || true
    echo "-- the collector ended" >>"$work/log/collector"
  done
}
start_collector() {
  : >"$work/keep"
  keep_collector &
  keeper=$!
}
stop_collector() {
  rm -f "$work/keep"
  [ -z "$keeper" ] || { kill "$(cat "$work/collector.pid")" 2>/dev/null; wait "$keeper"; } 2>/dev/null
  keeper=
}
kill_collector() { kill -9 "$(cat "$work/collector.pid")"; }
collector_answers() { ctl status -o json >/dev/null 2>&1; }

start_mailbox() {
  "${lan[@]}" /usr/bin/python3 -m aiosmtpd -n -l 127.0.0.1:2525 \
    -c aiosmtpd.handlers.Mailbox "$work/mailbox" >"$work/log/mailbox" 2>&1 </dev/null &
  mailbox=$!
}

clean_up() {
  local status=$?
  trap - EXIT
  if [ "$status" != 0 ] || [ "$cases_failed" != 0 ]; then show_logs; fi
  stop_collector
  if declare -F stop_others >/dev/null; then stop_others; fi  # of a story that starts more
  [ -z "$mailbox" ] || kill "$mailbox" 2>/dev/null
  hosts lan-down
  rm -rf "$work"
  [ -n "$cases_ended" ] || cases_write
  exit "$status"
}
show_logs() {
  local log host
  for log in "$work"/log/*; do
    echo "---- $(basename "$log")"
    tail -n 40 "$log"
  done
  for host in "${agents[@]}"; do
    echo "---- $host"
    hosts exec "$host" journalctl --no-pager -n 40 -u 'tocsin-*' 2>&1
  done
}
agents=()
trap clean_up EXIT
trap 'exit 130' INT TERM

# ---- hosts with agents

# install_agent HOST: as a package would.
install_agent() {
  local host=$1 half
  hosts put "$host" "$bin/tocsin-agent" /usr/bin/tocsin-agent 755 || return 1
  hosts put "$host" "$bin/tocsin-agent-link" /usr/bin/tocsin-agent-link 755 || return 1
  for half in observer link; do
    hosts put "$host" "deploy/systemd/tocsin-agent-$half.service" \
      "/usr/lib/systemd/system/tocsin-agent-$half.service" || return 1
  done
  hosts put "$host" deploy/systemd/tocsin-agent.sysusers /usr/lib/sysusers.d/tocsin-agent.conf
  hosts put "$host" deploy/systemd/tocsin-agent.tmpfiles /usr/lib/tmpfiles.d/tocsin-agent.conf
  hosts exec "$host" systemd-sysusers || return 1
  hosts exec "$host" systemd-tmpfiles --create tocsin-agent.conf || return 1
  cat >"$work/agent.toml" <<TOML
[agent]
host_name = "$host"

[collector]
addresses = ["10.77.0.1:8444"]
server_name = "collector"

[allow]
shortest_interval = "1s"
probe_targets = ["10.77.0.0/24"]
TOML
  hosts put "$host" "$work/agent.toml" /etc/tocsin/agent.toml
  hosts exec "$host" systemctl daemon-reload
}

enrol_agent() {
  local host=$1
  rm -f "$work/token"
  "$bin/tocsin-collector" token create --config "$work/site/collector.toml" --host "$host" \
    --output "$work/token" 2>>"$work/log/token" || return 1
  hosts put "$host" "$work/token" /run/tocsin-token 600
  hosts exec "$host" tocsin-agent enroll --collector 10.77.0.1:8445 --server-name collector \
    --name "$host" --token-file /run/tocsin-token >>"$work/log/enroll" 2>&1
}

start_agent() { hosts exec "$1" systemctl enable --now -q tocsin-agent-observer tocsin-agent-link; }
main_pid() { hosts exec "$1" systemctl show -P MainPID "tocsin-agent-$2"; }
kill_half() {
  local pid
  pid=$(main_pid "$1" "$2")
  [ "$pid" = 0 ] || hosts exec "$1" kill -9 "$pid"
}

# ---- faults: something listens that nobody approved

listen_on() { hosts listen "$1" "$2"; }
stop_listening_on() { hosts undo listen "$1" "$2"; }
