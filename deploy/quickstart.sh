#!/bin/bash
# A throw-away Tocsin on this machine, in a few minutes: builds it, makes a site with its own
# authority, runs a collector and enrols this host, provokes one harmless fault, and shows what the
# duty desk would see. Needs Debian 12; root only to install packages and to see every process.
#
#   deploy/quickstart.sh             then look around; Ctrl-C stops everything
#   deploy/quickstart.sh --check     the same without waiting; fails when anything is missing
#   --dir FOLDER                     instead of .quickstart in the tree; made anew each time
#
# It leaves nothing outside that folder and build/ but the packages that it lists.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=lib.sh
. deploy/lib.sh

check=
dir=$PWD/.quickstart
while [ $# -gt 0 ]; do
  case $1 in
    --check) check=yes; shift ;;
    --dir) dir=$(realpath -m "${2:?}"); shift 2 ;;
    -h | --help) sed -n '2,/^set -/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "deploy/quickstart.sh: unknown argument $1" >&2; exit 2 ;;
  esac
done

case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
  zh*) language=zh-TW ;;
  *) language=en ;;
esac

# tell ZH EN: in the reader's language.
tell() {
  if [ "$language" = zh-TW ]; then printf '%s\n' "$1"; else printf '%s\n' "$2"; fi
}
title() {
  printf '\n== '
  tell "$@"
}
give_up() {
  tell "失敗：$1" "Failed: $2" >&2
  for log in "$dir"/log/*; do
    [ -s "$log" ] || continue
    echo "---- $log" >&2
    tail -n 15 "$log" >&2
  done
  exit 1
}

# within SECONDS COMMAND…: again and again until it succeeds; fails when the time is over.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# ---- what runs, and how it ends

declare -A running=()

# start NAME COMMAND…: in the background, its output in log/NAME.
start() {
  local name=$1
  shift
  "$@" >"$dir/log/$name" 2>&1 </dev/null &
  running[$name]=$!
}
is_running() { kill -0 "${running[$1]}" 2>/dev/null; }
stop() {
  local pid=${running[$1]:-}
  [ -n "$pid" ] || return 0
  kill "$pid" 2>/dev/null || true
  within 10 eval "! kill -0 $pid 2>/dev/null" || kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  unset "running[$1]"
}
stop_all() {
  local name
  for name in fault link observer collector mailbox; do stop "$name"; done
}
trap 'stop_all' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- ports of loopback

listens() { grep -qiE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") [0-9A-F]+:0000 0A" /proc/net/tcp /proc/net/tcp6; }
is_used() { grep -qiE "^ *[0-9]+: [0-9A-F]+:$(printf '%04X' "$1") " /proc/net/tcp /proc/net/tcp6; }
# Five free ones in a row, below those that the system gives to clients.
free_ports() {
  local first port used
  for _ in $(seq 100); do
    first=$((20000 + RANDOM % 12000))
    used=
    for port in $(seq "$first" $((first + 4))); do is_used "$port" && used=yes; done
    [ -n "$used" ] || { echo "$first"; return; }
  done
  return 1
}

# ---- the parts

build_programs() {
  title "建置（首次約需數分鐘）" "Building (a few minutes the first time)"
  need_packages build quickstart
  local arguments=()
  # The tests' libraries are not needed here.
  [ -z "$(missing_packages test)" ] || arguments=(-DTOCSIN_TESTS=OFF -DTOCSIN_BENCH=OFF)
  configure release "${arguments[@]}"
  build release tocsin-collector tocsin-agent tocsinctl
  PATH=$PWD/build/release/bin:$PATH
}

make_folder() {
  if [ -e "$dir" ]; then
    [ -e "$dir/made-by-quickstart" ] ||
      give_up "$dir 已存在，且不是由本程式建立" "$dir exists and was not made by this script"
    local other
    other=$(cat "$dir/made-by-quickstart")
    [ -z "$other" ] || ! kill -0 "$other" 2>/dev/null ||
      give_up "另一個示範正在執行（行程 $other）" "another quickstart runs there (process $other)"
    rm -rf "$dir"
  fi
  mkdir -m 700 "$dir"
  mkdir "$dir/log"
  echo $$ >"$dir/made-by-quickstart"
}

start_mailbox() {
  start mailbox /usr/bin/python3 -m aiosmtpd -n -l "127.0.0.1:$mail_port" \
    -c aiosmtpd.handlers.Mailbox "$dir/mailbox"
  within 20 listens "$mail_port" || give_up "郵件伺服器未啟動" "the mail server did not start"
}

make_site() {
  tocsin-collector init --dir "$dir/site" --site QUICKSTART --dns localhost --ip 127.0.0.1 \
    --listen-agents "127.0.0.1:$first_port" --listen-enroll "127.0.0.1:$((first_port + 1))" \
    --listen-operators "127.0.0.1:$((first_port + 2))" >"$dir/log/init"
  cat >"$dir/agent.toml" <<TOML
[agent]
directory = "$dir/agent"

[collector]
addresses = ["127.0.0.1:$first_port"]
server_name = "localhost"
TOML
  mkdir -m 700 "$dir/agent"
  {
    cat <<TOML
# The policy of the quickstart: what listens on this host now is normal.
[site]
name = "QUICKSTART"

[grading]
stable = "20s"

TOML
    tocsin-agent baseline propose --name this-host
    cat <<TOML

[[baselines.listeners]]
protocol = "tcp"
addresses = ["loopback"]
port = $first_port
port_to = $((first_port + 3))
reason = "the quickstart itself"

[[hosts]]
host = "*"
baseline = "this-host"

[[hosts.checks]]
kind = "sockets"
interval = "5s"

[[channels]]
name = "mail"
kind = "email"
url = "smtp://127.0.0.1:$mail_port"
from = "tocsin@quickstart.example"
require_tls = false

[[contacts]]
name = "duty desk"
role = "duty"
channel = "mail"
address = "duty@quickstart.example"
language = "$language"
TOML
  } >"$dir/site/site.toml"
  tocsin-collector policy check "$dir/site/site.toml"
}

ctl() { tocsinctl --contexts "$dir/site/contexts.toml" "$@"; }
collector_answers() { is_running collector && ctl status >/dev/null 2>&1; }

start_collector() {
  start collector tocsin-collector run --config "$dir/site/collector.toml"
  within 20 collector_answers || give_up "收集器未啟動" "the collector did not start"
}

agent_is_heard() { [ "$(ctl status -o json | jq .agentsHeard)" -ge 1 ]; }

start_agent() {
  tocsin-collector token create --config "$dir/site/collector.toml" --output "$dir/token" \
    2>"$dir/log/token"
  tocsin-agent enroll --collector "127.0.0.1:$((first_port + 1))" --server-name localhost \
    --dir "$dir/agent" --token-file "$dir/token" >"$dir/log/enroll"
  start observer tocsin-agent observer --config "$dir/agent.toml"
  start link tocsin-agent link --config "$dir/agent.toml"
  within 30 agent_is_heard || give_up "收集器沒有收到代理程式的回報" "the collector did not hear the agent"
}

# The open incident with a finding about the port of the fault: its number, or its id before it has one.
incident_of_fault() {
  local id
  for id in $(ctl incidents --open -o json | jq -r '.incidents[].id'); do
    ctl incidents show "$id" -o json | jq -r --arg port "$fault_port" \
      'select(.findings | tostring | contains($port)) | .incident |
       if .number == "" then .id else .number end'
  done | head -n 1
}
incident_is_there() { incident=$(incident_of_fault) && [ -n "$incident" ]; }

provoke_fault() {
  start fault /usr/bin/python3 -m http.server --bind 127.0.0.1 --directory "$dir/log" "$fault_port"
  within 20 listens "$fault_port" || give_up "未能模擬異常" "the fault could not be provoked"
}

# shows_fault FILE: what a person was shown names the port of the fault.
shows_fault() { grep -qw -- "$fault_port" "$1"; }

# The mail as a person reads it: that names the port or, where something else was found first, that is
# about the same incident.
mail_of_incident() {
  deploy/mailbox.py "$dir/mailbox" "$fault_port" >"$dir/log/mail" ||
    deploy/mailbox.py "$dir/mailbox" "tocsinctl incidents show $incident" >"$dir/log/mail"
}

# ---- the story

build_programs
make_folder
first_port=$(free_ports) || give_up "找不到可用的埠" "no free ports"
mail_port=$((first_port + 3))
fault_port=$((first_port + 4))

title "建立一個示範站台：憑證授權、收集器、郵件伺服器、代理程式" \
  "A site to throw away: authority, collector, mail server, agent"
start_mailbox
make_site
start_collector
start_agent
tell "都在執行中。" "All of it runs."

title "製造一個無害的異常：有程式開始監聽 127.0.0.1:$fault_port" \
  "One harmless fault: something begins to listen on 127.0.0.1:$fault_port"
provoke_fault
incident=
within 60 incident_is_there || give_up "沒有產生事件" "there is no incident"
tell "產生事件 $incident。" "It became incident $incident."

title "這台主機自己的診斷（tocsin-agent diagnose，不需要收集器）" \
  "What the host says itself (tocsin-agent diagnose; needs no collector)"
tocsin-agent diagnose --config "$dir/agent.toml" --policy "$dir/site/site.toml" --lang "$language" \
  >"$dir/log/diagnosis" || give_up "診斷失敗" "the diagnosis failed"
cat "$dir/log/diagnosis"
shows_fault "$dir/log/diagnosis" ||
  give_up "診斷沒有指出埠 $fault_port" "the diagnosis does not name port $fault_port"

title "事件與判定理由（tocsinctl incidents show $incident）" \
  "The incident and why (tocsinctl incidents show $incident)"
ctl --lang "$language" incidents show "$incident" || give_up "無法顯示事件" "the incident cannot be shown"
ctl incidents show "$incident" >"$dir/log/incident"
shows_fault "$dir/log/incident" ||
  give_up "事件沒有指出埠 $fault_port" "the incident does not name port $fault_port"

title "值班人員收到的郵件" "The mail on the duty desk"
within 30 mail_of_incident || give_up "沒有收到郵件" "there is no mail"
cat "$dir/log/mail"

title "整體狀態（tocsinctl status）" "How things stand (tocsinctl status)"
ctl --lang "$language" status

if [ -n "$check" ]; then
  stop_all
  title "檢查通過。" "All of it is there."
  exit 0
fi

title "接下來" "How to go on"
tell "PATH=$PWD/build/release/bin:\$PATH
alias tq='tocsinctl --contexts $dir/site/contexts.toml'
tq                            現況
tq ack $incident              接手事件
tq incidents show $incident   事件與歷程
停止異常：kill ${running[fault]}   二十秒後事件復原，並另寄一封郵件
郵件在 $dir/mailbox/new；紀錄在 $dir/log
按 Ctrl-C 停止；刪除 $dir 即不留痕跡。" \
  "PATH=$PWD/build/release/bin:\$PATH
alias tq='tocsinctl --contexts $dir/site/contexts.toml'
tq                            how things stand
tq ack $incident              take the incident
tq incidents show $incident   what happened, and why
End the fault: kill ${running[fault]}   twenty seconds later it has recovered, and another mail comes
Mails are in $dir/mailbox/new, logs in $dir/log.
Ctrl-C stops everything; remove $dir and nothing is left."
while is_running collector; do sleep 1; done
give_up "收集器已停止" "the collector has ended"
