#!/bin/sh
# run.sh BUILD_DIR SECONDS [TARGET...]: builds the fuzz targets with clang into BUILD_DIR and runs each for so long (for an
# hour where WY_LONG is set), two at a time. A finding ends it with 1 and says where the input lies; put it among the seeds when it is mended.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ $# -ge 2 ] || { echo "usage: run.sh BUILD_DIR SECONDS [TARGET...]" >&2; exit 2; }
build=$1
seconds=$2
[ -z "${WY_LONG:-}" ] || seconds=3600
shift 2
[ $# -gt 0 ] || set -- yaml lexer parser rules state senml coap modbus_tcp modbus_rtu tls
targets=""
for name in "$@"; do targets="$targets fuzz_$name"; done

cmake -S "$here/../.." -B "$build" -G Ninja -DCMAKE_C_COMPILER=clang -DWY_FUZZ=ON \
	-DWY_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo >"$build.configure.log" 2>&1 ||
	{ cat "$build.configure.log" >&2; exit 2; }
# shellcheck disable=SC2086 # a list of names without blanks
ninja -C "$build" $targets >"$build.build.log" 2>&1 || { tail -n 40 "$build.build.log" >&2; exit 2; }

fuzz_one() {
	name=$1
	work=$build/fuzz-$name
	mkdir -p "$work/corpus"
	packs=""
	dict=""
	case $name in yaml | lexer | parser | rules | state) dict=-dict=$here/rules.dict ;; esac
	[ "$name" != rules ] || packs=$here/../../rules/packs
	[ "$name" != yaml ] || packs=$here/../../rules/packs
	# shellcheck disable=SC2086
	if "$build/bin/fuzz_$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=20000 -verbosity=0 \
		$dict -artifact_prefix="$work/" "$work/corpus" "$here/seeds/$name" $packs >"$work/log" 2>&1; then
		echo "fuzz_$name: $seconds s, no finding"
	else
		echo "fuzz_$name: A FINDING in $work"
		tail -n 60 "$work/log"
		return 1
	fi
}

bad=0
running=""
for name in "$@"; do
	fuzz_one "$name" &
	running="$running $!"
	# shellcheck disable=SC2086
	set -- $running
	if [ $# -ge 2 ]; then
		wait "$1" || bad=1
		running="$2"
	fi
done
for pid in $running; do wait "$pid" || bad=1; done
exit $bad
