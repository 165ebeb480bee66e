#!/bin/bash
# Files that are damaged, foreign, oversized or of another time, under the real programs: each is named
# with what is wrong, nothing of it is changed, and the program goes on or stops with exit code 1.
#
# bad_input.sh BUILD_FOLDER RESULTS.xml      in a network of its own: unshare --net
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin BadInput "${2:?results}"
bin=$build/bin
work=$(mktemp -d /tmp/tocsin-e2e-XXXXXX)
running=()
end_all() {
  local pid
  for pid in "${running[@]}"; do kill "$pid" 2>/dev/null; done
  for pid in "${running[@]}"; do wait "$pid" 2>/dev/null; done
  running=()
}
clean_up() {
  local status=$?
  end_all
  [ "$cases_failed" = 0 ] || tail -n 30 "$work"/log/* 2>/dev/null
  rm -rf "$work"
  [ -n "$cases_ended" ] || cases_write
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM
mkdir "$work/log"
site=$work/site
data=$site/data
agent=$work/agent

collector=("$bin/tocsin-collector" run --config "$site/collector.toml")
observer=("$bin/tocsin-agent" observer --config "$work/agent.toml")
link=("$bin/tocsin-agent-link" link --config "$work/agent.toml")
ctl() { "$bin/tocsinctl" --contexts "$site/contexts.toml" "$@"; }
# "begin NAME COMMAND…": in the background, its output in log/NAME.
begin() {
  : >"$work/log/$1"
  "${@:2}" >"$work/log/$1" 2>&1 </dev/null &
  running+=($!)
}
begin_collector() { begin collector "${collector[@]}"; }
begin_observer() { begin observer "${observer[@]}"; }
begin_link() { begin link "${link[@]}"; }
answers() { ctl status -o json >"$work/status" 2>/dev/null; }
heard() { answers && [ "$(jq .agentsHeard "$work/status")" = 1 ]; }
logged() { grep -q -- "$2" "$work/log/$1"; }
# "stays SECONDS COMMAND…": it succeeds all the time.
stays() {
  local end=$((SECONDS + $1))
  shift
  while [ "$SECONDS" -lt "$end" ]; do "$@" || return 1; done
}
both_live() { kill -0 "${running[-1]}" && kill -0 "${running[-2]}" && heard; }
lives() { kill -0 "${running[-1]}" 2>/dev/null; }

# "refused CODE FILE WORDS COMMAND…": ends by itself with this exit code, says of FILE, in one line and
# after its name, WORDS (a pattern), and leaves FILE as it is.
refused() {
  local code=$1 file=$2 words=$3 before after status
  shift 3
  before=$(sha256sum "$file" 2>/dev/null)
  timeout 30 "${@}" >"$work/said" 2>&1 </dev/null
  status=$?
  after=$(sha256sum "$file" 2>/dev/null)
  if [ "$status" = "$code" ] && [ "$before" = "$after" ] &&
    grep -F -- "$file" "$work/said" | grep -qE -- "${file//./\\.}.*($words)"; then
    return
  fi
  echo "exit code $status; it said:"
  head -c 1000 "$work/said"
  return 1
}
# What the reader of TOML says of bytes at random: where, and what.
no_toml=':[0-9]+:[0-9]+: (Encountered|Error while parsing) '

garbage() { head -c "${2:-5000}" /dev/urandom >"$1"; }
half() { truncate -s $(($(stat -c %s "$1") / 2)) "$1"; }
ten_megabytes() { yes '# a comment that goes on and on' | head -c 10000000 >"$1"; }
newer() { /usr/bin/python3 -c 'import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version = 99").connection.commit()' "$1"; }
# Everything as it was when it was good.
keep() { rm -rf "$work/good" && mkdir "$work/good" && cp -a "$site" "$agent" "$work/agent.toml" "$work/good"; }
put_back() { rm -rf "$site" "$agent" && cp -a "$work/good/." "$work"; }

# ---- a good site and a good agent first

"$bin/tocsin-collector" init --dir "$site" --site BAD --dns localhost --ip 127.0.0.1 \
  --listen-agents 127.0.0.1:8444 --listen-enroll 127.0.0.1:8445 --listen-operators 127.0.0.1:8443 \
  >"$work/log/init" || exit 1
# Whoever asks has a copy of the authority of their own.
cp "$site/ca.pem" "$work/ca.pem"
sed -i "s|$site/ca.pem|$work/ca.pem|" "$site/contexts.toml"
mkdir -m 700 "$agent"
printf '[agent]\nhost_name = "web1"\ndirectory = "%s"\n[collector]\naddresses = ["127.0.0.1:8444"]\n' \
  "$agent" >"$work/agent.toml"
begin_collector
check "A good site runs" within 20 answers || exit 1
"$bin/tocsin-collector" token create --config "$site/collector.toml" --host web1 \
  --output "$work/token" 2>/dev/null
check "A good agent enrols" "$bin/tocsin-agent" enroll --config "$work/agent.toml" \
  --token-file "$work/token" || exit 1
begin_observer
begin_link
check "and is heard" within 20 heard || exit 1
end_all
keep

# ---- the collector's configuration, keys and certificates

garbage "$site/collector.toml"
check "Its configuration is garbage" refused 1 "$site/collector.toml" "$no_toml" "${collector[@]}"
put_back
ten_megabytes "$site/collector.toml"
check "Its configuration is 10 MB" refused 1 "$site/collector.toml" 'larger than [0-9]+ bytes' "${collector[@]}"
put_back
printf 'listen_agents = "127.0.0.1:8444\n' >>"$site/collector.toml"
check "Its configuration is cut in a line" refused 1 "$site/collector.toml" ':[0-9]+:' "${collector[@]}"
put_back
for file in collector.pem collector.key ca.pem ca.key; do
  case $file in
    *.pem) none='certificates: there is none' cut='certificates: the last one has no end' ;;
    *.key) none='private key: no PEM block' cut='private key: damaged, or with a passphrase' ;;
  esac
  garbage "$site/$file"
  check "$file is garbage" refused 1 "$site/$file" "$none" "${collector[@]}"
  put_back
  half "$site/$file"
  check "$file is cut" refused 1 "$site/$file" "$cut" "${collector[@]}"
  put_back
  : >"$site/$file"
  check "$file is empty" refused 1 "$site/$file" "$none" "${collector[@]}"
  put_back
done
ten_megabytes "$site/collector.pem"
check "collector.pem is 10 MB" refused 1 "$site/collector.pem" 'larger than [0-9]+ bytes' "${collector[@]}"
put_back
cp "$site/operators/admin.key" "$site/collector.key"
check "collector.key is another's" refused 1 "$site/collector.key" 'not the key of' "${collector[@]}"
put_back

# The same while it runs: what was good before is served until it is good again.
warned() { answers && jq -e --arg code "$1" 'any(.warnings[]?; .code == $code)' "$work/status" >/dev/null; }
not_warned() { answers && ! warned "$1"; }
begin_collector
check "A collector runs" within 20 answers
for file in collector.pem collector.key ca.pem; do
  : >"$site/$file"
  check "$file is emptied under it, which it says" within 10 warned collector.certificate_not_taken
  check "and it serves what was good" lives
done
check "and goes on to" stays 7 answers # gRPC looks again every five seconds
for file in collector.pem collector.key ca.pem; do cp -a "$work/good/site/$file" "$site/$file"; done
check "and all is well when they are back" within 10 not_warned collector.certificate_not_taken
check "with the same process" lives
end_all

# ---- its journal and state

journal=$data/journal/journal-000001.db
garbage "$journal"
check "The journal's file is garbage" refused 1 "$journal" 'not a database' "${collector[@]}"
put_back
half "$journal"
check "The journal's file is cut" refused 1 "$journal" 'malformed|damaged|missing|disk' "${collector[@]}"
put_back
: >"$journal"
check "The journal's file is empty" refused 1 "$journal" 'not a segment' "${collector[@]}"
put_back
newer "$journal"
check "The journal is of a newer version" refused 1 "$journal" 'newer version' "${collector[@]}"
put_back
garbage "$data/state.db"
rm -f "$data"/state.db-*
check "state.db is garbage" refused 1 "$data/state.db" 'not a database' "${collector[@]}"
put_back
half "$data/state.db"
check "state.db is cut" refused 1 "$data/state.db" 'malformed|damaged|check|disk' "${collector[@]}"
put_back
newer "$data/state.db"
check "state.db is of a newer version" refused 1 "$data/state.db" 'newer version' "${collector[@]}"
put_back

# What was accepted and is in its write-ahead log only: the journal alone could not know.
begin_collector
check "A collector is killed" within 20 answers
kill -9 "${running[-1]}" && wait "${running[-1]}" 2>/dev/null
running=()
garbage "$journal-wal"
check "A journal that lost its end is refused, with what to do" \
  refused 1 "$data" 'journal ends before it' "${collector[@]}"
put_back

# Put back from copies of different times.
cp -a "$data" "$work/older"
begin_collector
check "A day goes by" within 20 answers
end_all
cp -a "$data" "$work/newer"
rm -r "$data/journal" && cp -a "$work/older/journal" "$data"
check "A journal that is older than state.db is refused, with what to do" \
  refused 1 "$data" 'state.db was judged to entry .*older copy.*move state.db away' "${collector[@]}"
rm "$data"/state.db*
begin_collector
check "As it said: the state is made again from the journal" within 20 answers
end_all
rm -r "$data" && cp -a "$work/newer" "$data"
rm "$data"/state.db* && cp -a "$work/older"/state.db* "$data"
begin_collector
check "An older state.db judges what came since" within 20 answers
same_head() { ctl audit verify -o json | jq -e .intact >/dev/null; }
check "and the journal is whole" same_head
end_all
put_back

# ---- the policy, while a good one is in force

garbage "$site/site.toml"
begin_collector
check "With garbage for a policy it goes on with the one before" within 20 answers
policy_is_told() { answers && jq -e 'any(.warnings[]; .code == "collector.policy_not_taken")' "$work/status" >/dev/null; }
check "and says so" policy_is_told
end_all
put_back

# ---- bytes that are no message

send_garbage() {
  local port
  for port in 8443 8444 8445; do
    timeout 5 bash -c 'head -c 100000 /dev/urandom >"/dev/tcp/127.0.0.1/$1"' sh "$port" 2>/dev/null
    timeout 5 bash -c 'printf "\x16\x03\x01\xff\xff" >"/dev/tcp/127.0.0.1/$1"' sh "$port"
    timeout 5 bash -c 'printf "GET / HTTP/1.1\r\n\r\n" >"/dev/tcp/127.0.0.1/$1"' sh "$port"
  done
  true
}
begin_collector
check "The collector listens" within 20 answers
send_garbage
check "Garbage at every door changes nothing" answers
check "and ends nothing" lives
end_all

# ---- the agent's configuration and certificates

bad_agent_files() {
  local half=$1
  shift
  garbage "$work/agent.toml"
  check "The $half's configuration is garbage" refused 1 "$work/agent.toml" "$no_toml" "$@"
  put_back
  ten_megabytes "$work/agent.toml"
  check "The $half's configuration is 10 MB" refused 1 "$work/agent.toml" 'larger than [0-9]+ bytes' "$@"
  put_back
  printf '\n[agent\n' >>"$work/agent.toml"
  check "The $half's configuration is cut" refused 1 "$work/agent.toml" ':[0-9]+:' "$@"
  put_back
  newer "$agent/spool.db"
  check "A spool of a newer version is refused by the $half" \
    refused 1 "$agent/spool.db" 'newer version' "$@"
  put_back
}
bad_agent_files observer "${observer[@]}"
bad_agent_files link "${link[@]}"
begin_collector
check "The collector listens again" within 20 answers
good=("${running[@]}")
for file in agent.pem agent.key ca.pem; do
  garbage "$agent/$file"
  begin_link
  check "With garbage for $file the link says so" within 20 logged link "$agent/$file"
  check "and goes on" lives
  cp -a "$work/good/agent/$file" "$agent/$file"
  check "until it is good again" within 70 logged link link.connected
  kill "${running[-1]}" && wait "${running[-1]}" 2>/dev/null
  running=("${good[@]}")
done
end_all

begin_collector
check "The collector runs for a host with a damaged baseline" within 20 answers
garbage "$agent/baseline"
garbage "$agent/curves"
printf '\n[[checks]]\nkind = "metrics"\ninterval = "1s"\ndeadline = "1s"\n' >>"$work/agent.toml"
begin_observer
begin_link
check "The link says that the baseline is none" within 20 logged link baseline_unreadable
check "and is heard" within 20 heard
check "The observer says that it begins its curves anew" within 20 logged observer curves_begun_anew
check "Both go on" stays 2 both_live
end_all
put_back

# ---- its spool

spool=$agent/spool.db
aside() { compgen -G "$spool.damaged-*" >/dev/null; }
spool_is_good() { "$bin/tocsin-agent" status --config "$work/agent.toml" | grep -q '^spool [0-9]* facts'; }
damaged_spool() {
  begin_observer
  check "$1: it is set aside" within 20 aside
  check "$1: and said" within 10 logged observer spool.damaged
  check "$1: and a new one is begun" within 10 spool_is_good
  check "$1: and the observer goes on" lives
  end_all
  put_back
}
garbage "$spool"
rm -f "$spool"-*
damaged_spool "A spool that is garbage"
rm -f "$spool"-*
half "$spool"
damaged_spool "A spool that is cut"

# ---- what people hand in

garbage "$work/paper"
check "A diagnosis to verify is garbage" refused 1 "$work/paper" 'no signed document' "$bin/tocsinctl" \
  --contexts "$site/contexts.toml" diagnose verify "$work/paper"
check "A policy to check is garbage" refused 1 "$work/paper" "$no_toml" "$bin/tocsin-collector" policy check "$work/paper"
enrol_with=("$bin/tocsin-agent" enroll --config "$work/agent.toml" --again --token-file)
check "A token's file is open to others" refused 1 "$work/paper" 'mode is 0644.*chmod 600' "${enrol_with[@]}" "$work/paper"
chmod 600 "$work/paper"
check "A token's file is garbage" refused 1 "$work/paper" 'no token: one line is expected' "${enrol_with[@]}" "$work/paper"
garbage "$site/contexts.toml"
check "tocsinctl's own file is garbage" refused 2 "$site/contexts.toml" "$no_toml" "$bin/tocsinctl" \
  --contexts "$site/contexts.toml" status
cases_end
