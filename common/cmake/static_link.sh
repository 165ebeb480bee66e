#!/bin/bash
# static_link.sh LINKER ARGUMENTS…: links a program with Debian's static libraries where we want them.
#
# Debian's CMake packages name only the shared gRPC, protobuf, abseil and OpenSSL. One agent binary must
# run on many hosts, and shared it needs half as much memory again, so the arguments are changed here:
# each shared library of the list becomes its archive, and the archives that those need in turn follow.
# libc, libstdc++, libsystemd, fmt and spdlog stay shared (Debian has no archives of the last three).
set -eu
lib=/usr/lib/$(gcc -dumpmachine)

wanted='^lib(grpc\+\+|grpc|gpr|address_sorting|upb|protobuf|absl_[a-z0-9_]+|ssl|crypto|cares|re2|z|sqlite3|utf8proc)\.so'
arguments=()
for argument in "$@"; do
  case $argument in
    -l*) name=lib${argument#-l}.so ;;
    *) name=${argument##*/} ;;
  esac
  archive=$lib/${name%%.so*}.a
  if [[ $name =~ $wanted && -f $archive ]]; then
    arguments+=("$archive")
  else
    arguments+=("$argument")
  fi
done

needed=()
for flag in $(pkg-config --static --libs grpc++ protobuf libcares re2 libssl | tr ' ' '\n' | sort -u); do
  archive=$lib/lib${flag#-l}.a
  [[ lib${flag#-l}.so =~ $wanted && -f $archive ]] && needed+=("$archive")
done
exec "${arguments[@]}" -Wl,--start-group "${needed[@]}" -Wl,--end-group
