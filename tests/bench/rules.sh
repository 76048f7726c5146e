#!/bin/sh
# rules.sh: speed and size of the rule engine, as a table. Builds without sanitizers into build/bench.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=${WY_BENCH_DIR:-$here/build/bench}
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWY_TESTS=ON >/dev/null
ninja -C "$build" rules_bench >/dev/null
exec "$build/bin/rules_bench"
