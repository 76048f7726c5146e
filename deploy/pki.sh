#!/bin/sh
# pki.sh: a throw-away PKI for demo and tests: a CA, the broker's certificate, one certificate per client.
#
# Everything is EC P-256. What exists is kept, so a second run only adds what is missing. The CA key lies
# beside the rest: good for a demo, never for a building. There the operator's CA signs requests and no
# private key travels.
set -eu

usage() {
	cat <<-'END'
	usage: pki.sh [--days N] [--bad] [--role ROLE] DIR [NAME ...]
	  DIR      gets ca.crt, ca.key, server.crt, server.key, and NAME.crt, NAME.key for each NAME
	  NAME     client identity, [a-z0-9-]{1,32}: it becomes the CN, and with it the user name at the broker
	  --days N validity of all certificates made now (default 30)
	  --role ROLE
	           the clients' certificates made now carry this Modbus role (Modbus/TCP Security: what a device
	           lets them do; [a-z0-9-]{1,32}, for Weiyu: monitor)
	  --bad    also DIR/bad: server certificates that must be refused (expired, early, soon, wrong-name,
	           wrong-use, other-ca) and a client certificate of another CA (gw-stranger)
	END
}

days=30
is_bad=no
role=
while [ $# -gt 0 ]; do
	case $1 in
	--days) [ $# -ge 2 ] || { usage >&2; exit 2; }; days=$2; shift 2 ;;
	--role) [ $# -ge 2 ] || { usage >&2; exit 2; }; role=$2; shift 2 ;;
	--bad) is_bad=yes; shift ;;
	-h | --help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	*) break ;;
	esac
done
case $days in '' | *[!0-9]* | 0) echo "pki.sh: --days: a number from 1 is expected" >&2; exit 2 ;; esac
case $role in
*[!a-z0-9-]*) echo "pki.sh: --role: [a-z0-9-]{1,32} is expected" >&2; exit 2 ;;
esac
[ ${#role} -le 32 ] || { echo "pki.sh: --role: '$role' is longer than 32" >&2; exit 2; }
[ $# -ge 1 ] || { usage >&2; exit 2; }
command -v openssl >/dev/null || { echo "pki.sh: openssl is missing (Debian package: openssl)" >&2; exit 1; }
dir=$1
shift
for name in "$@"; do
	case $name in
	'' | *[!a-z0-9-]* | ca | server)
		echo "pki.sh: '$name': [a-z0-9-]{1,32} is expected, not ca or server" >&2; exit 2 ;;
	esac
	[ ${#name} -le 32 ] || { echo "pki.sh: '$name' is longer than 32" >&2; exit 2; }
done

umask 077
mkdir -p "$dir"
work=$(mktemp -d "$dir/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
server_san=DNS:localhost,IP:127.0.0.1

new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

# new_ca STEM CN
new_ca() {
	[ -s "$1.crt" ] && return 0
	new_key "$work/key"
	openssl req -x509 -new -key "$work/key" -sha256 -days "$days" -subj "/O=Weiyu throw-away PKI/CN=$2" \
		-addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
		-out "$work/crt"
	mv "$work/key" "$1.key"
	mv "$work/crt" "$1.crt"
}

# new_cert CA_STEM STEM CN serverAuth|clientAuth SAN START END [ROLE]: the certificate comes last, so that
# an interrupted run is made good by the next one. START, END: YYYYMMDDHHMMSSZ, or empty for today + days.
new_cert() {
	[ -s "$2.crt" ] && [ -s "$2.key" ] && return 0
	new_key "$work/key"
	openssl req -new -key "$work/key" -subj "/O=Weiyu throw-away PKI/CN=$3" -out "$work/csr"
	: >"$work/index"
	cat >"$work/ca.cnf" <<-END
	[ca]
	default_ca = this
	[this]
	database = $work/index
	new_certs_dir = $work
	rand_serial = yes
	default_md = sha256
	policy = any
	unique_subject = no
	[any]
	organizationName = optional
	commonName = supplied
	[leaf]
	basicConstraints = critical,CA:FALSE
	keyUsage = critical,digitalSignature
	extendedKeyUsage = $4
	subjectAltName = $5
	authorityKeyIdentifier = keyid
	${8:+1.3.6.1.4.1.50316.802.1 = ASN1:UTF8String:$8}
	END
	if [ -n "$6" ]; then
		set -- "$1" "$2" -startdate "$6" -enddate "$7"
	else
		set -- "$1" "$2" -days "$days"
	fi
	ca=$1 stem=$2
	shift 2
	openssl ca -batch -notext -config "$work/ca.cnf" -extensions leaf -cert "$ca.crt" -keyfile "$ca.key" \
		-in "$work/csr" -out "$work/crt" "$@" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
	mv "$work/key" "$stem.key"
	mv "$work/crt" "$stem.crt"
}

new_ca "$dir/ca" "Weiyu throw-away CA"
new_cert "$dir/ca" "$dir/server" localhost serverAuth "$server_san" "" ""
for name in "$@"; do
	new_cert "$dir/ca" "$dir/$name" "$name" clientAuth "DNS:$name" "" "" "$role"
done

if [ $is_bad = yes ]; then
	mkdir -p "$dir/bad"
	new_ca "$dir/bad/ca" "Another CA"
	new_cert "$dir/ca" "$dir/bad/expired" localhost serverAuth "$server_san" 20200101000000Z 20210101000000Z
	new_cert "$dir/ca" "$dir/bad/early" localhost serverAuth "$server_san" 20900101000000Z 20910101000000Z
	new_cert "$dir/ca" "$dir/bad/soon" localhost serverAuth "$server_san" \
		"$(date -u -d '10 days' +%Y%m%d%H%M%SZ)" "$(date -u -d '20 days' +%Y%m%d%H%M%SZ)"
	new_cert "$dir/ca" "$dir/bad/wrong-name" broker.example serverAuth DNS:broker.example,IP:192.0.2.1 "" ""
	new_cert "$dir/ca" "$dir/bad/wrong-use" localhost clientAuth "$server_san" "" ""
	new_cert "$dir/bad/ca" "$dir/bad/other-ca" localhost serverAuth "$server_san" "" ""
	new_cert "$dir/bad/ca" "$dir/bad/gw-stranger" gw-stranger clientAuth DNS:gw-stranger "" ""
fi
