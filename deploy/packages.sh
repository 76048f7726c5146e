#!/bin/sh
# packages.sh SET...: makes sure that the Debian packages of a set are there. Sets: build, demo, test.
#
# Asks the package database first, so that a second run needs neither network nor root. What is missing is
# installed as root, and named to everybody else.
set -eu

build="build-essential cmake ninja-build pkg-config libpaho-mqtt-dev libssl-dev libmodbus-dev libcoap3-dev
	libmbedtls-dev libsqlite3-dev libyaml-dev libjansson-dev libcbor-dev libsystemd-dev libpq-dev libzstd-dev"
demo="$build mosquitto openssl python3 sqlite3 tzdata netcat-openbsd"
test="$demo libcmocka-dev mosquitto-clients nats-server rabbitmq-server libcoap3-bin socat postgresql clang libclang-rt-14-dev clang-format
	python3-pytest python3-yaml python3-pymodbus python3-serial python3-serial-asyncio python3-jsonschema procps
	iproute2 nftables git systemd"
# Any Node.js will do for the servers of others in tests/interop; Debian's only where there is none.
command -v npm >/dev/null 2>&1 || test="$test nodejs npm"

wanted=""
for set in "$@"; do
	case $set in
	build) wanted="$wanted $build" ;;
	demo) wanted="$wanted $demo" ;;
	test) wanted="$wanted $test" ;;
	*) echo "packages.sh: no set '$set'; there are build, demo, test" >&2; exit 2 ;;
	esac
done
[ -n "$wanted" ] || { echo "usage: packages.sh build|demo|test ..." >&2; exit 2; }

missing=""
for package in $wanted; do
	case " $missing " in *" $package "*) continue ;; esac
	status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
	case $status in ii*) ;; *) missing="$missing $package" ;; esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
	echo "These Debian packages are missing; install them as root and start again:" >&2
	echo "  apt-get install --no-install-recommends$missing" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# Servers that packages bring along must not start: tests and demo start their own. A policy that is there already
# is somebody else's and stays.
policy=/usr/sbin/policy-rc.d
made_policy=no
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' >$policy
	chmod 755 $policy
	made_policy=yes
fi
trap '[ $made_policy = no ] || rm -f $policy' EXIT
log=$(mktemp)
if ! { apt-get -o Acquire::Retries=3 update && apt-get -o Acquire::Retries=3 install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -n 30 "$log" >&2
	rm -f "$log"
	exit 1
fi
rm -f "$log"
