#!/bin/sh
# demo.sh [--keep]: one building on the wire, from nothing, in about three minutes.
#
# Installs what it needs, builds, makes a throw-away PKI, starts a broker, the desk, a simulated building and the
# gateway, plays what deploy/demo/scenario.yaml.in tells, and compares what the desk has committed with the truth.
# Everything it makes lies under build/ of this checkout. Ctrl-C stops what it started and only that.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
case ${1:-} in
'' | --keep) ;;
*) echo "usage: demo.sh [--keep]   --keep: leave everything running at the end and say what to try" >&2; exit 2 ;;
esac

"$here/deploy/packages.sh" demo

build=${WY_DEMO_BUILD:-$here/build/demo}
mkdir -p "$build"
# In the background and waited for, so that a signal to this script alone ends the build as well.
build_step() {
	"$@" >>"$build/build.log" 2>&1 &
	step=$!
	wait $step
}
stop_build() {
	trap '' INT TERM HUP
	kill $step 2>/dev/null || true
	wait $step 2>/dev/null || true
	exit "$1"
}
step=
trap 'stop_build 130' INT
trap 'stop_build 143' TERM
trap 'stop_build 129' HUP
echo "building in $build (a minute or two the first time) ..."
: >"$build/build.log"
if ! { build_step cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DWY_TESTS=OFF &&
	build_step ninja -C "$build" weiyu weiyu-desk weiyu-sim; }; then
	tail -n 40 "$build/build.log" >&2
	exit 1
fi
trap - INT TERM HUP
exec python3 -B "$here/deploy/demo/play.py" "$here" "$build" "$@"
