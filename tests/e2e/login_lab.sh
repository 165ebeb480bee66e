# shellcheck shell=bash
# Sourced by stories of the login test after site.sh: tsm1 logs in to itself through PAM, by the unit in
# its sandbox, and to bk1 over SSH.
# shellcheck disable=SC2154  # $bin and $work are of site.sh.

tsm() { hosts exec tsm1 "$@"; }
bk() { hosts exec bk1 "$@"; }

# The test's program, as its package would bring it, with the shared libraries it depends on.
install_login() {
  hosts put tsm1 "$bin/tocsin-agent-login" /usr/bin/tocsin-agent-login 755 || return 1
  ldd "$bin/tocsin-agent-login" | awk '$3 ~ /^\// {print $3}' | sort -u |
    tar -C / -chf - -T - 2>/dev/null | tsm tar -C / --skip-old-files -xf - || return 1
  hosts put tsm1 deploy/pam.d/tocsin-probe /etc/pam.d/tocsin-probe || return 1
  hosts put tsm1 deploy/systemd/tocsin-agent-login.socket \
    /usr/lib/systemd/system/tocsin-agent-login.socket || return 1
  hosts put tsm1 deploy/systemd/tocsin-agent-login@.service \
    /usr/lib/systemd/system/tocsin-agent-login@.service
}
set_password() {
  tsm sh -c 'umask 077; printf "%s\n" "$1" >/etc/tocsin/login.password' sh "$1"
  tsm sh -c 'echo "tocsin-probe:$(cat /etc/tocsin/login.password)" | chpasswd'
}
# The account tsm1 has for itself: no shell. The one that bk1 has for tsm1: nothing but one command.
make_accounts() {
  tsm useradd --system --create-home --home-dir /var/lib/tocsin-probe --shell /usr/sbin/nologin \
    tocsin-probe || return 1
  set_password "of-$RANDOM-$RANDOM-nobody" || return 1
  bk useradd --system --create-home --home-dir /var/lib/tocsin-probe --shell /bin/sh tocsin-probe ||
    return 1
  hosts put bk1 deploy/login/tocsin-probe-answer /usr/lib/tocsin/tocsin-probe-answer 755
  ssh-keygen -q -t ed25519 -N '' -C tocsin -f "$work/key" || return 1
  hosts put tsm1 "$work/key" /etc/tocsin/login.key 600
  echo "restrict,command=\"/usr/lib/tocsin/tocsin-probe-answer\" $(cat "$work/key.pub")" >"$work/keys"
  hosts put bk1 "$work/keys" /var/lib/tocsin-probe/.ssh/authorized_keys
}
host_key_of_bk() { bk cat /etc/ssh/ssh_host_ed25519_key.pub | cut -d ' ' -f 1,2; }
# As in deploy/examples/agent.toml, but in a hurry.
add_login_to_file() {
  cat >>"$work/agent.toml" <<TOML

[login]
account = "tocsin-probe"
password_file = "/etc/tocsin/login.password"
least_interval = "1s"
hold = "5min"

[[login.targets]]
address = "10.77.0.12:22"
account = "tocsin-probe"
key_file = "/etc/tocsin/login.key"
host_key = "$(host_key_of_bk)"

[[checks]]
kind = "login"
target = "local"
interval = "3s"

[[checks]]
kind = "login"
target = "ssh://10.77.0.12:22"
interval = "2s"
TOML
  hosts put tsm1 "$work/agent.toml" /etc/tocsin/agent.toml
}
# What a person does after a fault was taken away: the secret is written anew, so the hold ends.
renew_password() { set_password "again-$RANDOM-$RANDOM"; }
renew_key() { tsm touch /etc/tocsin/login.key; }
