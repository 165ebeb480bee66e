#!/bin/bash
# Every C++ file is as clang-format-14 with .clang-format would write it. `format.sh --fix` writes it.
set -u
cd "$(dirname "$0")/../.." || exit 1

files() {
  find agent collector common tests -path tests/data -prune -o \
    \( -name '*.cpp' -o -name '*.hpp' \) -print0
}

if [ "${1-}" = --fix ]; then
  files | xargs -0 clang-format-14 --style=file -i
  exit
fi

# It can fail: the sample is not formatted. (A .cxx, so that it is no file of the tree.)
if clang-format-14 --style=file --assume-filename=tests/tidy/x.cpp --dry-run -Werror \
  <tests/data/tidy/format/bad.cxx 2>/dev/null; then
  echo "clang-format-14 finds nothing wrong in tests/data/tidy/format/bad.cxx"
  exit 1
fi

bad=$(files | xargs -0 clang-format-14 --style=file --dry-run -Werror 2>&1 |
  sed -n 's/^\([^ :]*\):[0-9]*:[0-9]*: error: .*/\1/p' | sort | uniq -c)
[ -z "$bad" ] && exit 0
echo "Not formatted (places, file); tests/tidy/format.sh --fix formats them:"
echo "$bad"
exit 1
