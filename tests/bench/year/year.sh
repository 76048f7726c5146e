#!/bin/sh
# year.sh [SEED [DAYS]]: a simulated year of one building through the shipped packs and through bare thresholds, and
# what each of them saw. Builds without sanitizers into build/bench; needs about 2 GB of disk and some minutes.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
source=$(CDPATH='' cd -- "$here/../../.." && pwd)
build=${WY_BENCH_DIR:-$source/build/bench}
seed=${1:-1}
days=${2:-365}
work=$build/year-$seed
packs=$source/rules/packs
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DWY_TESTS=ON >/dev/null
ninja -C "$build" weiyu year_generate >/dev/null
mkdir -p "$work"
"$build/bin/year_generate" --seed "$seed" --days "$days" "$work"

replay() {
	log=$1
	shift
	"$build/bin/weiyu" replay --classes "$packs/classes.yaml" --faults "$packs/faults" --tiers "$packs/tiers.yaml" \
		--site "$work/site.yaml" --hold --csv "$work/rows.csv" --log "$work/$log" "$@"
}

rules=""
for file in "$packs"/*.yaml; do
	case $(head -n 1 "$file") in "weiyu: rules/1"*) rules="$rules --rules $file" ;; esac
done
# shellcheck disable=SC2086 # a list of options
replay ours.log $rules
replay bare.log --rules "$here/bare.yaml"
exec python3 "$here/report.py" "$work/truth.csv" "$work/ours.log" "$work/bare.log" --days "$days" \
	--rules "$packs" "$here/bare.yaml"
