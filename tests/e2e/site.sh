# shellcheck shell=bash
# Sourced by end-to-end stories: a site in a lab of test hosts. The collector and a mail server run in
# the lab's own network (10.77.0.1); hosts run the agent by its units. Uses cases.sh.
#
# What is asked of the collector is answered with yes (0), no (1), or by nobody (2): a story that says
# `not found_here` must not pass because the collector is down.

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

# ---- a site, and who works there

# make_site NAME OPTION…: the collector's folder, made with more options of init; what stands on
# standard input is its policy, after its name.
make_site() {
  "$bin/tocsin-collector" init --dir "$work/site" --site "$1" --dns collector --ip 10.77.0.1 \
    --listen-agents 10.77.0.1:8444 --listen-enroll 10.77.0.1:8445 --listen-operators 10.77.0.1:8443 \
    "${@:2}" >"$work/log/init" || return 1
  { printf '[site]\nname = "%s"\n\n' "$1" && cat; } >"$work/site/site.toml"
}
# mail_to_duty: of the policy, mail to the duty desk, which start_mailbox takes.
mail_to_duty() {
  cat <<'TOML'

[[channels]]
name = "mail"
kind = "email"
url = "smtp://127.0.0.1:2525"
from = "tocsin@site.example"
require_tls = false

[[contacts]]
name = "duty desk"
role = "duty"
channel = "mail"
address = "duty@site.example"
language = "en"
TOML
}
# add_person NAME ROLE / as NAME WORDS…: tocsinctl with a certificate of that person's own.
add_person() {
  "$bin/tocsin-collector" operator add "$1" --role "$2" --config "$work/site/collector.toml" \
    >>"$work/log/init"
}
as() {
  local who=$1
  shift
  ctl --cert "$work/site/operators/$who.pem" --key "$work/site/operators/$who.key" "$@"
}

# ---- what is asked of the collector

# ask WORDS… -- JQ…: what jq makes of tocsinctl's answer.
ask() {
  local words=() answer
  while [ "$1" != -- ]; do
    words+=("$1")
    shift
  done
  shift
  answer=$(ctl "${words[@]}" -o json 2>>"$work/log/ctl") && [ -n "$answer" ] || return 2
  jq -r "$@" <<<"$answer" 2>>"$work/log/ctl" || return 2
}
# holds WORDS… -- JQ…: is it so? What jq makes of the answer must be true or false.
holds() {
  local truth
  truth=$(ask "$@") || return 2
  is_true "$truth"
}
is_true() {
  case $1 in
    true) return 0 ;;
    false) return 1 ;;
  esac
  echo "neither true nor false: $1" >>"$work/log/ctl"
  return 2
}
# not COMMAND…: it is not so, and that was answered.
not() {
  "$@"
  [ $? = 1 ]
}
# refused WORDS COMMAND…: it fails, and says these words.
refused() {
  local words=$1 said
  shift
  said=$("$@" 2>&1) && return 1
  printf '%s\n' "$said" >>"$work/log/refused"
  grep -q -- "$words" <<<"$said"
}
# declined CODE COMMAND…: the collector answers no, with this code.
declined() {
  local code=$1 said
  shift
  said=$("$@" -o json 2>>"$work/log/ctl") && return 1
  jq -e --arg code "$code" '.result.detail.code == $code' <<<"$said" >/dev/null
}
# proposed HOST|GROUP: the baseline of such a scope that waits for somebody's approval.
proposed() {
  ask baseline review -- --arg kind "KIND_$1" \
    '[.baselines[].baseline | select(.scope.kind == $kind and .status == "STATUS_PROPOSED")][0].id'
}

heard() { holds status -- --argjson count "$1" '.agentsHeard == $count'; }
# has_incident CODE: open or not, with this title.
has_incident() { holds incidents -- --arg code "$1" 'any(.incidents[]; .title.code == $code)'; }
# gives_reason HOST CODE WORDS…: a verdict that holds for one of the host's checks gives this reason, and
# its parameters have these words in them.
gives_reason() {
  local host=$1 code=$2
  shift 2
  holds hosts "$host" -- --arg code "$code" 'any(.hosts[0].checks[].reasons[];
    .code == $code and ([.parameters[].value] as $said |
      all($ARGS.positional[]; . as $words | any($said[]; contains($words)))))' --args "$@"
}
# findings_of HOST: what was ever found there, open or closed, a line of JSON for each.
findings_of() {
  local ids id
  ids=$(ask incidents -- --arg host "$1" '.incidents[] | select(.hostName == $host) | .id') || return 2
  for id in $ids; do ask incidents show "$id" -- -c '.findings[]' || return 2; done
}
# found HOST JQ…: is it so of all of them together?
found() {
  local host=$1 all
  shift
  all=$(findings_of "$host") || return 2
  is_true "$(jq -s "$@" <<<"$all" 2>>"$work/log/ctl")"
}

# What the collector has of a host, and what the host's spool says it gave.
facts_of() { ask hosts "$1" -- '.hosts[0].facts'; }
lost_of() { ask hosts "$1" -- '.hosts[0].factsLost'; }
given_by() { hosts exec "$1" tocsin-agent status | sed -n 's/^last //p'; }
# Each fact that the host numbered is counted once by the collector: none is missing, none is doubled.
counts_each_fact() {
  local facts
  facts=$(facts_of "$1") && [ "$facts" -ge 1 ] && [ "$facts" = "$(given_by "$1")" ]
}

# ---- the collector: kept running as a service manager would, until `keep` is removed

collector_environment=()
keep_collector() {
  while [ -e "$work/keep" ]; do
    "${lan[@]}" env "${collector_environment[@]}" "$bin/tocsin-collector" run --config "$work/site/collector.toml" \
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
collector_answers() { ask status -- .agentsHeard >/dev/null; }

start_mailbox() {
  "${lan[@]}" /usr/bin/python3 -m aiosmtpd -n -l 127.0.0.1:2525 \
    -c aiosmtpd.handlers.Mailbox "$work/mailbox" >"$work/log/mailbox" 2>&1 </dev/null &
  mailbox=$!
}
mailbox_answers() {
  "${lan[@]}" timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/2525 && read -r line <&3 && [[ $line == 220* ]]' \
    2>>"$work/log/mailbox"
}
# has_mail TEXT / no_mail: none is known only where one would have been taken.
has_mail() { deploy/mailbox.py "$work/mailbox" "$1" >/dev/null; }
no_mail() {
  mailbox_answers || return 2
  [ "$(find "$work/mailbox" -type f -path '*/new/*' | wc -l)" = 0 ]
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

# begin_lab HOST…: boots them at 10.77.0.11, 10.77.0.12 and so on; they are `agents`.
begin_lab() {
  hosts rootfs >/dev/null || return 1
  hosts lan || return 1
  agents=("$@")
  local i booting=()
  for i in "${!agents[@]}"; do
    hosts up "${agents[i]}" "10.77.0.$((11 + i))" &
    booting+=($!)
  done
  wait "${booting[@]}"
  check "Up: $*" hosts wait "$@"
}
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
