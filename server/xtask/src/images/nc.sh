#!/bin/sh
# Alpine's nc keeps listening with -k; Debian's busybox spells that -ll. What follows -e is the program's.
for argument; do
    shift
    case $argument in
    -e) program=yes ;;
    -*k*) [ "$program" ] || argument=$(echo "$argument" | tr k l) ;;
    esac
    set -- "$@" "$argument"
done
exec busybox nc "$@"
