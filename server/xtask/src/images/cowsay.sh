#!/bin/sh
# A cow that says its arguments.
text=$*
rule=$(printf '%s' "$text" | sed 's/./-/g')
printf ' %s\n< %s >\n %s\n' "--$rule" "$text" "--$rule"
cat <<'COW'
        \   ^__^
         \  (oo)\_______
            (__)\       )\/\
                ||----w |
                ||     ||
COW
