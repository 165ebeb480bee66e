#!/bin/bash
# Who covers tracks in a host's logs (procedure M-05), and what looks the same and is benign: files that
# are removed, cut, overwritten or thinned out, the kernel's trail whose daemon is stopped, a journal whose
# files are removed; and full disks, logs in memory, restarts, retention by size, a changed machine id.
#
# tracks.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Tracks "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh

trail=/var/log/audit/audit.log
on() { hosts exec "$@"; }
# suspects HOST CODE TARGET: it was found there, also where the look after found it well.
suspects() {
  found "$1" --arg code "$2" --arg subject "$3" 'any(.[]; .code == $code and .subject == $subject)'
}
# suspects_nothing HOST TARGET: nothing was ever found there; what was goes into the log.
suspects_nothing() {
  found "$1" --arg subject "$2" 'all(.[]; .subject != $subject)' && return
  findings_of "$1" >>"$work/log/findings-$1"
  return 1
}
# tells HOST TARGET CODE [WHY]: what the check says now.
tells() { says "$1" "audit_log $2 … $3 …${4:+ why=$4}"; }

watch_log() {
  printf '[[checks]]\nkind = "audit_log"\ntarget = "%s"\ninterval = "%s"\n\n' "$1" "$2" >>"$work/agent.toml"
}
# configure HOST: its own file, with the checks that were added.
configure() { hosts put "$1" "$work/agent.toml" /etc/tocsin/agent.toml; }
# journald HOST LINE…: its settings.
journald() {
  printf '%s\n' '[Journal]' RateLimitBurst=0 "${@:2}" >"$work/journald.conf"
  hosts put "$1" "$work/journald.conf" /etc/systemd/journald.conf.d/story.conf
  on "$1" systemctl restart systemd-journald
}
# records FIRST LAST: as the audit daemon writes them.
records() {
  local serial
  for ((serial = $1; serial <= $2; ++serial)); do
    printf "type=USER_LOGIN msg=audit(1700000000.001:%s): pid=%s uid=0 res=success\n" "$serial" "$serial"
  done
}

# ---- the cast: web1 has files and the kernel's trail, and its journal is in memory; log1 has a journal
# on its disk; log2 has one that may be no larger than 4 MiB

begin_lab web1 log1 log2 || exit 1
check "and the kernel audits the first" hosts audit web1 || exit 1
make_site ROOM </dev/null || exit 1
start_collector

files=(gone cut forged thinned)
for name in "${files[@]}"; do
  records 1 100 >"$work/$name.log"
  hosts put web1 "$work/$name.log" "/var/log/$name.log"
done
head -c 3840 /dev/urandom >"$work/wtmp"
hosts put web1 "$work/wtmp" /var/log/wtmp
hosts put web1 "$work/gone.log" /var/log/secret.log 600
hosts disk web1 /var/log/small 4
hosts put web1 "$work/gone.log" /var/log/small/app.log
# Each makes its log anew when the host starts, the second one only when it has something to say.
printf 'f /run/app.log 0644 root root - it-started\n' >"$work/run.conf"
hosts put web1 "$work/run.conf" /etc/tmpfiles.d/story.conf
on web1 sh -c 'seq 1000 >/run/app.log && cp /run/app.log /run/seldom.log'
journald web1 Storage=volatile
on web1 sh -c 'rm -r /var/log/journal && systemctl restart systemd-journald'
journald log2 SystemMaxUse=4M SystemMaxFileSize=1M

install_agent web1 || exit 1
# A sandbox mounts /proc/sys anew, without what the lab has laid over it.
printf '[Service]\nBindReadOnlyPaths=/dev/.boot_id:/proc/sys/kernel/random/boot_id\n' >"$work/boot_id.conf"
hosts put web1 "$work/boot_id.conf" /etc/systemd/system/tocsin-agent-observer.service.d/boot_id.conf
on web1 systemctl daemon-reload
for name in "${files[@]}"; do watch_log "/var/log/$name.log" 2s; done
watch_log /var/log/wtmp 2s
watch_log /var/log/secret.log 2s
watch_log /var/log/never.log 2s
watch_log "$trail" 2s
# Long enough to be asked about one look.
watch_log /var/log/small/app.log 6s
watch_log /run/app.log 10s
watch_log /run/seldom.log 10s
watch_log journal 10s
configure web1
install_agent log1 || exit 1
watch_log journal 2s
configure log1
install_agent log2 || exit 1
watch_log journal 6s
configure log2
check "The collector answers" within 30 collector_answers || exit 1
start_agents || exit 1

all_well() {
  local name
  for name in /var/log/{gone,cut,forged,thinned}.log /var/log/{wtmp,small/app.log,secret.log} "$trail" /run/app.log journal; do
    tells web1 "$name" audit.ok || return
  done
  tells log1 journal audit.ok && tells log2 journal audit.ok
}
check "All logs are well" within 30 all_well || exit 1
check "One that was never there is told as such" tells web1 /var/log/never.log audit.never_on

# ---- tracks are covered

on web1 sh -c 'rm /var/log/gone.log; truncate -s -100 /var/log/cut.log
  printf "type=CRYPTO" | dd of=/var/log/forged.log bs=1 conv=notrunc status=none
  dd if=/dev/zero of=/var/log/wtmp bs=384 seek=4 count=1 conv=notrunc status=none'
records 101 140 | sed '/:117)/d' >"$work/thinned"
hosts put web1 "$work/thinned" /run/thinned
on web1 sh -c 'cat /run/thinned >>/var/log/thinned.log'
on log1 sh -c 'journalctl -q --rotate && journalctl -q --vacuum-time=1s'
check "A log that was removed is missed" within 15 suspects web1 audit.missing /var/log/gone.log
check "One that was cut has shrunk" within 15 suspects web1 audit.shrunk /var/log/cut.log
check "One whose start was overwritten is rewritten" within 15 suspects web1 audit.rewritten /var/log/forged.log
check "A login that was overwritten with zeros is seen" within 15 suspects web1 audit.zeroed /var/log/wtmp
check "A record that was taken out leaves a gap" within 15 suspects web1 audit.gap /var/log/thinned.log
check "A journal whose past was vacuumed away is found" within 15 suspects log1 audit.history_gone journal
check "and is an incident" within 5 has_incident audit.history_gone
check "What comes after it is well" within 15 tells log1 journal audit.ok

# Of a dozen files one of the oldest, which looks have seen for seconds.
take_one_out() {
  on log1 sh -c 'echo x | systemd-cat; journalctl -q --sync --rotate; set -- /var/log/journal/*/system@*
    [ $# -lt 12 ] || rm "$2"'
  suspects log1 audit.gap journal
}
check "A file that was taken out of a journal leaves a gap" within 30 take_one_out

on log1 sh -c 'rm -r /var/log/journal/*'
check "A journal whose files were removed is empty" within 15 suspects log1 audit.emptied journal
on log1 systemctl restart systemd-journald
check "and has lost its past when it begins anew" within 15 tells log1 journal audit.history_gone
check "That is well too after it" within 15 tells log1 journal audit.ok
on log1 systemctl stop systemd-journald.socket systemd-journald-dev-log.socket systemd-journald-audit.socket systemd-journald
check "A journal that nobody writes is stopped" within 15 suspects log1 audit.stopped journal
on log1 systemctl start systemd-journald.socket systemd-journald-dev-log.socket systemd-journald

hosts deaf web1
check "That the kernel's auditing stopped is found" within 15 tells web1 "$trail" audit.disabled
hosts undo deaf web1
on web1 systemctl stop auditd
check "and a daemon that stopped alone" within 15 tells web1 "$trail" audit.stopped
on web1 systemctl start auditd

# ---- what looks the same

# Cut within a block, so that it gives nothing back to the disk.
hosts fill web1 /var/log/small
on web1 truncate -s -10 /var/log/small/app.log
check "A log that shrank on a full disk is no proof" within 15 tells web1 /var/log/small/app.log audit.cannot_tell @why.disk_full
check "and nothing is found" suspects_nothing web1 /var/log/small/app.log

flood() { on log2 sh -c 'seq -f "flood %060.0f" 20000 | systemd-cat'; }
flooded() {
  flood
  tells log2 journal audit.explained @why.retention
}
check "A small journal that a flood made forget is explained" within 30 flooded
on log2 journalctl -q --rotate
check "and well after it" within 40 tells log2 journal audit.ok
check "Nothing is found there" suspects_nothing log2 journal

hosts reboot web1
on log2 sh -c 'rm -f /etc/machine-id /var/lib/dbus/machine-id && systemd-machine-id-setup' >>"$work/log/machine-id" 2>&1
hosts reboot log2
check "Two hosts start anew" hosts wait web1 log2
check "A log in memory has begun anew with the host" within 20 tells web1 /run/app.log audit.cannot_tell @why.new_boot
check "as has a journal in memory" within 20 tells web1 journal audit.cannot_tell @why.new_boot
check "Of another machine id there is another journal" within 20 tells log2 journal audit.cannot_tell @why.machine_id
check "One in memory that nobody has written to yet is not missed" within 20 tells web1 /run/seldom.log audit.never_on
check "The logs in memory are well" within 20 tells web1 /run/app.log audit.ok
check "and the journal" within 20 tells web1 journal audit.ok
for name in /run/app.log /run/seldom.log journal; do
  check "Nothing was found of $name" suspects_nothing web1 "$name"
done
check "nor of the small journal" suspects_nothing log2 journal

printf '[Service]\nAmbientCapabilities=~CAP_DAC_READ_SEARCH\n' >"$work/less.conf"
hosts put web1 "$work/less.conf" /etc/systemd/system/tocsin-agent-observer.service.d/less.conf
on web1 sh -c 'systemctl daemon-reload && systemctl restart tocsin-agent-observer'
check "A log that may not be read is told as such" within 20 tells web1 /var/log/secret.log audit.not_readable
check "and nothing is found" suspects_nothing web1 /var/log/secret.log
cases_end
