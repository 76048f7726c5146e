#!/bin/sh
# Everything the driver imports from libmodbus must be on this list: nothing on it can write or serve.
set -eu
found=$(nm --undefined-only "$1" | awk '$1 == "U" && $2 ~ /^modbus_/ {print $2}' | sort -u)
own=$(nm --defined-only "$1" | awk 'NF == 3 {print $3}' | sort -u)
allowed='modbus_close modbus_connect modbus_free modbus_get_socket modbus_new_rtu modbus_new_tcp
modbus_receive_confirmation modbus_send_raw_request modbus_set_byte_timeout modbus_set_error_recovery
modbus_set_response_timeout modbus_set_slave modbus_set_socket'
[ -n "$found" ] || { echo "no import of libmodbus found in $1"; exit 1; }
status=0
for name in $found; do
	echo "$own" | grep -qx "$name" && continue
	echo "$allowed" | tr ' ' '\n' | grep -qx "$name" || { echo "$name is not allowed"; status=1; }
done
exit $status
