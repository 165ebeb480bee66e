#!/bin/bash
# Services and background programs that should not be there (procedure M-09), each way to look harmless
# on a real host with the real programs, and each told with its reason; what an upgrade, or programs that
# come and go, look like is no finding.
#
# processes.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Processes "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh
# shellcheck source=benign_events.sh
. tests/e2e/benign_events.sh

on() { hosts exec web1 "$@"; }
# run NAME COMMAND…: in the background, as a unit of its own.
run() { on systemd-run -q --collect --unit "$1" "${@:2}"; }
end() { on systemctl stop "$1"; }
normal() { says web1 'processes - normal process.ok'; }
# tells SUBJECT REASON: of this program, and no other reason.
tells() { says web1 "processes - abnormal process.unexpected executable=$1 … why=@why.$2"; }
settle() { sleep 5; }

begin_lab web1 || exit 1
mkdir "$work/package"
install_package web1 1.0 && on systemctl enable --now -q bellringer || exit 1
install_agent web1 || exit 1
printf '\n[[checks]]\nkind = "processes"\ninterval = "2s"\ndeadline = "2s"\n' >>"$work/agent.toml"
hosts put web1 "$work/agent.toml" /etc/tocsin/agent.toml
begin_site ROOM <<TOML || exit 1
[grading]
stable = "3s"

$(on tocsin-agent baseline propose --name plain)

# The agent is of no package here.
[[baselines.processes]]
executable = "/usr/bin/tocsin-agent"

[[baselines.processes]]
executable = "/usr/bin/tocsin-agent-link"

[[hosts]]
host = "*"
baseline = "plain"
TOML
start_agents || exit 1
check "What runs there is normal" within 20 normal || { page web1; exit 1; }

# ---- what is no fault

install_package web1 1.1 || exit 1
upgraded() { says web1 'processes - normal process.upgraded'; }
check "A daemon whose package was upgraded below it is told" within 15 upgraded
run busy /bin/sh -c 'while :; do /bin/true; done'
settle
check "and is no finding, nor are programs that come and go" finds_nothing web1
end busy
on systemctl restart bellringer
check "All is normal again" within 15 normal

# ---- what is one

on sh -c 'mkdir /opt/tool && cp /usr/bin/sleep /opt/tool/tool && cp /usr/bin/sleep /var/tmp/strange'
run gone /opt/tool/tool 3701
on rm /opt/tool/tool
run strange /var/tmp/strange 3702
# From memory: no file of this program was ever on a disk.
cat >"$work/memory.pl" <<'PERL'
my $number = {x86_64 => 319, aarch64 => 279}->{(split ' ', `uname -m`)[0]};
my $name = "x";
my $fd = syscall($number, $name, 0);
open(my $there, ">&=", $fd) or die;
open(my $program, "<", "/usr/bin/sleep") or die;
local $/;
syswrite $there, <$program>;
exec {"/proc/self/fd/$fd"} "sleep", "3703";
PERL
hosts put web1 "$work/memory.pl" /root/memory.pl
run memory /usr/bin/perl /root/memory.pl
run kernel /bin/bash -c 'exec -a "[kworker/0:1]" /usr/bin/sleep 3704'
run preloaded /usr/bin/env "LD_PRELOAD=$(on sh -c 'echo /usr/lib/*/libm.so.6')" /usr/bin/tail -f /dev/null
check "A program whose file was deleted is found" within 15 tells /opt/tool/tool deleted
check "one in a folder that anybody may write" within 5 tells /var/tmp/strange world_writable
check "one that is in memory only" within 5 tells … memory_only
check "one that takes a kernel thread's name" within 5 tells /usr/bin/sleep imitates_kernel
check "and one that another library is loaded into" within 5 tells /usr/bin/tail preload
check "They are incidents" within 10 finds_exactly web1 process.unexpected "/opt/tool/tool root"
for name in gone strange memory kernel preloaded; do end "$name"; done
check "and over when they have ended" within 15 normal
check "all of them" within 10 finds_nothing web1

# ---- what is loaded into every program

on sh -c 'echo /usr/lib/*/libm.so.6 >/etc/ld.so.preload'
check "A library that is loaded into every program is found" within 15 finds web1 process.preload_file
on rm /etc/ld.so.preload
check "and over when it is none" within 15 not finds web1 process.preload_file

# ---- what is hidden

run hidden /usr/bin/sleep 3706
pid=$(on systemctl show -P MainPID hidden)
hosts cover web1 "$pid"
not_listed() { on sh -c 'ls /proc | grep -qx "$1" && ! ps -p "$1" >/dev/null' sh "$pid"; }
check "A process that something is mounted over is not seen by ps" not_listed
check "and is found" within 15 finds_exactly web1 process.hidden "process $pid"
hosts undo cover web1 "$pid"
check "and over when it can be seen" within 15 not finds web1 process.hidden
end hidden
hosts odd web1
check "A name that breaks lines and parsers is told" within 15 says web1 'processes - abnormal process.unexpected executable=/var/tmp/odd/a) R 1…' || page web1
hosts undo odd web1
check "At the end all is normal" within 15 normal
cases_end
