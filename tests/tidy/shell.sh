#!/bin/bash
# Every shell script parses, is executable where it is meant to be run, and none waits blindly.
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=0

if bash -n tests/data/tidy/shell/bad.txt 2>/dev/null; then
  echo "bash -n finds nothing wrong in tests/data/tidy/shell/bad.txt"
  failed=1
fi

mapfile -t scripts < <(grep -rlE --exclude-dir=node_modules '^(#!/bin/bash|# shellcheck shell=bash)' \
  .ci agent collector common deploy tests | grep -v '^tests/data/' | sort)
[ "${#scripts[@]}" -gt 3 ] || { echo "found only: ${scripts[*]}"; failed=1; }
for script in "${scripts[@]}"; do
  bash -n "$script" || failed=1
  if [ "$(head -c 11 "$script")" = '#!/bin/bash' ] && [ ! -x "$script" ]; then
    echo "$script: has #!/bin/bash and is not executable"
    failed=1
  fi
done
exit "$failed"
