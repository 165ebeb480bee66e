# shellcheck shell=bash
# Sourced by tests/support/hosts: what can happen to a host. For the fault `cut` there are two
# functions, do_cut and undo_cut, with the same arguments; what they must remember lies in the
# host's folder of the lab, and end_faults ends what of it runs outside the host.
# shellcheck disable=SC2154,SC2016  # $here, $prefix and $labs are the script's; '$1' is inner shells'.

is_fault() { [[ $1 =~ ^[a-z]+$ ]] && declare -F "do_$1" >/dev/null; }
fault() {
  local verb=$1
  shift
  [ -d "$here/${1:?name}" ] || die "$1 is not up"
  "do_$verb" "$@"
}
undo() {
  local verb=${1:?verb}
  shift
  is_fault "$verb" || die "undo: '$verb' is no fault"
  [ -d "$here/${1:?name}" ] || die "$1 is not up"
  "undo_$verb" "$@"
}
end_faults() {
  end_noted "$here/$1/cable.pid"
  ip netns del "$prefix-$1-cable" 2>/dev/null || true
  end_audit "$1"
}

# ---- the network

# The network namespace that has the other end of the host's cable.
cable_space() {
  [ -e "/run/netns/$prefix-$1-cable" ] && echo "$prefix-$1-cable" || echo "$prefix"
}
do_cut() { ip -n "$(cable_space "$1")" link set "v-$1" down; }
undo_cut() { ip -n "$(cable_space "$1")" link set "v-$1" up; }

# The port of the bridge where the host's packets come in.
bridge_port() {
  [ "$(cable_space "$1")" = "$prefix" ] && echo "v-$1" || echo "t-$1"
}
do_part() {
  local one=$1 two=${2:?second name}
  nsenter --net="/run/netns/$prefix" nft -f - <<NFT
table bridge part_${one}_$two {
  chain between {
    type filter hook forward priority 0
    iifname { "v-$one", "t-$one" } oifname { "v-$two", "t-$two" } drop
    iifname { "v-$two", "t-$two" } oifname { "v-$one", "t-$one" } drop
  }
}
NFT
}
undo_part() {
  nsenter --net="/run/netns/$prefix" nft delete table bridge "part_${1}_${2:?second name}"
}

# The host's end of the bridge moves into a namespace of its own, where a program passes the frames
# on: kernels without netem can be slow too.
do_slow() {
  local name=$1 delay=${2:?milliseconds} loss=${3:-0} space=$prefix-$1-cable
  [[ $delay$loss =~ ^[0-9]+$ ]] || die "slow: milliseconds and permille are numbers"
  [ ! -e "/run/netns/$space" ] || undo_slow "$name"
  ip netns add "$space"
  ip -n "$prefix" link set "v-$name" nomaster netns "$space"
  ip link add "s-$name" netns "$space" type veth peer name "t-$name" netns "$prefix"
  ip -n "$space" link set "v-$name" up
  ip -n "$space" link set "s-$name" up
  ip -n "$prefix" link set "t-$name" master bridge0 up
  : >"$here/$name/cable.log"
  nsenter --net="/run/netns/$space" setsid /usr/bin/python3 "$(dirname "$(realpath "$0")")/slow_cable.py" \
    "v-$name" "s-$name" "$delay" "$loss" >"$here/$name/cable.log" 2>&1 </dev/null &
  echo $! >"$here/$name/cable.pid"
  within 5 grep -q ready "$here/$name/cable.log" || die "slow: $(cat "$here/$name/cable.log")"
}
undo_slow() {
  local name=$1 space=$prefix-$1-cable
  end_noted "$here/$name/cable.pid"
  ip -n "$space" link set "v-$name" netns "$prefix"
  ip -n "$prefix" link set "v-$name" master bridge0 up
  ip -n "$prefix" link del "t-$name"
  ip netns del "$space"
}

block_table() { echo "block_${1//\//_}"; }
do_block() {
  local match
  case ${2:?what} in
    icmp) match='meta l4proto { icmp, ipv6-icmp }' ;;
    tcp/* | udp/*) match="${2%/*} dport ${2#*/}" ;;
    *) die "block: icmp, tcp/PORT or udp/PORT" ;;
  esac
  inside "$1" nft -f - <<NFT
table inet $(block_table "$2") {
  chain heard {
    type filter hook input priority 0
    iifname "eth0" $match drop
  }
}
NFT
}
undo_block() { inside "$1" nft delete table inet "$(block_table "${2:?what}")"; }

# ---- services and processes

do_kill() { inside "$1" systemctl kill --kill-who=main -s KILL "${2:?unit}"; }
undo_kill() {
  inside "$1" systemctl reset-failed "${2:?unit}" || true
  inside "$1" systemctl start "$2"
}
do_quit() { inside "$1" systemctl stop "${2:?unit}"; }
undo_quit() { inside "$1" systemctl start "${2:?unit}"; }
do_hang() { inside "$1" systemctl kill -s STOP "${2:?unit}"; }
undo_hang() { inside "$1" systemctl kill -s CONT "${2:?unit}"; }

do_listen() {
  local port=${2:?port} program=/usr/bin/socat
  if [ -n "${3:-}" ]; then
    program=/usr/local/bin/$3
    inside "$1" cp /usr/bin/socat "$program"
  fi
  inside "$1" systemd-run -q --collect --unit "fault-$port" \
    "$program" "TCP-LISTEN:$port,fork,reuseaddr" /dev/null
}
undo_listen() {
  inside "$1" systemctl stop "fault-${2:?port}"
  [ -z "${3:-}" ] || inside "$1" rm "/usr/local/bin/$3"
}

# A line break, colours, a text that runs from right to left, a byte that is no UTF-8, and what looks
# like the fields of /proc/PID/stat.
odd_words=$'a) R 1\n\e[31m\xe2\x80\xaefdp.\xff'
do_odd() {
  local words=${2:-$odd_words}
  inside "$1" mkdir -p /var/tmp/odd
  inside "$1" cp /usr/bin/sleep "/var/tmp/odd/$words"
  printf '#!/bin/bash\nexec -a %q %q 3600\n' "$words" "/var/tmp/odd/$words" \
    >"/proc/$(cat "$here/$1/pid")/root/var/tmp/odd.sh"
  inside "$1" systemd-run -q --collect --unit fault-odd /bin/bash /var/tmp/odd.sh
}
undo_odd() {
  inside "$1" systemctl stop fault-odd
  inside "$1" rm -r /var/tmp/odd /var/tmp/odd.sh
}

do_cover() { inside "$1" sh -c 'mkdir -p /run/cover && mount --bind /run/cover "/proc/$1"' sh "${2:?pid}"; }
undo_cover() { inside "$1" umount "/proc/${2:?pid}"; }

# ---- logs

do_truncate() {
  inside "$1" cp -p "${2:?file}" "$2.before"
  inside "$1" truncate -s 0 "$2"
}
# Puts the content back before what was written since: the file stays the same file.
undo_truncate() {
  inside "$1" sh -c 'cat "$1" >>"$1.before" && cat "$1.before" >"$1" && rm "$1.before"' sh "${2:?file}"
}
do_rotate() {
  inside "$1" sh -c 'mv "$1" "$1.1" && touch "$1" && chmod --reference="$1.1" "$1" &&
    chown --reference="$1.1" "$1"' sh "${2:?file}"
}
undo_rotate() { inside "$1" sh -c 'cat "$1" >>"$1.1" && mv "$1.1" "$1"' sh "${2:?file}"; }
# With as little between the two as can be, or so many seconds: what is written then is lost, as with
# any such copy.
do_copytruncate() {
  inside "$1" sh -c 'cp -p "$1" "$1.1" && sleep "$2" && : >"$1"' sh "${2:?file}" "${3:-0}"
}
undo_copytruncate() {
  inside "$1" sh -c 'cat "$1" >>"$1.1" && cat "$1.1" >"$1" && rm "$1.1"' sh "${2:?file}"
}

# ---- auditing: the machine's auditd writes into the host; the host's own `auditd` is a stand-in that
# lives as long, because the kernel hides the real one from the host's process table.

begin_audit() {
  local name=$1 host=$here/$1
  [ -d "$host" ] || die "$name is not up"
  command -v auditd auditctl >/dev/null || die "auditd is not installed"
  sweep
  # Whoever holds the lock has the machine's audit.
  : >"$host/audit.keeper"
  setsid bash -c 'exec 8>"$1"; flock -w 120 8 || exit 1; echo mine; exec sleep infinity' \
    bash "$labs/audit.lock" >"$host/audit.keeper" 2>&1 </dev/null &
  echo $! >"$host/audit.keeper.pid"
  within 125 audit_lock_decided "$host"
  grep -q mine "$host/audit.keeper" || die "another host of this machine is audited"
  mkdir -p "$host/audit/plugins.d" "$host/root/var/log/audit"
  chmod 700 "$host/root/var/log/audit"
  cat >"$host/audit/auditd.conf" <<CONF
local_events = yes
write_logs = yes
log_file = $host/root/var/log/audit/audit.log
log_group = root
log_format = RAW
flush = NONE
max_log_file = 8
max_log_file_action = IGNORE
space_left = 2
space_left_action = IGNORE
admin_space_left = 1
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
plugin_dir = $host/audit/plugins.d
CONF
  chmod 640 "$host/audit/auditd.conf"
  inside "$name" cp /usr/bin/sleep /usr/local/sbin/auditd
  printf '[Service]\nExecStart=/usr/local/sbin/auditd infinity\n' >"$host/audit/auditd.service"
  put "$name" "$host/audit/auditd.service" /etc/systemd/system/auditd.service
  inside "$name" systemctl daemon-reload
  hear "$name"
}
audit_lock_decided() { grep -q mine "$1/audit.keeper" || gone "$(cat "$1/audit.keeper.pid")"; }

hear() {
  local host=$here/$1
  setsid auditd -n -c "$host/audit" -s enable >"$host/audit.log" 2>&1 </dev/null &
  echo $! >"$host/audit.pid"
  within 5 is_audited "$host/audit.pid" || die "auditd does not start: $(cat "$host/audit.log")"
  auditctl -a always,exit -F "dir=$host/root/etc" -F perm=wa -k tocsin >>"$host/audit.log" 2>&1
  inside "$1" systemctl start auditd
}
is_audited() { auditctl -s 2>/dev/null | grep -qx "pid $(cat "$1")"; }

do_deaf() {
  [ -e "$here/$1/audit.keeper.pid" ] || die "$1 is not audited"
  inside "$1" systemctl stop auditd
  auditctl -D >/dev/null
  auditctl -e 0 >/dev/null
  end_noted "$here/$1/audit.pid"
}
undo_deaf() { hear "$1"; }

end_audit() {
  [ -e "$here/$1/audit.keeper.pid" ] || return 0
  if grep -q mine "$here/$1/audit.keeper"; then
    auditctl -D >/dev/null 2>&1 || true
    auditctl -e 0 >/dev/null 2>&1 || true
    end_noted "$here/$1/audit.pid"
  fi
  end_noted "$here/$1/audit.keeper.pid"
}

# ---- disks, accounts, clocks, viruses

do_disk() {
  local folder=${2:?folder} size=${3:?MB} files=${4:-}
  inside "$1" sh -c 'mkdir -p "$1" && cp -a "$1" /var/tmp/disk-of && mount -t tmpfs \
      -o "size=$2m${3:+,nr_inodes=$3},$(stat -c "mode=%a,uid=%u,gid=%g" "$1")" disk "$1" &&
    cp -a /var/tmp/disk-of/. "$1" && rm -r /var/tmp/disk-of' sh "$folder" "$size" "$files"
}
undo_disk() {
  inside "$1" sh -c 'mkdir /var/tmp/disk-of && cp -a "$1/." /var/tmp/disk-of && umount "$1" &&
    cp -a /var/tmp/disk-of/. "$1" && rm -r /var/tmp/disk-of' sh "${2:?folder}"
}
on_disk() { inside "$1" sh -c '[ "$(findmnt -n -o SOURCE "$1")" = disk ]' sh "$2"; }
do_fill() {
  on_disk "$1" "${2:?folder}" || die "fill: $2 is no small disk of its own (hosts disk)"
  inside "$1" sh -c 'cat /dev/zero >"$1/.filled" 2>/dev/null; true' sh "$2"
}
undo_fill() { inside "$1" rm "${2:?folder}/.filled"; }
do_crowd() {
  on_disk "$1" "${2:?folder}" || die "crowd: $2 is no small disk of its own (hosts disk)"
  # Tries more files than it can have; without a number of files those would be millions.
  inside "$1" sh -c 'files=$(stat -f -c %c "$1") && [ "$files" -le 100000 ] &&
    mkdir "$1/.crowd" && cd "$1/.crowd" && { seq "$files" | xargs touch 2>/dev/null; true; }' sh "$2" ||
    die "crowd: $2 has no number of files (hosts disk NAME FOLDER MB FILES)"
}
undo_crowd() { inside "$1" rm -r "${2:?folder}/.crowd"; }

do_lock() {
  inside "$1" passwd -q -l "${2:?account}"
  inside "$1" chage -E 0 "$2"
}
undo_lock() {
  inside "$1" passwd -q -u "${2:?account}"
  inside "$1" chage -E -1 "$2"
}

clock_file() { echo "/etc/tocsin-clock-$1"; }
do_clock() {
  local name=$1 unit=${2:?unit} seconds=${3:?seconds} root added
  root=/proc/$(cat "$here/$name/pid")/root
  added=$root/etc/systemd/system/$unit.d/clock.conf
  [[ $unit == *.service ]] || die "clock: a unit's whole name, please"
  [[ $seconds =~ ^[+-][0-9]+$ ]] || die "clock: +SECONDS or -SECONDS"
  echo "$seconds" >"$root$(clock_file "$unit").new"
  mv "$root$(clock_file "$unit").new" "$root$(clock_file "$unit")"
  [ ! -e "$added" ] || return 0
  mkdir -p "$(dirname "$added")"
  cat >"$added" <<CONF
[Service]
Environment=LD_PRELOAD=$(cd "$root" && echo usr/lib/*/faketime/libfaketime.so.1 | sed 's|^|/|')
Environment=FAKETIME_TIMESTAMP_FILE=$(clock_file "$unit") FAKETIME_NO_CACHE=1
Environment=FAKETIME_DONT_FAKE_MONOTONIC=1
CONF
  inside "$name" systemctl daemon-reload
  inside "$name" systemctl restart "$unit"
}
undo_clock() {
  inside "$1" rm -r "/etc/systemd/system/${2:?unit}.d/clock.conf" "$(clock_file "$2")"
  inside "$1" systemctl daemon-reload
  inside "$1" systemctl restart "$2"
}

# In two parts, so that a scanner finds it where it was planted and not here.
do_eicar() {
  printf '%s%s' 'X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD' '-ANTIVIRUS-TEST-FILE!$H+H*' \
    >"/proc/$(cat "$here/$1/pid")/root/${2:?file}"
}
undo_eicar() { inside "$1" rm "${2:?file}"; }
