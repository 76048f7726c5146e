#!/bin/sh
# npm.sh DIR: installs what package.json names into DIR/node_modules, once for each state of package.json.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
dir=$1
mkdir -p "$dir"
if [ -d "$dir/node_modules" ] && cmp -s "$here/package.json" "$dir/installed.json"; then
	exit 0
fi
rm -rf "$dir/node_modules" "$dir/installed.json"
cp "$here/package.json" "$dir/package.json"
cd "$dir"
# A registry may be out of reach for a moment.
try=1
until npm install --omit=optional --ignore-scripts --no-audit --no-fund --no-package-lock >npm.log 2>&1; do
	[ $try -lt 3 ] || { tail -n 20 npm.log >&2; exit 1; }
	sleep $((try * 10))
	try=$((try + 1))
done
cp "$here/package.json" installed.json
