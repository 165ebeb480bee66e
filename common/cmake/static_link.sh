#!/bin/bash
# static_link.sh LINKER ARGUMENTS…: links a program with Debian's static libraries where we want them.
#
# Debian's CMake packages name only the shared gRPC, protobuf, abseil and OpenSSL. The agent must run on
# many hosts, and shared it needs twice as much memory, so the arguments are changed here: each shared
# library of the list becomes its archive, and the archives that those need in turn follow. {fmt}, of
# which there is no archive, is in agent/app/static_fmt.cpp. libc, libm, and in the observer libmnl and
# libsystemd (no archives either) stay shared.
#
# GNU's linker, and not a faster one, because it packs the addresses that are corrected when a program
# is loaded: 20 KB of each program instead of 800, all of which would be read and stay in memory.
set -eu
lib=/usr/lib/$(gcc -dumpmachine)

wanted='^lib(grpc\+\+|grpc|gpr|address_sorting|upb|protobuf|absl_[a-z0-9_]+|ssl|crypto|cares|re2|z|sqlite3|utf8proc)\.so'
arguments=()
for argument in "$@"; do
  case $argument in
    -l*) name=lib${argument#-l}.so ;;
    *) name=${argument##*/} ;;
  esac
  [[ $name == libfmt.so* || $argument == -fuse-ld=* ]] && continue
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
exec "${arguments[@]}" -fuse-ld=bfd -Wl,-z,pack-relative-relocs \
  -static-libstdc++ -static-libgcc -Wl,--as-needed -Wl,--start-group "${needed[@]}" -Wl,--end-group
