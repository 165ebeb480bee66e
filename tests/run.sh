#!/bin/bash
# Builds Tocsin and runs its tests. As root on a bare Debian 12 it installs what it needs first.
#
#   tests/run.sh                 every kind but fuzz, which needs a build of its own
#   tests/run.sh unit            one kind: tidy unit conformance integration e2e sim
#   tests/run.sh fuzz            the fuzz targets for a short while each (--preset fuzz)
#   tests/run.sh --preset asan --cmake -DTOCSIN_WITH_GRPC=OFF unit conformance
#   tests/run.sh --only engine   only tests whose name matches
#
# The last line is `N passed, N failed`: single GoogleTest cases, and one for each other test. A test
# that was skipped, crashed or timed out has failed. Exit 1 when something failed or nothing ran.
set -u
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source=../deploy/lib.sh
. deploy/lib.sh

preset=
only=
cmake_arguments=()
labels=()
while [ $# -gt 0 ]; do
  case $1 in
    --preset) preset=${2:?}; shift 2 ;;
    --cmake) cmake_arguments+=("${2:?}"); shift 2 ;;
    --only) only=${2:?}; shift 2 ;;
    -h | --help) sed -n '2,/^set -u/s/^# \{0,1\}//p' "$0"; exit 0 ;;
    tidy | tidy-clang | unit | conformance | integration | e2e | sim | fuzz) labels+=("$1"); shift ;;
    *) say "tests/run.sh: '$1' is not a kind of test; see tests/run.sh --help"; exit 2 ;;
  esac
done

if [ -z "$preset" ]; then
  preset=release
  [ "${labels[*]-}" != fuzz ] || preset=fuzz
fi

passed=0
failed=0
failures=()
finish() {
  if [ "${#failures[@]}" -gt 0 ]; then
    echo
    echo "Failed:"
    printf '  %s\n' "${failures[@]}"
  fi
  echo
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}
stop_with() {
  failed=$((failed + 1))
  failures+=("$1")
  finish
}

since=$SECONDS
step() { say "== $((SECONDS - since)) s: $*"; }

case " ${labels[*]:-e2e} " in *' e2e '*)
  [ "$(id -u)" = 0 ] || say "tests/run.sh: not root, so the e2e tests, which make hosts in namespaces, will fail; \`tests/run.sh unit\` and other kinds need no root"
esac

need_packages build test quickstart || stop_with "packages that the build and the tests need"

step "configuring preset $preset"
configure "$preset" "${cmake_arguments[@]}" || stop_with "configuring"

selection=()
if [ "${#labels[@]}" -gt 0 ]; then
  selection+=(-L "^($(IFS='|'; echo "${labels[*]}"))\$")
else
  selection+=(-LE '^tidy-clang$')
fi
[ -z "$only" ] || selection+=(-R "$only")
build=$PWD/build/$preset
mapfile -t tests < <(ctest --test-dir "$build" -N "${selection[@]}" |
  sed -n 's/^ *Test *#[0-9]*: //p')
[ "${#tests[@]}" -gt 0 ] || { say "There is no test of this kind."; finish; }

# A kind whose tests stand alone needs only its own targets; in the release build the others run the
# programs too.
targets=()
alone=$([ "${#labels[@]}" -gt 0 ] || [ -n "$only" ] && echo yes)
case "$preset ${labels[*]} " in
  'release '*' integration '* | *' e2e '*) alone= ;;
esac
if [ -n "$alone" ]; then
  mapfile -t targets < <(comm -12 <(printf '%s\n' "${tests[@]}" | sort) \
    <(ninja -C "$build" -t targets all | sed -n 's/: phony$//p' | sort -u))
  [ "${#targets[@]}" -gt 0 ] || targets=(none)
fi
if [ "${targets[*]-}" != none ]; then
  step "building"
  build "$preset" "${targets[@]}" || stop_with "building"
fi

step "running ${#tests[@]} tests"
rm -rf "$build/results"
mkdir -p "$build/results"
ctest --test-dir "$build" "${selection[@]}" -j "$(nproc)" --output-on-failure --timeout 600 \
  --output-junit "$build/results/ctest.junit" 2>&1 | grep -v -e '^ *Start ' -e '^Internal ctest'

# verdict_of TEST: "run", "fail" or another word, as ctest saw it.
verdict_of() {
  awk -v name="$1" '$0 ~ "<testcase name=\"" name "\"" {
      if (match($0, /status="[a-z]*"/)) {print substr($0, RSTART + 8, RLENGTH - 9); exit}}' \
    "$build/results/ctest.junit" 2>/dev/null
}
# cases_of XML: "cases not-passed", then a line for each that did not pass.
cases_of() {
  awk 'function name(attribute) {
         if (!match($0, " " attribute "=\"[^\"]*\"")) return ""
         return substr($0, RSTART + length(attribute) + 3, RLENGTH - length(attribute) - 4)}
       /<testcase / {all++; current = name("classname") "." name("name"); counted = 0
                     if (name("status") == "notrun" || name("result") == "skipped") {
                       bad[++n] = current " (not run)"; counted = 1}}
       /<failure / && !counted {bad[++n] = current; counted = 1}
       END {print all + 0, n + 0; for (i = 1; i <= n; i++) print bad[i]}' "$1"
}

for test in "${tests[@]}"; do
  verdict=$(verdict_of "$test")
  cases=0
  bad=0
  if [ -s "$build/results/$test.xml" ]; then
    mapfile -t lines < <(cases_of "$build/results/$test.xml")
    read -r cases bad <<<"${lines[0]}"
    for line in "${lines[@]:1}"; do failures+=("$test: $line"); done
  elif [ "$verdict" = run ]; then
    cases=1
  fi
  passed=$((passed + cases - bad))
  failed=$((failed + bad))
  if [ "$verdict" != run ] && [ "$bad" = 0 ]; then  # crashed, timed out, not built, or a script
    failed=$((failed + 1))
    failures+=("$test (${verdict:-not run})")
  fi
done
step "done"
finish
