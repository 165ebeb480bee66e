# shellcheck shell=bash
# Sourced by tests that are scripts, so that each of their steps counts as a test case:
#   cases_begin NAME RESULTS.xml     before the first; without RESULTS nothing is written
#   check "Words that say what holds" COMMAND…    passes when the command succeeds
#   cases_end                        writes the results; fails when a case did
# A case that fails does not end the script, unless the rest makes no sense: `check … || exit 1`.
# Results are written at exit, however the script ends.

cases_begin() {
  cases_name=$1
  cases_results=${2:-}
  cases_lines=()
  cases_failed=0
  cases_ended=
  cases_since=$SECONDS
}

cases_escape() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g' -e 's/"/\&quot;/g'; }

# say WORDS: on the test's output, with the time.
say_step() { printf '[%3d s] %s\n' $((SECONDS - cases_since)) "$*"; }

check() {
  local words=$1 name
  shift
  name=$(printf '%s' "$words" | cases_escape)
  if "$@"; then
    say_step "ok      $words"
    cases_lines+=("<testcase name=\"$name\" status=\"run\" classname=\"$cases_name\" />")
  else
    say_step "NOT OK  $words"
    cases_failed=$((cases_failed + 1))
    cases_lines+=("<testcase name=\"$name\" status=\"run\" classname=\"$cases_name\">"
      "<failure message=\"$(printf '%s' "$*" | head -c 300 | cases_escape)\" /></testcase>")
    return 1
  fi
}

cases_write() {
  [ -n "$cases_results" ] || return 0
  mkdir -p "$(dirname "$cases_results")"
  {
    echo '<?xml version="1.0" encoding="UTF-8"?>'
    echo '<testsuites>'
    printf '%s\n' "${cases_lines[@]}"
    echo '</testsuites>'
  } >"$cases_results"
}

cases_end() {
  cases_ended=yes
  cases_write
  [ "$cases_failed" = 0 ] && [ "${#cases_lines[@]}" -gt 0 ]
}

# within SECONDS COMMAND…: again and again until it succeeds; fails when the time is over.
within() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}
