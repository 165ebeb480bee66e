#!/bin/bash
# The quickstart as a stranger uses it: shows everything, says how to go on, waits, and at Ctrl-C stops
# what it started and leaves nothing outside its folder.
#
# quickstart.sh BUILD_FOLDER RESULTS.xml      in a network of its own: unshare --net
set -u
cd "$(dirname "$0")/../.." || exit 1
build=$(realpath "${1:?build folder}")
# shellcheck source=../support/cases.sh
. tests/support/cases.sh
cases_begin Quickstart "${2:?results}"
work=$(mktemp -d /tmp/tocsin-e2e-XXXXXX)
script=
clean_up() {
  local status=$?
  [ -z "$script" ] || kill -KILL -- "-$script" 2>/dev/null
  [ "$cases_failed" = 0 ] || tail -n 40 "$work/output" "$work"/site/log/* 2>/dev/null
  rm -rf "$work"
  [ -n "$cases_ended" ] || cases_write
  exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# What it must not touch: everything else in the tree and in the homes of programs that it uses.
files_elsewhere() {
  find . \( -path ./.git -o -path ./build -o -name __pycache__ \) -prune -o -type f -newer "$work/begin" -print
  find "$HOME" /etc /var/lib/tocsin* /var/log/tocsin* -xdev \
    \( -path "$PWD" -o -path "$HOME/.cache/ccache" -o -path "$HOME/.ccache" \) -prune -o \
    -type f -newer "$work/begin" -print 2>/dev/null
}
says() { grep -qF -- "$1" "$work/output"; }
says_no_more() { ! grep -qF -- "$1" "$work/output"; }
ended() { ! kill -0 "$script" 2>/dev/null; }
not_ended() { ! ended; }
nobody_left() { [ -z "$(pgrep -s "$script")" ]; }
quickstart_exit() {
  wait "$script"
  local code=$?
  [ "$code" = "$1" ]
}
mail_names() { deploy/mailbox.py "$work/site/mailbox" "$1" >/dev/null; }

touch "$work/begin"
sleep 0.01
# A script's background commands ignore Ctrl-C unless they are told not to.
setsid env --default-signal=INT LANG=C.UTF-8 deploy/quickstart.sh --dir "$work/site" \
  >"$work/output" 2>&1 </dev/null &
script=$!
waits() { says "Ctrl-C stops everything" || ended; }
check "It gets as far as saying how to go on" within 300 waits
check "and goes on running" not_ended || exit 1
for words in "tocsin-agent diagnose" "tocsinctl incidents show" "The mail on the duty desk" \
  "How things stand" "tq ack"; do
  check "It shows \"$words\"" says "$words"
done
port=$(sed -n 's/.*begins to listen on 127.0.0.1:\([0-9]*\)$/\1/p' "$work/output")
check "It provoked a listener" test -n "$port" || exit 1
check "The incident is explained by its rule" grep -qE '^ *(rule|規則|Rule).*[A-E][0-9]' "$work/output"
check "The mail names the port" mail_names "$port"
check "It has nothing to complain about" says_no_more "Failed:"
# Ctrl-C: to everything that the terminal runs in the foreground.
kill -INT -- "-$script"
check "Ctrl-C ends it" within 30 ended
check "as one that was interrupted" quickstart_exit 130
check "with everything that it started" within 5 nobody_left
check "and leaves nothing outside its folder" test -z "$(files_elsewhere)"
cases_end
