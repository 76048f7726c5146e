#!/bin/sh
# sabotage.sh FILE SED OUT: FILE, changed by each line of the sed script SED in turn. A line that changes nothing is an
# error: then the product is not what the saboteur was made for.
set -eu
file=$1 script=$2 out=$3
mkdir -p "$(dirname "$out")"
work=$out.work
trap 'rm -f "$work" "$work.next"' EXIT
cp "$file" "$work"
lines=0
while IFS= read -r line || [ -n "$line" ]; do
	case $line in '' | '#'*) continue ;; esac
	sed -E -e "$line" "$work" >"$work.next"
	if cmp -s "$work" "$work.next"; then
		echo "sabotage.sh: $script changes nothing in $file:" >&2
		echo "  $line" >&2
		exit 1
	fi
	mv "$work.next" "$work"
	lines=$((lines + 1))
done <"$script"
[ "$lines" -gt 0 ] || { echo "sabotage.sh: $script is empty" >&2; exit 1; }
mv "$work" "$out"
