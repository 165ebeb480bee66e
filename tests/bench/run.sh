#!/bin/bash
# Measures the figures and ends with a line `NAME VALUE` for each.
#
#   tests/bench/run.sh                    all
#   tests/bench/run.sh ingest_of_limit …  the named ones
#
# Each ratio is measured in pairs: in every round the collector and what it is compared with run one
# after the other on the same machine, and the median of the rounds' ratios is printed. Only ratios
# travel from machine to machine; the other figures say what this one did.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=../../deploy/lib.sh
. deploy/lib.sh
ROUNDS=${ROUNDS:-5}
FIGURES="ingest_of_limit ingest_events_per_s ingest_cpu_us_per_event ingest_500x1_of_limit ack_of_limit agent_rss_mb agent_cpu_s_per_min listeners_50k_of_raw listeners_50k_vs_netstat sockets_50k_of_raw sockets_50k_vs_netstat sockets_50k_vs_ss sockets_owners_50k_vs_netstat detect_listener_ms"
FIGURES+=" ping_4096_vs_fping ping_half_dead_of_nmap processes_1000_vs_ps processes_1000_first_vs_ps detect_truncation_ms detect_service_death_ms"
FIGURES+=" false_alarms_per_day"
FIGURES+=" agent_busy_rss_mb agent_busy_cpu_s_per_min"

wanted=${*:-$FIGURES}
for name in $wanted; do
  case " $FIGURES " in *" $name "*) ;; *)
    say "tests/bench/run.sh: there is no figure '$name'; there are: $FIGURES"
    exit 2 ;;
  esac
done

need_packages build test bench || exit 1
configure release
build release bench_crowd bench_detect bench_false_alarms bench_ingest bench_ping bench_processes \
  bench_service_death bench_sockets tocsin-collector tocsin-agent tocsin-agent-link tocsinctl
bin=$PWD/build/release/bin

work=$(mktemp -d "${TMPDIR:-/tmp}/tocsin-bench.XXXXXX")
collector=
decoder=
cleanup() {
  for pid in $collector $decoder "${agent_pids[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT

# shellcheck source=agents.sh
. tests/bench/agents.sh

# start_decoder [LOG]: the server that only decodes, or that also appends to LOG and syncs it.
start_decoder() {
  mkfifo "$work/decoder.in"
  rm -f "$work/decoder.port"
  "$bin/bench_ingest" decode "$site" "$@" <"$work/decoder.in" >"$work/decoder.port" &
  decoder=$!
  exec 8>"$work/decoder.in"
  for _ in $(seq 200); do [ -s "$work/decoder.port" ] && break; sleep 0.05; done
  decode_address=localhost:$(cat "$work/decoder.port")
}
stop_decoder() { exec 8>&-; wait "$decoder" || true; decoder=; rm -f "$work/decoder.in"; }

load() { "$bin/bench_ingest" load "$site" "$site/agents" "$@"; }

# rounds STREAMS BATCH WINDOW FACTS: for each round a line "ratio events/s cpu_us/event".
rounds() {
  local streams=$1 batch=$2 window=$3 facts=$4 round line before after rate limit decode sqlite
  for round in $(seq "$ROUNDS"); do
    start_site "$streams"
    start_decoder
    line=$(load "$decode_address" "$streams" "$batch" "$window" "$facts" -)
    decode=$(calc "$(echo "$line" | field facts) / $(echo "$line" | field seconds)" 0)
    stop_decoder
    sqlite=$("$bin/bench_ingest" sqlite "$work/limit")
    before=$(cpu_seconds "$collector")
    line=$(load "$agents" "$streams" "$batch" "$window" "$facts" "$operators")
    after=$(cpu_seconds "$collector")
    stop_site
    rate=$(calc "$(echo "$line" | field facts) / $(echo "$line" | field seconds)" 0)
    limit=$(printf '%s\n%s\n' "$decode" "$sqlite" | sort -g | head -1)
    say "round $round: $rate facts/s judged ($(echo "$line" | field acknowledged) s to the last acknowledgement, $(echo "$line" | field seconds) s to the last judgement); decode only $decode/s, SQLite $sqlite rows/s" >&2
    echo "$(calc "$rate / $limit") $rate $(calc "($after - $before) * 1e6 / $(echo "$line" | field facts)" 2)"
  done
}

# One fact at a time, window 1: acknowledged by the collector, against a server whose acknowledgement
# is a no-op round trip plus one fdatasync.
ack_rounds() {
  local round ack least
  for round in $(seq "$ROUNDS"); do
    start_site 1
    start_decoder "$work/limit.log"
    least=$(load "$decode_address" 1 1 1 3000 - | field round_trip_us)
    stop_decoder
    ack=$(load "$agents" 1 1 1 3000 "$operators" | field round_trip_us)
    stop_site
    say "round $round: acknowledged in $ack us; round trip and fdatasync alone $least us" >&2
    calc "$ack / $least"
  done
}

# Both agent processes at the default intervals for AGENT_SECONDS, others beside them.
agent_figures() {
  start_agents
  sleep "${AGENT_WARMUP:-45}"  # starting is not idling
  measure_agents "${AGENT_SECONDS:-300}"
  stop_agents
  own_figures
}

# socket_ratio ONE OTHER: of the rounds of bench_sockets or bench_ping, the median of ONE over OTHER.
socket_ratio() {
  local line
  while read -r line; do
    calc "$(echo "$line" | field "$1") / $(echo "$line" | field "$2")"
  done <"$work/rounds" | median
}
socket_rounds() { "$bin/bench_sockets" "$1" 50000 "$ROUNDS" | tee "$work/rounds" | sed 's/^/  /' >&2; }

# From listen() to the finding that the collector committed: the 99th percentile of FAULTS_SEEN faults
# (300), in ms. The baseline approves nothing, so every listener is one.
detect_listener() {
  start_site 0
  printf '[site]\nname = "bench"\n[[baselines]]\nname = "nothing"\nversion = 1\nlisteners = []\n[[hosts]]\nhost = "*"\nbaseline = "nothing"\n' >"$site/site.toml"
  kill -HUP "$collector"
  start_own_agent
  sleep 5  # until it is connected, and has told what listens already
  "$bin/bench_detect" listener "$site/data/state.db" "${FAULTS_SEEN:-300}" >"$work/rounds"
  stop_agents
  of_faults "$work/rounds"
}

# The same from truncate() of a log. Each file is emptied once, so each fault has a check of its own; a
# host may have 256.
detect_truncation() {
  local logs=$work/logs left=${FAULTS_SEEN:-300} now file more_checks
  : >"$work/rounds"
  while [ "$left" -gt 0 ]; do
    now=$((left > 150 ? 150 : left))
    left=$((left - now))
    rm -rf "$logs" "$work/agent"
    mkdir "$logs"
    more_checks="[allow]
log_folders = [\"$logs\"]"
    for file in $(seq 0 $((now - 1))); do
      # Each with content of its own: the same beside it would be taken for what a rotation leaves.
      seq $((file * 1000)) $((file * 1000 + 999)) >"$logs/log-$file"
      more_checks+="
[[checks]]
kind = \"audit_log\"
target = \"$logs/log-$file\""
    done
    start_site 0
    start_own_agent
    sleep 10  # until each file was looked at
    "$bin/bench_detect" truncation "$site/data/state.db" "$now" "$logs" >>"$work/rounds"
    stop_agents
  done
  of_faults "$work/rounds"
}

results=$work/results
: >"$results"
needs() { local name; for name in "$@"; do case " $wanted " in *" $name "*) return 0 ;; esac; done; return 1; }
if needs ingest_of_limit ingest_events_per_s ingest_cpu_us_per_event; then
  say "64-fact batches, 4 streams"
  rounds 4 64 64 "${FACTS:-400000}" >"$work/rounds"
  echo "ingest_of_limit $(cut -d' ' -f1 "$work/rounds" | median)" >>"$results"
  echo "ingest_events_per_s $(cut -d' ' -f2 "$work/rounds" | median)" >>"$results"
  echo "ingest_cpu_us_per_event $(cut -d' ' -f3 "$work/rounds" | median)" >>"$results"
fi
if needs ingest_500x1_of_limit; then
  say "single facts, 500 streams"
  rounds 500 1 8 "${FACTS_500:-100000}" >"$work/rounds"
  echo "ingest_500x1_of_limit $(cut -d' ' -f1 "$work/rounds" | median)" >>"$results"
fi
if needs ack_of_limit; then
  say "one fact, window 1"
  ack_rounds >"$work/rounds"
  echo "ack_of_limit $(median <"$work/rounds")" >>"$results"
fi
if needs agent_rss_mb agent_cpu_s_per_min; then
  say "agents for ${AGENT_SECONDS:-300} s: MB resident, seconds of processor a minute"
  agent_figures >"$work/rounds"
  echo "agent_rss_mb $(cut -d' ' -f1 "$work/rounds")" >>"$results"
  echo "agent_cpu_s_per_min $(cut -d' ' -f2 "$work/rounds")" >>"$results"
fi
if needs listeners_50k_of_raw listeners_50k_vs_netstat; then
  say "listeners among 50,000 sockets"
  socket_rounds listeners
  echo "listeners_50k_of_raw $(socket_ratio ours_ms raw_ms)" >>"$results"
  echo "listeners_50k_vs_netstat $(socket_ratio netstat_ms ours_ms)" >>"$results"
fi
if needs sockets_50k_of_raw sockets_50k_vs_netstat sockets_50k_vs_ss; then
  say "50,000 sockets"
  socket_rounds sockets
  echo "sockets_50k_of_raw $(socket_ratio ours_ms raw_ms)" >>"$results"
  echo "sockets_50k_vs_netstat $(socket_ratio netstat_ms ours_ms)" >>"$results"
  echo "sockets_50k_vs_ss $(socket_ratio ss_ms ours_ms)" >>"$results"
fi
if needs sockets_owners_50k_vs_netstat; then
  say "50,000 sockets and their programs"
  socket_rounds owners
  echo "sockets_owners_50k_vs_netstat $(socket_ratio netstat_ms ours_ms)" >>"$results"
fi
if needs detect_listener_ms; then
  say "a listener, from listen() to the finding"
  detect_listener >"$work/percentile"
  echo "detect_listener_ms $(cat "$work/percentile")" >>"$results"
fi
if needs detect_truncation_ms; then
  say "a log that is emptied, from truncate() to the finding"
  detect_truncation >"$work/percentile"
  echo "detect_truncation_ms $(cat "$work/percentile")" >>"$results"
fi
if needs ping_4096_vs_fping; then
  say "4,096 addresses that answer, one packet each, as fast as can be"
  tests/bench/ping.sh build/release fping "${PING_ROUNDS:-15}" | tee "$work/rounds" | sed 's/^/  /' >&2
  echo "ping_4096_vs_fping $(socket_ratio peer_ms ours_ms)" >>"$results"
fi
if needs ping_half_dead_of_nmap; then
  say "254 addresses, every second one silent, asked at most twice"
  tests/bench/ping.sh build/release nmap "${PING_ROUNDS:-15}" | tee "$work/rounds" | sed 's/^/  /' >&2
  echo "ping_half_dead_of_nmap $(socket_ratio ours_ms peer_ms)" >>"$results"
fi
if needs processes_1000_vs_ps processes_1000_first_vs_ps; then
  line=$("$bin/bench_processes" 1000 "${PROCESS_ROUNDS:-21}")
  say "1000 processes, ms of the agent's look, of its first look, of ps with the same fields; ps over each: $line"
  echo "processes_1000_vs_ps $(echo "$line" | cut -d' ' -f4)" >>"$results"
  echo "processes_1000_first_vs_ps $(echo "$line" | cut -d' ' -f5)" >>"$results"
fi
if needs detect_service_death_ms; then
  say "${FAULTS:-300} services killed on a host: ms until the collector has the finding, at p99"
  tests/bench/service_death.sh build/release "${FAULTS:-300}" "$work/death"
  echo "detect_service_death_ms $(of_faults "$work/death")" >>"$results"
fi
if needs false_alarms_per_day; then
  say "benign events, ${BENIGN_TIMES:-20} times each, as a day: incidents and notifications that no fault justifies"
  tests/bench/false_alarms.sh build/release "${BENIGN_TIMES:-20}" "$work/alarms"
  echo "false_alarms_per_day $(cat "$work/alarms")" >>"$results"
fi
if needs agent_busy_rss_mb agent_busy_cpu_s_per_min; then
  say "agents for ${AGENT_SECONDS:-300} s on a host with 20,000 sockets and 500 processes"
  unshare --net --mount --pid --fork --kill-child --mount-proc \
    tests/bench/agent_busy.sh "$bin" "$work/busy" "${AGENT_SECONDS:-300}" >"$work/rounds"
  echo "agent_busy_rss_mb $(cut -d' ' -f1 "$work/rounds")" >>"$results"
  echo "agent_busy_cpu_s_per_min $(cut -d' ' -f2 "$work/rounds")" >>"$results"
fi
for name in $wanted; do grep "^$name " "$results"; done
