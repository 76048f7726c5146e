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
if ! npm install --omit=optional --ignore-scripts --no-audit --no-fund --no-package-lock >npm.log 2>&1; then
	tail -n 20 npm.log >&2
	exit 1
fi
cp "$here/package.json" installed.json
