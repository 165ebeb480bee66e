#!/bin/bash
# clang-tidy-14 on the pure core: clang_tidy.sh BUILD_FOLDER (with compile_commands.json).
set -u
build=$(cd "${1:?build folder}" && pwd) || exit 1
cd "$(dirname "$0")/../.." || exit 1

if clang-tidy-14 --quiet tests/data/tidy/clang_tidy/bad.cxx -- -std=c++20 >/dev/null 2>&1; then
  echo "clang-tidy-14 finds nothing wrong in tests/data/tidy/clang_tidy/bad.cxx"
  exit 1
fi

find common/base common/model common/rules collector/core -name '*.cpp' -print0 |
  xargs -0 -n 4 -P "$(nproc)" clang-tidy-14 --quiet -p "$build" 2>/dev/null
