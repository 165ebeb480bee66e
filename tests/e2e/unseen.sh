#!/bin/bash
# What the agent may not look at is said, and is never normal: the observer without its capabilities,
# evidence collected by it, and a diagnosis by somebody who has no rights. What was found before stays
# found, and with the rights back all is as it was.
#
# unseen.sh BUILD_FOLDER RESULTS.xml
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath --relative-to=. "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Unseen "${2:?results}"
# shellcheck source=site.sh
. tests/e2e/site.sh
# shellcheck source=findings.sh
. tests/e2e/findings.sh
# shellcheck source=login_lab.sh
. tests/e2e/login_lab.sh

far=10.77.0.12
private=/var/log/private.log

begin_lab tsm1 bk1 || exit 1
install_agent tsm1 && install_login && make_accounts || exit 1
tsm systemctl daemon-reload
tsm systemctl enable --now -q tocsin-agent-login.socket || exit 1
printf '#!/bin/sh\n' >"$work/scan"
hosts put tsm1 "$work/scan" /usr/local/bin/scan 755
tsm sh -c 'touch /var/pattern; umask 077; mkdir /srv/private; echo hello >/srv/private/letter; seq 100 >/var/log/private.log'
# Services of root, one of them in a network namespace of its own.
serve() { tsm systemd-run -q --collect --unit "serve-$1" "${@:2}" /usr/bin/socat "TCP-LISTEN:$1,fork,reuseaddr" SYSTEM:"echo here"; }
serve 7001 && serve 7002 -p PrivateNetwork=yes || exit 1
add_login_to_file
cat >>"$work/agent.toml" <<TOML

[antivirus]
command = ["/usr/local/bin/scan"]
signatures = ["/var/pattern"]
folders = ["/srv/private"]

[[checks]]
kind = "sockets"
interval = "2s"

[[checks]]
kind = "processes"
interval = "2s"

[[checks]]
kind = "ping"
target = "$far"
interval = "2s"

[[checks]]
kind = "antivirus"
interval = "2s"

[[checks]]
kind = "audit_log"
target = "/var/log/private.log"
interval = "2s"

[[checks]]
kind = "warnings"
target = "/var/log/private.log"
interval = "2s"
TOML
hosts put tsm1 "$work/agent.toml" /etc/tocsin/agent.toml
agents=(tsm1)
begin_site UNSEEN <<TOML || exit 1
[grading]
stable = "3s"

$(tsm tocsin-agent baseline propose --name plain)

# The agent is of no package here.
[[baselines.processes]]
executable = "/usr/bin/tocsin-agent"

[[baselines.processes]]
executable = "/usr/bin/tocsin-agent-link"

[[baselines.processes]]
executable = "/usr/bin/tocsin-agent-login"

[[hosts]]
host = "*"
baseline = "plain"
TOML
start_agents || exit 1

# ---- with all rights

all_normal() {
  says tsm1 'sockets - normal port.ok' && says tsm1 'processes - normal process.ok' &&
    says tsm1 "ping $far normal ping.ok" && says tsm1 'antivirus - normal antivirus.clean' &&
    says tsm1 "audit_log $private normal audit.ok" && says tsm1 "warnings $private normal warning.ok" &&
    says tsm1 'login local normal login.ok' && says tsm1 "login ssh://$far:22 normal login.ok"
}
check "With its rights the agent sees that all is well" within 30 all_normal || { page tsm1; exit 1; }
serve 4444 || exit 1
check "and a listener that nobody approved" within 15 finds tsm1 port.unexpected 'tcp any 4444 /usr/bin/socat root'

# ---- without the right to see whose a process of root is

# allow CAPABILITIES: all that the observer may have from now on.
allow() {
  printf '[Service]\nAmbientCapabilities=\nAmbientCapabilities=%s\nCapabilityBoundingSet=\nCapabilityBoundingSet=%s\n' \
    "$1" "$1" >"$work/less.conf"
  hosts put tsm1 "$work/less.conf" /etc/systemd/system/tocsin-agent-observer.service.d/less.conf
  tsm sh -c 'systemctl daemon-reload && systemctl restart tocsin-agent-observer'
}
allow 'CAP_NET_RAW CAP_DAC_READ_SEARCH CAP_NET_BIND_SERVICE'
check "Without it nobody can tell whose a listener is" within 20 says tsm1 'sockets - … port.owner_unknown protocol=tcp address=0.0.0.0 port=7001'
check "nor what listens in other network namespaces, which is said" says tsm1 'sockets - … port.namespaces_not_seen'
check "nor what the processes of root are" within 10 says tsm1 'processes - cannot_tell process.not_permitted'
check "What was found before stays found" finds tsm1 port.unexpected 'tcp any 4444 /usr/bin/socat root'
check "What needs other rights is as before" within 10 says tsm1 "login ssh://$far:22 normal login.ok"
collected() { ctl --lang en evidence collect tsm1 --reason "M-11" --wait --timeout 60s >"$work/evidence"; }
# partly WHAT: of the evidence, an item that says that it is not whole.
partly() { grep -q "^$1 .* not_permitted\$" "$work/evidence"; }
check "Evidence can be had" collected
for what in sockets processes programs; do
  check "with the $what that may be seen, and that there are others" partly "$what"
done
check "and whole logs" grep -q '^log .* /var/log/private.log$' "$work/evidence"

# ---- without any

allow ''
check "Without any a private log cannot be read, which is no answer about it" \
  within 20 says tsm1 "audit_log $private cannot_tell audit.not_readable"
check "nor for its warnings" within 10 says tsm1 "warnings $private cannot_tell observation.not_permitted"
check "No ping goes out, which is no break" within 10 says tsm1 "ping $far cannot_tell observation.not_permitted"
check "A folder that may not be read is not one without a virus" \
  within 10 says tsm1 'antivirus - cannot_tell antivirus.folder_unseen folder=/srv/private why=@antivirus.why.not_permitted'
check "A login whose key may not be read is not made" \
  within 10 says tsm1 "login ssh://$far:22 cannot_tell observation.not_permitted"
check "and the file is named" says tsm1 "login ssh://$far:22 cannot_tell run.error what=/etc/tocsin/login.key: Permission denied"
check "The one here is its unit's, which has what it needs" within 10 says tsm1 'login local normal login.ok'
check "Ports that only root may bind are not tried, which is said" within 10 says tsm1 'sockets - … port.not_tried to=1023'
check "Processes are not normal" within 10 says tsm1 'processes - cannot_tell process.not_permitted'
only_that() { found tsm1 'all(.[]; .closedAt != null or (.subject | startswith("tcp any 4444 ")))'; }
check "Nothing of all this is a finding" only_that
check "nor on the other host" finds_nothing "$far"
check "and what was found with all rights is still found" finds tsm1 port.unexpected 'tcp any 4444 /usr/bin/socat root'
check "Evidence that cannot be signed is not to be had" refused "could not sign" \
  ctl --lang en evidence collect tsm1 --reason "M-11" --wait --timeout 60s

# ---- somebody with no rights at all asks the host itself

tsm setpriv --reuid nobody --regid nogroup --clear-groups tocsin-agent diagnose --format json >"$work/diagnosis"
diagnosed() { jq -e "[.items[].checks[] | {key: .check, value: .verdict}] | from_entries | $1" "$work/diagnosis" >/dev/null; }
check "A diagnosis by an ordinary user says of each check that it cannot tell" \
  diagnosed '(length > 7) and all(.[]; . == "cannot_tell")'

# ---- with all of them again

tsm sh -c 'rm /etc/systemd/system/tocsin-agent-observer.service.d/less.conf && systemctl daemon-reload &&
  systemctl restart tocsin-agent-observer'
tsm systemctl stop serve-4444
check "With its rights back all is well" within 30 all_normal
check "and nothing stays open" within 15 finds_nothing tsm1
cases_end
