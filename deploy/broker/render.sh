#!/bin/sh
# render.sh PORT RUN: writes RUN/mosquitto.conf and RUN/acl. RUN/pki comes from ../pki.sh.
# Then: mosquitto -c RUN/mosquitto.conf
set -eu
[ $# -eq 2 ] || { echo "usage: render.sh PORT RUN" >&2; exit 2; }
case $1 in '' | *[!0-9]*) echo "render.sh: port '$1': a number is expected" >&2; exit 2 ;; esac
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$2/broker"
run=$(CDPATH='' cd -- "$2" && pwd)
case $run in *'|'* | *'&'* | *'\'* | *' '*) echo "render.sh: '$run': no blanks, |, & or \\ in the path" >&2; exit 2 ;; esac
sed -e "s|@PORT@|$1|g" -e "s|@RUN@|$run|g" "$here/mosquitto.conf.in" >"$run/mosquitto.conf"
cp "$here/acl" "$run/acl"
chmod 600 "$run/acl"
