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

# What one script turns off in a build folder, the preset turns on again for whoever builds there next.
mapfile -t off < <(grep -ho -e '-DTOCSIN_[A-Z_]*=OFF' deploy/quickstart.sh | sort -u)
[ "${#off[@]}" -gt 0 ] || { echo "deploy/quickstart.sh turns nothing off"; failed=1; }
for argument in "${off[@]}"; do
  option=${argument#-D}
  python3 - "${option%=OFF}" <<'EOF' || failed=1
import json, sys
presets = {p["name"]: p for p in json.load(open("CMakePresets.json"))["configurePresets"]}
if presets["release"]["cacheVariables"].get(sys.argv[1]) != "ON":
    sys.exit(f"CMakePresets.json: release does not set {sys.argv[1]}, which quickstart.sh turns off")
EOF
done
exit "$failed"
