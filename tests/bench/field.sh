#!/bin/sh
# field.sh: what polling costs: beside a bare libmodbus loop, with a hundred devices and with a thousand. Builds without
# sanitizers into build/bench; about five minutes on an idle machine.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=${WY_BENCH_DIR:-$here/build/bench}
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWY_TESTS=ON >/dev/null
ninja -C "$build" weiyu field_peer field_loops >/dev/null
exec python3 "$here/tests/bench/field/field.py" "$build"
