# shellcheck shell=bash
# Sourced by what proves that Tocsin does not cry wolf (benign.sh, tests/bench/false_alarms.sh): a host
# with services, logs, programs of packages and a site's policy for them, and what happens to such hosts
# every week though nothing is wrong. Each `benign_x HOST N` does it the Nth time and comes back when the
# host is as it was. `fault_x HOST` is the real one that looks like it. Needs site.sh.

# Beside $work/package, the versions of a small package whose program listens on port 7001.
# program_package N: as `dpkg-deb` makes it; each version's program is another file.
program_package() {
  local folder=$work/package/$1
  [ ! -e "$folder.deb" ] || return 0
  mkdir -p "$folder/DEBIAN" "$folder/usr/sbin" "$folder/usr/lib/systemd/system"
  cp "$(hosts rootfs)/usr/bin/socat" "$folder/usr/sbin/bellringer"
  printf '%s' "$1" >>"$folder/usr/sbin/bellringer"
  cat >"$folder/usr/lib/systemd/system/bellringer.service" <<'UNIT'
[Service]
ExecStart=/usr/sbin/bellringer TCP-LISTEN:7001,fork,reuseaddr /dev/null
[Install]
WantedBy=multi-user.target
UNIT
  printf 'Package: bellringer\nVersion: %s\nArchitecture: all\nMaintainer: nobody <nobody@example>\nDescription: rings\n' \
    "$1" >"$folder/DEBIAN/control"
  # Not restarted by its upgrade, as with many: the old program runs on without its file.
  printf '#!/bin/sh\nsystemctl daemon-reload || true\n' >"$folder/DEBIAN/postinst"
  chmod 755 "$folder/DEBIAN/postinst"
  (cd "$folder" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
  dpkg-deb --root-owner-group -b "$folder" "$folder.deb" >>"$work/log/dpkg-deb"
}
install_package() {
  program_package "$2"
  hosts put "$1" "$work/package/$2.deb" /var/tmp/bellringer.deb
  hosts exec "$1" dpkg -i /var/tmp/bellringer.deb >>"$work/log/dpkg-$1" 2>&1
}

benign_unit() {
  printf '[Service]\n%s\n[Install]\nWantedBy=multi-user.target\n' "$3" >"$work/unit-$1"
  hosts put "$1" "$work/unit-$1" "/usr/lib/systemd/system/$2"
}

# benign_host HOST: before its agent is installed.
benign_host() {
  local host=$1
  mkdir -p "$work/package"
  benign_unit "$host" steady.service 'ExecStart=/bin/sleep infinity'
  benign_unit "$host" phoenix.service $'ExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=100ms'
  # Writes a line now and then, and opens its log for each.
  benign_unit "$host" scribe.service \
    'ExecStart=/bin/sh -c "while sleep 0.2; do date +%%N >>/var/log/scribe.log; done"'
  benign_unit "$host" nightly.service \
    $'Type=oneshot\nExecStart=/bin/sh -c "tar -cf /srv/backup/all.tar /usr/bin /etc && sleep 1 && rm /srv/backup/all.tar"'
  hosts exec "$host" sh -c 'seq 1000 >/var/log/scribe.log &&
    mkdir -p /srv/backup /var/spool/inbox /var/spool/clamd'
  hosts disk "$host" /srv/backup 256
  install_package "$host" 1.0 || return 1
  hosts exec "$host" systemctl daemon-reload
  hosts exec "$host" systemctl enable --now -q steady phoenix scribe bellringer ssh
}

# benign_checks: of agent.toml, after that of install_agent.
benign_checks() {
  local unit
  printf '\n[antivirus]\nsocket = "/var/spool/clamd/socket"\nfolders = ["/var/spool/inbox"]\n'
  for unit in steady phoenix bellringer nightly ssh; do
    printf '\n[[checks]]\nkind = "service"\ntarget = "%s.service"\ninterval = "1s"\ndeadline = "1s"\n' "$unit"
  done
  for kind in sockets processes antivirus; do
    printf '\n[[checks]]\nkind = "%s"\ninterval = "1s"\ndeadline = "1s"\n' "$kind"
  done
  for kind in audit_log warnings; do
    for unit in /var/log/scribe.log journal; do
      printf '\n[[checks]]\nkind = "%s"\ntarget = "%s"\ninterval = "1s"\ndeadline = "1s"\n' "$kind" "$unit"
    done
  done
}

# benign_policy HOST: of site.toml, after the limits; the host shows what is normal there. Programs and
# listeners are approved by package.
benign_policy() {
  hosts exec "$1" tocsin-agent baseline propose --name plain
  cat <<'TOML'

[[baselines.listeners]]
protocol = "tcp"
port = 7001
executable = "/usr/sbin/bellringer"
package = "bellringer"

[[baselines.listeners]]
protocol = "tcp"
ports = "52000-52999"
executable = "/usr/bin/socat"
package = "socat"

[[baselines.sources]]
protocol = "tcp"
port = 7001
networks = ["10.77.0.0/16"]

# The agent is of no package here; and the clock is moved by a library that is preloaded into it.
[[baselines.processes]]
executable = "/usr/bin/tocsin-agent"

[[baselines.processes]]
executable = "/usr/bin/tocsin-agent-link"

[[hosts]]
host = "*"
baseline = "plain"
TOML
}

# ---- what happens every week

settle() { sleep "${benign_settle:-2.5}"; }  # every check has looked, and once more

# M-05: a log is rotated by renaming, and by copying and truncating.
benign_rotation() {
  hosts rotate "$1" /var/log/scribe.log
  settle
}
benign_copytruncate() {
  hosts copytruncate "$1" /var/log/scribe.log
  settle
}
# M-03: somebody restarts a service; one ends and systemd starts it at once.
benign_restart() {
  hosts exec "$1" systemctl restart steady
  settle
}
benign_killed() {
  hosts kill "$1" phoenix
  settle
}
# M-07, M-09: a package is upgraded below a daemon that runs on, which is restarted later.
benign_upgrade() {
  install_package "$1" "1.$2" || return 1
  settle
  hosts exec "$1" systemctl restart bellringer
  settle
}
# G-06: a backup reads everything, and its disk fills for a while.
benign_backup() {
  hosts exec "$1" systemctl start nightly
  settle
}
# M-06
benign_reboot() {
  hosts reboot "$1" && hosts wait "$1" || return 1
  hosts disk "$1" /srv/backup 256
  settle
}
# The clock of the agent jumps, and back.
benign_clock() {
  hosts clock "$1" tocsin-agent-observer.service "+${benign_jump:-3600}"
  settle
  hosts clock "$1" tocsin-agent-observer.service +0
  settle
}
# call_from ADDRESS HOST: connects to its port 7001 and stays; $! is the caller.
call_from() {
  "${lan[@]}" /usr/bin/python3 -c 'import signal, socket, sys
there = socket.create_connection((sys.argv[2], 7001), 5, (sys.argv[1], 0))
signal.pause()' "$1" "$(hosts address "$2")" >/dev/null 2>>"$work/log/callers" </dev/null &
}
# M-08: somebody comes from a network that is allowed and was never seen.
benign_source() {
  local address=10.77.$((20 + $2 % 200)).1
  hosts net lan ip addr replace "$address/24" dev bridge0
  call_from "$address" "$1"
  local caller=$!
  settle
  kill "$caller" 2>/dev/null
  wait "$caller" 2>/dev/null
  true
}
# M-07: dynamic ports, one of the range that a program was given and one of UDP's.
benign_dynamic() {
  hosts exec "$1" systemd-run -q --collect --unit "dynamic-$2" socat "TCP-LISTEN:$((52000 + $2))" /dev/null
  hosts exec "$1" systemd-run -q --collect --unit "dynamic-udp-$2" socat -u "UDP-RECV:$((60000 + $2))" /dev/null
  settle
  hosts exec "$1" systemctl stop "dynamic-$2" "dynamic-udp-$2"
}
# M-10: a scanner gets new signatures, and loads them or starts again. Where there is none, nothing.
benign_signatures() {
  [ "$1" = "$scanned_host" ] || return 0
  printf '%032d:%d:Benign-%d\n' "$2" $((1000 + $2)) "$2" >>"$work/clamd/db/eicar.hdb"
  if [ $(($2 % 2)) = 0 ]; then
    kill -USR2 "$scanner"
  else
    stop_scanner
    settle
    start_scanner "$1" || return 1
  fi
  settle
}
# shellcheck disable=SC2034  # of those who source this
benign_events=(rotation copytruncate restart killed upgrade backup reboot clock source dynamic signatures)

# ---- the scanner of one host: Debian's clamd, outside, with one signature. One socket is for one host.

scanned_host=
scanner=
start_scanner() {
  scanned_host=$1
  local folder=$work/clamd run
  run=/run/tocsin-labs/$TOCSIN_LAB/$1/root/var/spool/clamd  # the same before and after a boot
  mkdir -p "$folder/db" "$run"
  [ -e "$folder/db/eicar.hdb" ] ||
    echo 44d88612fea8a8f36de82e1278abb02f:68:Eicar-Test-Signature >"$folder/db/eicar.hdb"
  ln -sfn "$run/socket" "$folder/socket"
  printf 'LocalSocket %s\nLocalSocketMode 666\nFixStaleSocket yes\nForeground yes\nDatabaseDirectory %s\nMaxThreads 2\n' \
    "$run/socket" "$folder/db" >"$folder/conf"
  clamd --config-file="$folder/conf" >>"$work/log/clamd" 2>&1 </dev/null &
  scanner=$!
  within 30 scanner_answers
}
scanner_answers() {
  /usr/bin/python3 -c 'import socket, sys
with socket.socket(socket.AF_UNIX) as there:
    there.connect(sys.argv[1])
    there.sendall(b"zPING\0")
    sys.exit(not there.recv(16).startswith(b"PONG"))' "$work/clamd/socket" 2>/dev/null
}
stop_scanner() {
  [ -z "$scanner" ] || { kill "$scanner" && wait "$scanner"; } 2>/dev/null
  scanner=
}

# ---- the site

# benign_site NAME GRADING: the collector's folder; $agents[0] shows what is normal.
benign_site() {
  { printf '[grading]\n%s\n\n' "$2" && benign_policy "${agents[0]}" && mail_to_duty; } | make_site "$1"
}

# ---- what looks like it and is none of it

fault_listener() { hosts listen "$1" 4444; }
fault_source() {
  hosts net lan ip addr replace 10.99.9.1/24 dev bridge0
  call_from 10.99.9.1 "$1"
  callers+=($!)
}
fault_service() { hosts quit "$1" steady; }
fault_log() { hosts exec "$1" truncate -s 0 /var/log/scribe.log; }
# The program of a package, changed by somebody who is no package.
fault_program() {
  hosts exec "$1" sh -c 'cp /usr/sbin/bellringer /usr/sbin/new && echo x >>/usr/sbin/new &&
    mv /usr/sbin/new /usr/sbin/bellringer && systemctl restart bellringer'
}
# Nobody ever saw it with its file.
fault_deleted() {
  hosts exec "$1" cp /bin/sleep /var/tmp/.x
  hosts exec "$1" systemd-run -q --collect --unit gone \
    sh -c 'exec 3</var/tmp/.x && rm /var/tmp/.x && exec /proc/self/fd/3 3600'
}
fault_malware() { hosts eicar "$1" /var/spool/inbox/letter; }
# At the end, however it comes: what runs beside the hosts.
stop_others() {
  [ "${#callers[@]}" = 0 ] || kill "${callers[@]}" 2>/dev/null
  stop_scanner
}
# shellcheck disable=SC2034
benign_faults=(listener source service log program deleted malware)
# What must be found of each: a code, and words of what it is about. Two of them have one code.
# shellcheck disable=SC2034
declare -A fault_finding=([listener]="port.unexpected 4444" [source]="source.unexpected 10.99.9."
  [service]="service.inactive steady.service" [log]="audit.emptied /var/log/scribe.log"
  [program]="process.unexpected /usr/sbin/bellringer" [deleted]="process.unexpected /var/tmp/.x @why.deleted"
  [malware]="malware.found /var/spool/inbox/letter")
callers=()
