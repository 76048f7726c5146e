/* sensor.h: the words shared by every driver: wire, device, report. Profiles are in profile.h, what a driver is in
 * driver.h.
 *
 * sensors/ knows devices and bytes, and nothing of rules, tickets or the store. It never logs, never
 * reads a clock (the caller hands in one) and never exits. */
#ifndef SENSOR_H
#define SENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "clocktypes.h"
#include "diag.h"
#include "err.h"
#include "wy_limits.h"
#include "model.h"
#include "node.h"
#include "profile.h"
#include "reading.h"
#include "units.h"

/* ---- Wires and devices, as the site file declares them -------------------------------------- */

struct sensor_wire_conf {
	const char *id;
	enum sensor_wire_kind kind;
	const char *host; /* TCP, CoAP: name or address */
	uint16_t port;
	const char *tty; /* RTU: device file */
	int baud;
	char parity; /* 'N' 'E' 'O' */
	int data_bits, stop_bits;
	wy_ms connect_ms; /* connect timeout */
	bool has_echo;    /* RTU: the adapter gives back what was sent */
	bool is_listening; /* CoAP: host and port are ours, and devices push to them (DTLS-PSK only) */
	/* TCP: Modbus/TCP Security; all NULL: plain. File names, resolved. */
	const char *tls_ca, *tls_certificate, *tls_key;
	const char *tls_name; /* the name the server's certificate must carry */
	const void *options;  /* of the driver's own keys (sensor_driver.wire), NULL: it has none */
};

struct sensor_device_conf {
	const char *id;
	uint32_t wire; /* index of its wire */
	const struct sensor_profile *profile;
	uint8_t unit_id;  /* Modbus */
	wy_ms timeout_ms; /* 0: the profile's */
	bool has_xor_seed; /* RTU: the checksum of some boards is a seed XOR each byte, not a CRC */
	uint16_t xor_seed;
	/* A point that is true while this device can be reached (a node bit of its gateway): the other device's index,
	 * and its point's. Only with has_alive. */
	bool has_alive;
	uint32_t alive_device, alive_point;
	const char *learned; /* what was learned of it in an earlier life (sensor_report), NULL: nothing */
	/* CoAP over DTLS-PSK; with dtls below neither: plain coap:// */
	const char *psk_identity;
	const uint8_t *psk_key;
	size_t psk_key_len;
	/* CoAP over DTLS with certificates: all or none. File names, resolved; read at each connection. */
	const char *dtls_ca, *dtls_certificate, *dtls_key;
	const char *dtls_name; /* the name or address the server's certificate must carry */
	wy_ms max_silence_ms;  /* CoAP, on a listening wire: nothing heard for so long is WY_E_TIMEOUT */
	const void *options; /* of the driver's own keys (sensor_driver.device), NULL: it has none */
};

/* ---- Reports: what a driver hands over ------------------------------------------------------ */

/* What a point of type text says (decode.h). */
struct sensor_text_said {
	uint32_t point;
	const char *text; /* UTF-8 */
};

/* One poll response or one notification: a turn. Points not listed were not asked. */
struct sensor_report {
	uint32_t device;
	enum wy_err err;   /* WY_OK: the device answered (samples may still be BAD, e.g. exception) */
	uint8_t exception; /* Modbus exception code, or CoAP response code (0x84 = 4.04), of the last refused block; 0: none */
	wy_ms at_ms;       /* mono: when the exchange ended */
	wy_ms took_ms;     /* request to answer */
	uint32_t n;
	uint32_t n_max;            /* room in sample[] */
	struct wy_sample *sample;  /* sample[i].point indexes the profile's points */
	/* Counted since start, modulo 2^32 */
	uint32_t n_requests; /* exchanges tried with this device */
	uint32_t n_garbled;  /* answers with a wrong checksum, address or length */
	bool has_changes, has_identity;
	uint32_t n_changes; /* values unlike the one before of their point; where they are counted */
	int64_t identity;   /* what tells this device from another of its kind; where it is known */
	/* What the driver has learned of the device, as text for sensor_device_conf.learned, at most
	 * WY_LEARNED_BYTES_MAX; NULL where nothing new was learned in this exchange. Borrowed like samples. */
	const char *learned;
	const char *words; /* more about err, for people; static storage. NULL: none */
	/* Texts that were read; of a poll that somebody asked for (sensor_driver.ask), where the driver knows texts. Borrowed
	 * like samples. */
	const struct sensor_text_said *texts;
	uint32_t n_texts;
};

/* The report and its samples are borrowed during the call, which comes from within a step only and must not call back
 * into the field. */
typedef void (*sensor_take)(void *arg, const struct sensor_report *report);

#endif
