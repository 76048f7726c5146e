#!/bin/sh
# run.sh [--long] [-R PATTERN]: installs the test packages, builds with AddressSanitizer and UBSan, runs every
# test, and closes with "N passed, N failed". --long runs the long forms too. The CI calls this and nothing else.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
only=""
while [ $# -gt 0 ]; do
	case $1 in
	--long) export WY_LONG=1 ;;
	-R) [ $# -ge 2 ] || { echo "run.sh: -R needs a pattern" >&2; exit 2; }; only=$2; shift ;;
	*) echo "usage: run.sh [--long] [-R PATTERN]" >&2; exit 2 ;;
	esac
	shift
done

"$here/deploy/packages.sh" test

build=${WY_BUILD_DIR:-$here/build/test}
export PYTHONDONTWRITEBYTECODE=1
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_stack_use_after_return=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$here/tests/support/lsan.supp:print_suppressions=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
mkdir -p "$build"
cmake -S "$here" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo \
	-DWY_SANITIZE=address,undefined -DWY_WERROR=ON >"$build.configure.log" 2>&1 ||
	{ cat "$build.configure.log" >&2; echo "0 passed, 1 failed"; exit 1; }
echo "building (ASan, UBSan) ..."
if ! ninja -C "$build" >"$build.build.log" 2>&1; then
	grep -v '^\[' "$build.build.log" | tail -n 60 >&2
	echo "0 passed, 1 failed"
	exit 1
fi

report=$build/report.xml
rm -f "$build/Testing/Temporary/LastTest.log"
# More at a time than there are processors: half of the tests mostly wait for a device, a broker or a death. Long ones begin
# first (COST in the CMakeLists.txt files), so that none is alone at the end.
set +e
ctest --test-dir "$build" -j "$(($(nproc) * 2 + 1))" --output-on-failure --timeout 300 --output-junit "$report" \
	${only:+-R "$only"}
set -e
count() { sed -n "s/.*<testsuite[^>]* $1=\"\([0-9]*\)\".*/\1/p; s/^[[:space:]]*$1=\"\([0-9]*\)\".*/\1/p" "$report" | head -n 1; }
total=$(count tests)
failed=$(count failures)
skipped=$(count skipped)
disabled=$(count disabled)
bad=$((failed + skipped + disabled)) # a test that did not run has not passed
# What a machine does not allow, and what stands for it (tests/faults/README.md).
grep -h '^SKIPPED' "$build/Testing/Temporary/LastTest.log" 2>/dev/null | sort -u || true
echo "$((total - bad)) passed, $bad failed"
[ "$bad" -eq 0 ] && [ "$total" -gt 0 ]
