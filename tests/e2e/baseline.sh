#!/bin/bash
# A baseline's whole way with the real programs (procedure M-07, M-09, M-28): a host is watched, what
# it showed is proposed, the proposer may not approve it, another person does, and from then on the
# difference is the finding; the host itself can tell it with no collector to ask. The same for a group of
# hosts at once.
#
# baseline.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Baseline "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh

# The verdict that holds for a check of $host, and why.
host=web1
verdict() { ask hosts "$host" -- --arg kind "CHECK_KIND_$1" '.hosts[0].checks[] | select(.check.kind == $kind) | .verdict'; }
reason() { ask hosts web1 -- '.hosts[0].checks[] | select(.check.kind == "CHECK_KIND_SOCKETS") | .reasons[0].code'; }
ports_are() { [ "$(verdict SOCKETS)" = "VERDICT_$1" ]; }
programs_are() { [ "$(verdict PROCESSES)" = "VERDICT_$1" ]; }
shows() { holds baseline review "$1" -- --arg exe "$2" 'any(.baseline.entries[]; .entry.executable == $exe)'; }
# Its file is known by the package that it comes from.
of_package() {
  holds baseline review "$1" -- --arg exe "$2" --arg package "$3" \
    'any(.baseline.entries[]; .entry.executable == $exe and .entry.package == $package)'
}
diagnose() { hosts exec "$host" tocsin-agent diagnose sockets --lang en "$@"; }
says() { diagnose | tr '\n' ' ' | tr -s ' ' | grep -q "$1"; }
has_file() { hosts exec web1 test -s /var/lib/tocsin-agent/baseline; }
is_private() { [ "$(hosts exec web1 stat -c '%a %U %G' /var/lib/tocsin-agent/baseline)" = "640 tocsin-link tocsin-agent" ]; }
is_signed() {
  hosts exec web1 cat /run/diagnosis.pem >"$work/diagnosis.pem" &&
    openssl cms -verify -inform PEM -purpose any -CAfile "$work/site/ca.pem" \
      -in "$work/diagnosis.pem" -out "$work/diagnosis.json" 2>>"$work/log/openssl" &&
    jq -e '.baseline.version == 1 and .baseline.approvedBy == "chen"' "$work/diagnosis.json" >/dev/null
}

# Whether a unit that nobody approved, of no package, is abnormal. Units are listed every five minutes; an
# observer that begins lists them at once.
unit_is() { holds hosts web1 -- --arg unit "$1" --argjson found "$2" 'any(.hosts[0].checks[].reasons[];
  .code == "unit.unexpected" and (.parameters[0].value | startswith($unit))) == $found'; }
odd_unit_is() { unit_is odd-job.service "$1"; }
look_at_units() { hosts exec web1 systemctl restart tocsin-agent-observer; }

# serve_connections NAME: on a socket of this name, each by a service of its own, as inetd did.
serve_connections() {
  printf '[Socket]\nListenStream=/run/%s\nAccept=yes\n\n[Install]\nWantedBy=sockets.target\n' "$1" >"$work/unit"
  hosts put web1 "$work/unit" "/etc/systemd/system/$1.socket"
  printf '[Service]\nExecStart=/usr/bin/cat\nStandardInput=socket\n' >"$work/unit"
  hosts put web1 "$work/unit" "/etc/systemd/system/$1@.service"
  hosts exec web1 systemctl daemon-reload && hosts exec web1 systemctl enable --now -q "$1.socket"
}
hold_connection() {
  hosts exec web1 systemd-run -q --collect --unit "holds-$1" /usr/bin/perl -MIO::Socket::UNIX -e '
    my $held = IO::Socket::UNIX->new(Peer => "/run/$ARGV[0]") or die; sleep 3701' "$1"
}
serves_a_connection() {
  hosts exec web1 systemctl list-units --plain --no-legend "$1@*.service" | grep -q "^$1@[0-9]*-.* active "
}

# ---- the cast: two hosts of one group, and three people

begin_lab web1 web2 || exit 1
for host in web2 web1; do install_agent "$host" || exit 1; done
make_site STORY <<'TOML' || exit 1
[[hosts]]
host = "*"
group = "web"

[[hosts.checks]]
kind = "sockets"
interval = "1s"
deadline = "1s"

[[hosts.checks]]
kind = "processes"
interval = "2s"
deadline = "2s"
TOML
{ add_person lee duty && add_person chen officer && add_person wang officer; } || exit 1
start_collector
serve_connections echo || exit 1
check "The collector answers" within 30 collector_answers || exit 1
for host in web2 web1; do
  check "$host enrols" enrol_agent "$host" || exit 1
  check "$host runs the agent" start_agent "$host" || exit 1
done
check "They are heard" within 30 heard 2 || exit 1

# ---- nothing is approved

check "What listens cannot be told from what should" within 30 ports_are CANNOT_TELL
check "because nothing is approved" test "$(reason)" = baseline.none
check "and what runs cannot either" within 30 programs_are CANNOT_TELL

# ---- learned, proposed, approved by somebody else

check "lee proposes what web1 showed" as lee baseline propose web1 --since 7d --reason "new host" || exit 1
id=$(proposed HOST)
check "The review shows sshd" shows "$id" /usr/sbin/sshd
check "which is known by its package" of_package "$id" /usr/sbin/sshd openssh-server
check "lee may not approve it" declined command.not_permitted as lee baseline approve "$id" --reason "mine"
check "chen proposes for the whole group" as chen baseline propose --group web --reason "all of web"
own=$(proposed GROUP)
check "and may not approve that" declined command.four_eyes as chen baseline approve "$own" --reason "mine"
check "chen approves lee's" as chen baseline approve "$id" --reason "looked at it" --for 30d || exit 1
check "web1's ports are normal at once" within 30 ports_are NORMAL
check "and so are its programs" within 30 programs_are NORMAL
check "It is shown with its version" test "$(ask baseline show web1 -- .baseline.version)" = 1

# ---- for a whole group at once

host=web2
check "The other host has its own to wait for" ports_are CANNOT_TELL
check "wang approves chen's for the group" as wang baseline approve "$own" --reason "looked at it" --for 30d || exit 1
check "and its ports are normal at once" within 30 ports_are NORMAL
check "and its programs" within 30 programs_are NORMAL
check "It names the group's version and who approved it" within 30 says "Baseline group web (version 1), approved by wang 0 days ago"
host=web1
check "web1 keeps its own" says "Baseline host web1 (version 1), approved by chen 0 days ago"

# ---- the difference is the finding

listen_on web1 4444
check "A new listener is abnormal" within 30 ports_are ABNORMAL
check "and the difference" test "$(ask baseline diff web1 -- '[.unexpected[] | select(.port == 4444)] | length')" = 1

check "No unit is odd" odd_unit_is false
hosts exec web1 sh -c 'printf "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n" >/etc/systemd/system/odd-job.service'
hosts exec web1 systemctl enable --now -q odd-job
look_at_units
check "A unit of no package that nobody approved is abnormal" within 30 odd_unit_is true
hosts exec web1 systemctl disable --now -q odd-job
hosts exec web1 rm /etc/systemd/system/odd-job.service
hosts exec web1 systemctl daemon-reload
look_at_units
check "and over when it is gone" within 30 odd_unit_is false

# A connection's service has a name that never comes again: its template is what is approved.
serve_connections stranger
for name in echo stranger; do
  hold_connection "$name"
  check "A connection to $name has a service of its own" within 10 serves_a_connection "$name"
done
look_at_units
check "The one that nobody approved is abnormal, as its template" within 30 unit_is stranger@.service true
check "and the one that was approved is not" unit_is echo@ false
for name in echo stranger; do hosts exec web1 systemctl stop "holds-$name"; done

# ---- the host itself, with no collector (procedure M-28)

check "The host keeps what was approved" within 30 has_file
check "for itself and its group only" is_private
stop_collector
check "It names the version and who approved it" says "Baseline host web1 (version 1), approved by chen 0 days ago"
check "and finds the listener" says "4444"
check "It writes that down, signed" diagnose --sign-to /run/diagnosis.pem
check "as openssl alone can tell" is_signed
cases_end
