# shellcheck shell=bash
# Sourced by tests/run.sh, .ci/run and deploy/quickstart.sh: package lists, jobs, the build.
# Every function prints what it does on standard error and returns non-zero when it could not.

TOCSIN_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }

# packages_of LIST…: the packages named in deploy/debian-packages/LIST.txt.
packages_of() {
  local list
  for list in "$@"; do
    sed -e 's/#.*//' -e 's/[[:space:]]//g' -e '/^$/d' "$TOCSIN_ROOT/deploy/debian-packages/$list.txt"
  done | sort -u
}

# missing_packages LIST…: those that dpkg does not have installed. A tenth of a second when all are.
missing_packages() {
  comm -23 <(packages_of "$@") <(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' 2>/dev/null |
    sed -n 's/^ii //p' | sort -u)
}

# need_packages LIST…: installs what is missing; says plainly what to do when it cannot.
need_packages() {
  local missing
  command -v dpkg-query >/dev/null || { say "This is not Debian: dpkg-query is missing."; return 1; }
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    say "Not root, and these packages are missing. As root:"
    say "  apt-get install --no-install-recommends ${missing[*]}"
    return 1
  fi
  say "Installing ${#missing[@]} packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if { apt_get update && apt_get install -y --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  rm -f "$log"
  say "apt-get could not install them (no network, or no Debian 12 mirror?): ${missing[*]}"
  return 1
}

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=400 -o Acquire::Retries=3 "$@" \
    </dev/null
}

# build_jobs: as many as there are processors, and no more than one for 1.5 GB of memory.
build_jobs() {
  local processors memory
  processors=$(nproc)
  memory=$(awk '/^MemTotal/ {print int($2 / 1500000)}' /proc/meminfo)
  [ "${memory:-0}" -ge 1 ] || memory=1
  echo $((processors < memory ? processors : memory))
}

# configure PRESET [ARGUMENT…]: cmake --preset; its output only when it fails.
configure() {
  local preset=$1 log
  shift
  log=$(mktemp)
  if (cd "$TOCSIN_ROOT" && cmake --preset "$preset" "$@") >"$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  cat "$log" >&2
  rm -f "$log"
  say "cmake --preset $preset failed."
  return 1
}

# build PRESET [TARGET…]: ninja, with a line of progress now and then and all of its errors.
build() {
  local preset=$1
  shift
  export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$TOCSIN_ROOT} CCACHE_NOHASHDIR=1
  export CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:-time_macros}
  (set -o pipefail
   NINJA_STATUS='[%f/%t %es] ' ninja -C "$TOCSIN_ROOT/build/$preset" -j "$(build_jobs)" "$@" 2>&1 </dev/null |
     awk '/^ninja: (Entering|no work)/ {next}
          /^\[[0-9]+\/[0-9]+ / {split($1, part, /[\[\/]/); last = $0; now = $2 + 0
                              if (part[2] == part[3] || now >= told + 15) {
                                print; fflush(); told = now; last = ""}
                              next}
          {if (last != "") {print last; last = ""} print; fflush()}' >&2)
}
