#!/bin/sh
# Says, copies, waits and ends as workflows ask: the program of the argosay images.
# Without arguments: the greeting.
[ $# -gt 0 ] || set -- echo 'hello argo'
verb=$1
shift

case $verb in
echo)
    # echo TEXT [FILE]: to standard output, or to a file.
    text=${1-}
    if [ $# -lt 2 ]; then
        echo "$text"
    else
        mkdir -p "$(dirname "$2")" && echo "$text" >"$2"
    fi
    ;;
cat) exec cat "$@" ;;
sleep) exec sleep "$@" ;;
exit) exit "${1-0}" ;;
assert_contains)
    # assert_contains FILE TEXT: fails unless the file holds the text.
    grep -qF -- "$2" "$1" || {
        echo "$1 does not contain $2" >&2
        exit 1
    }
    ;;
sh) exec sh "$@" ;;
*)
    echo "argosay: unknown verb $verb (echo, cat, sleep, exit, assert_contains, sh)" >&2
    exit 64
    ;;
esac
