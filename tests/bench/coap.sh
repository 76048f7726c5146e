#!/bin/sh
# coap.sh: hundreds of observed CoAP sensors in one process, plain and with DTLS: time, memory, CPU. Builds without
# sanitizers into build/bench.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
build=${WY_BENCH_DIR:-$here/build/bench}
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWY_TESTS=ON >/dev/null
ninja -C "$build" coap_many_test >/dev/null
for sensors in 500 1000; do
	"$build/bin/coap_many_test" $sensors 50 10 2>&1 | grep -v '^\['
	"$build/bin/coap_many_test" $sensors 50 10 psk 2>&1 | grep -v '^\['
done
