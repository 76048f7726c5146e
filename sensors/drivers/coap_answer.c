/* coap_answer.c: what came back from a device: matched, put together, ordered, decoded, reported.
 *
 * Runs inside libcoap's response handler, so it sends but never drops a session; what must end is
 * noted in the device and done by coap.c once libcoap has returned. Answering COAP_RESPONSE_FAIL
 * resets the message: the device learns that nobody waits for it and forgets an old observer. */
#include <string.h>

#include "coap_field.h"
#include "judge.h"

#define MAX_AGE_DEFAULT_S 60   /* RFC 7252 5.10.5 */
#define NEWER_ANYWAY_MS 128000 /* RFC 7641 3.4 */
#define NUMBER_HALF (1u << 23)
#define BODY_TRIES 4 /* readings of a body without ETag, all different: it cannot be read */

/* A message as far as this file is concerned. */
struct answer {
	const coap_pdu_t *pdu;
	uint8_t code;
	const uint8_t *bytes;
	size_t len;
	bool has_number; /* it carries the Observe option */
	uint32_t number;
	bool has_block;
	coap_block_t block;
	bool is_notification;
	wy_ms took_ms;
};

bool coap_answer_is_newer(uint32_t last, wy_ms last_ms, uint32_t number, wy_ms now_ms)
{
	if (now_ms > last_ms + NEWER_ANYWAY_MS)
		return true;
	return last < number ? number - last < NUMBER_HALF : last - number > NUMBER_HALF;
}

void coap_exchange_close(struct coap_exchange *exchange)
{
	if (exchange->body)
		exchange->body->is_taken = false;
	*exchange = (struct coap_exchange){0};
}

static struct answer look_at(const coap_pdu_t *pdu)
{
	struct answer answer = {.pdu = pdu, .code = (uint8_t)coap_pdu_get_code(pdu)};

	if (!coap_get_data(pdu, &answer.len, &answer.bytes)) {
		answer.len = 0;
		answer.bytes = (const uint8_t *)"";
	}
	answer.has_number = coap_link_option(pdu, COAP_OPTION_OBSERVE, &answer.number);
	answer.has_block = coap_get_block(pdu, COAP_OPTION_BLOCK2, &answer.block) != 0;
	return answer;
}

/* ---- Payload to samples
 * ---------------------------------------------------------------------------- */

static void add_bad(struct coap_device *device, const struct coap_path *path, enum wy_why why,
		    struct sensor_report *report)
{
	for (size_t i = 0; i < path->n_points; i++) {
		struct wy_sample *sample = &report->sample[report->n++];
		*sample = (struct wy_sample){.point = path->points[i],
					     .at_ms = device->field->now_ms};
		sensor_judge_bad(why, sample);
	}
}

/* How to find a point's record: by the profile's name, else by the path. */
static const char *name_of(const struct sensor_profile_point *point)
{
	if (point->senml_name)
		return point->senml_name;
	return point->path + (point->path[0] == '/');
}

static void add_sample(struct coap_device *device, uint32_t index, bool is_text,
		       const struct answer *answer, struct sensor_report *report)
{
	const struct sensor_profile_point *point = &device->conf->profile->points[index];
	const struct senml_pack *pack = device->field->pack;
	const struct senml_record *record = &pack->record[0];
	enum wy_err err = is_text ? WY_OK : senml_find(pack, name_of(point), &record);

	/* A notification may tell only what has changed. */
	if (err == WY_E_NOTFOUND && answer->is_notification)
		return;
	struct wy_sample *sample = &report->sample[report->n++];
	if (err == WY_OK) {
		senml_sample(record, point, index, device->field->now_ms, sample);
		return;
	}
	*sample = (struct wy_sample){.point = index, .at_ms = device->field->now_ms};
	sensor_judge_bad(WY_WHY_PAYLOAD, sample);
}

static enum wy_err read_text(const struct answer *answer, const struct coap_path *path,
			     struct senml_pack *pack)
{
	(void)path;
	return senml_read_text(answer->bytes, answer->len, pack);
}

static enum wy_err read_json(const struct answer *answer, const struct coap_path *path,
			     struct senml_pack *pack)
{
	(void)path;
	return senml_read_json(answer->bytes, answer->len, pack);
}

static enum wy_err read_cbor(const struct answer *answer, const struct coap_path *path,
			     struct senml_pack *pack)
{
	(void)path;
	return senml_read_cbor(answer->bytes, answer->len, pack);
}

static enum wy_err read_lwm2m_json(const struct answer *answer, const struct coap_path *path,
				   struct senml_pack *pack)
{
	(void)path;
	return senml_read_lwm2m_json(answer->bytes, answer->len, pack);
}

static enum wy_err read_tlv(const struct answer *answer, const struct coap_path *path,
			    struct senml_pack *pack)
{
	return senml_read_tlv(path->path, answer->bytes, answer->len, pack);
}

/* What is understood, whatever was asked for: the answer says what it is. */
static const struct {
	uint32_t format;
	enum wy_err (*read)(const struct answer *, const struct coap_path *, struct senml_pack *);
} formats[] = {
	{COAP_FORMAT_TEXT, read_text},
	{COAP_FORMAT_SENML_JSON, read_json},
	{COAP_FORMAT_SENML_CBOR, read_cbor},
	{COAP_FORMAT_LWM2M_TLV, read_tlv},
	{COAP_FORMAT_LWM2M_JSON, read_lwm2m_json},
	{COAP_FORMAT_LWM2M_TLV_OLD, read_tlv},
	{COAP_FORMAT_LWM2M_JSON_OLD, read_lwm2m_json},
};

static enum wy_err read_payload(struct coap_device *device, const struct coap_path *path,
				const struct answer *answer, bool *ret_is_text)
{
	uint32_t format = COAP_FORMAT_TEXT;

	(void)coap_link_option(answer->pdu, COAP_OPTION_CONTENT_FORMAT, &format);
	*ret_is_text = format == COAP_FORMAT_TEXT;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].format == format)
			return formats[i].read(answer, path, device->field->pack);
	return WY_E_UNSUPPORTED;
}

static enum wy_err add_samples(struct coap_device *device, const struct coap_path *path,
			       const struct answer *answer, struct sensor_report *report)
{
	bool is_text;
	enum wy_err err;

	if (COAP_RESPONSE_CLASS(answer->code) != 2) {
		report->exception = answer->code;
		add_bad(device, path, WY_WHY_EXCEPTION, report);
		return WY_OK;
	}
	err = read_payload(device, path, answer, &is_text);
	if (err == WY_OK && is_text && path->n_points > 1)
		err = WY_E_UNSUPPORTED; /* one value without a name: whose? */
	if (err != WY_OK) {
		report->n_garbled = ++device->n_garbled;
		add_bad(device, path, WY_WHY_PAYLOAD, report);
		return err;
	}
	for (size_t i = 0; i < path->n_points; i++)
		add_sample(device, path->points[i], is_text, answer, report);
	return report->n > 0 ? WY_OK : WY_E_NOTFOUND;
}

static struct sensor_report begin_report(struct coap_device *device, const struct answer *answer)
{
	struct coap_field *field = device->field;

	return (struct sensor_report){.device = device->index,
				      .at_ms = field->now_ms,
				      .took_ms = answer->took_ms,
				      .n_max = field->n_samples_max,
				      .sample = field->samples,
				      .n_requests = device->n_requests,
				      .n_garbled = device->n_garbled};
}

/* The device has answered: next request one period on, in step with the last. */
static void settle(struct coap_device *device, struct coap_path *path)
{
	wy_ms now_ms = device->field->now_ms;

	device->failures = 0;
	if (path->due_ms <= now_ms)
		path->due_ms += ((now_ms - path->due_ms) / path->period_ms + 1) * path->period_ms;
}

static void deliver_links(struct coap_device *device, const struct answer *answer)
{
	uint32_t format = COAP_FORMAT_TEXT;

	(void)coap_link_option(answer->pdu, COAP_OPTION_CONTENT_FORMAT, &format);
	coap_discover_take(device->field, answer->code, format, answer->bytes, answer->len);
}

/* Some models do not have what the profile calls optional: that is no fault, and they need not be asked often. */
static bool is_lacking(const struct coap_device *device, const struct coap_path *path, const struct answer *answer)
{
	bool is_optional = answer->code == COAP_RESPONSE_CODE(404) || answer->code == COAP_RESPONSE_CODE(405);

	for (size_t i = 0; i < path->n_points && is_optional; i++)
		is_optional = device->conf->profile->points[path->points[i]].is_optional;
	return is_optional;
}

static void deliver(struct coap_device *device, struct coap_path *path, const struct answer *answer)
{
	struct sensor_report report = begin_report(device, answer);

	settle(device, path);
	if (device->field->discovery) {
		deliver_links(device, answer);
		return;
	}
	(void)!add_samples(device, path, answer, &report);
	if (is_lacking(device, path, answer)) {
		report.exception = 0;
		path->due_ms = device->field->now_ms + WY_COAP_LACKING_MS;
	}
	device->field->take(device->field->arg, &report);
}

static void deliver_bad(struct coap_device *device, struct coap_path *path,
			const struct answer *answer, enum wy_why why)
{
	struct sensor_report report = begin_report(device, answer);

	settle(device, path);
	add_bad(device, path, why, &report);
	device->field->take(device->field->arg, &report);
}

/* ---- Observation
 * -------------------------------------------------------------------------------------- */

/* Believe in the observation until its Max-Age and one full exchange have passed; the jitter keeps
 * the observers of a server that lost them all from coming back together. */
static void refresh(struct coap_device *device, struct coap_path *path, const struct answer *answer)
{
	uint32_t age_s = MAX_AGE_DEFAULT_S;
	wy_ms age_ms;

	(void)coap_link_option(answer->pdu, COAP_OPTION_MAXAGE, &age_s);
	age_ms = (wy_ms)age_s * 1000;
	if (age_ms > WY_COAP_MAX_AGE_MOST_MS)
		age_ms = WY_COAP_MAX_AGE_MOST_MS;
	path->is_live = true;
	path->number = answer->number;
	path->number_ms = device->field->now_ms;
	path->watch_ms = device->field->now_ms + age_ms + 3 * device->timeout_ms +
			 coap_jitter(device->field, age_ms / 4);
}

static void take_notification(struct coap_device *device, struct coap_path *path,
			      const struct answer *answer)
{
	wy_ms now_ms = device->field->now_ms;

	if (COAP_RESPONSE_CLASS(answer->code) != 2 || !answer->has_number) {
		path->is_live =
			false; /* RFC 7641 3.2: the last one; the next poll registers again */
		deliver(device, path, answer);
		return;
	}
	if (!coap_answer_is_newer(path->number, path->number_ms, answer->number, now_ms))
		return;
	refresh(device, path, answer);
	if (device->exchange.is_open && device->exchange.path == path)
		device->exchange.is_overtaken = true;
	if (answer->has_block && (answer->block.m || answer->block.num)) {
		path->due_ms = now_ms; /* only one block came: fetch the whole */
		return;
	}
	path->due_ms = now_ms + path->period_ms;
	deliver(device, path, answer);
}

/* ---- Answers to requests
 * -------------------------------------------------------------------------------- */

static struct coap_body *take_body(struct coap_field *field)
{
	for (size_t i = 0; i < WY_COAP_BODIES; i++) {
		struct coap_body *body = &field->bodies[i];
		if (!body->is_taken) {
			body->is_taken = true;
			body->len = 0;
			body->etag_len = 0;
			return body;
		}
	}
	return NULL;
}

/* Blocks of two states of a resource must not be joined: the ETag of all must be the first one's.
 */
static bool fits_etag(struct coap_body *body, const coap_pdu_t *pdu)
{
	coap_opt_iterator_t at;
	const coap_opt_t *option = coap_check_option(pdu, COAP_OPTION_ETAG, &at);
	size_t len = option ? coap_opt_length(option) : 0;

	if (len > sizeof(body->etag))
		return false;
	if (body->len == 0) {
		body->etag_len = len;
		if (len > 0)
			memcpy(body->etag, coap_opt_value(option), len);
		return true;
	}
	return len == body->etag_len &&
	       (len == 0 || memcmp(body->etag, coap_opt_value(option), len) == 0);
}

uint64_t coap_answer_hash(const uint8_t *bytes, size_t len)
{
	uint64_t hash = 0xCBF29CE484222325u;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001B3u;
	return hash;
}

/* Blocks without an ETag may be of two states, and a length that changed by a byte makes other numbers of them. So such a
 * body is believed only if it is the same as the one read before. */
static bool is_same_again(struct coap_path *path, const struct coap_body *body)
{
	uint64_t hash = coap_answer_hash(body->bytes, body->len);
	bool is_same = path->body_hash == hash;

	path->body_hash = hash;
	path->body_tries = is_same ? 0 : path->body_tries + 1;
	return is_same;
}

static enum wy_why join(struct coap_body *body, const struct answer *answer)
{
	size_t at = (size_t)answer->block.num << (answer->block.szx + 4);

	if (at != body->len || !fits_etag(body, answer->pdu))
		return WY_WHY_MISMATCH;
	if (answer->len > sizeof(body->bytes) - body->len)
		return WY_WHY_PAYLOAD;
	if (answer->block.m && answer->len != (size_t)1 << (answer->block.szx + 4))
		return WY_WHY_PAYLOAD;
	if (answer->len > 0)
		memcpy(body->bytes + body->len, answer->bytes, answer->len);
	body->len += answer->len;
	return WY_WHY_NONE;
}

static void ask_next(struct coap_device *device, const struct answer *answer)
{
	struct coap_exchange *exchange = &device->exchange;
	wy_ms now_ms = device->field->now_ms;
	wy_ms most_ms = exchange->began_ms + WY_COAP_BODY_MS;

	exchange->token = coap_link_token();
	exchange->deadline_ms = now_ms + 3 * device->timeout_ms;
	if (exchange->deadline_ms > most_ms)
		exchange->deadline_ms = most_ms;
	device->failed = coap_link_get(device, exchange->path, exchange->token, COAP_ASK_VALUE,
				       answer->block.num + 1, answer->block.szx);
}

/* One block of several. The exchange stays open until the last one or a fault. */
static void take_block(struct coap_device *device, struct answer *answer)
{
	struct coap_exchange *exchange = &device->exchange;
	struct coap_path *path = exchange->path;
	enum wy_why why;

	if (!exchange->body)
		exchange->body = take_body(device->field);
	if (!exchange->body) {
		path->due_ms = device->field->now_ms + device->timeout_ms;
		coap_exchange_close(exchange);
		return;
	}
	why = join(exchange->body, answer);
	if (why == WY_WHY_NONE && answer->block.m) {
		ask_next(device, answer);
		return;
	}
	if (why == WY_WHY_NONE && exchange->body->etag_len == 0 && answer->block.num > 0 &&
	    !is_same_again(path, exchange->body)) {
		if (path->body_tries < BODY_TRIES) {
			path->due_ms = device->field->now_ms;
			coap_exchange_close(exchange);
			return;
		}
		path->body_tries = 0;
		why = WY_WHY_MISMATCH;
	}
	answer->bytes = exchange->body->bytes;
	answer->len = exchange->body->len;
	if (why == WY_WHY_NONE)
		deliver(device, path, answer);
	else
		deliver_bad(device, path, answer, why);
	coap_exchange_close(exchange);
}

/* A device that cannot answer in the format asked for is asked for whatever it has. */
static bool lets_us_choose(const struct coap_path *path, const struct answer *answer)
{
	return path->accept != COAP_FORMAT_ANY && (answer->code == COAP_RESPONSE_CODE(406) ||
						   answer->code == COAP_RESPONSE_CODE(402));
}

static void take_registration(struct coap_device *device, struct coap_path *path, const struct answer *answer)
{
	struct coap_exchange *exchange = &device->exchange;
	bool is_good = COAP_RESPONSE_CLASS(answer->code) == 2;

	exchange->is_registration = false;
	path->is_live = false;
	path->token = exchange->token;
	if (is_good && answer->has_number)
		refresh(device, path, answer);
}

static void take_answer(struct coap_device *device, struct answer *answer)
{
	struct coap_exchange *exchange = &device->exchange;
	struct coap_path *path = exchange->path;
	bool is_good = COAP_RESPONSE_CLASS(answer->code) == 2;
	bool was_registration = exchange->is_registration;

	answer->took_ms = device->field->now_ms - exchange->began_ms;
	if (lets_us_choose(path, answer)) {
		path->accept = COAP_FORMAT_ANY;
		path->due_ms = device->field->now_ms;
		coap_exchange_close(exchange);
		return;
	}
	if (was_registration)
		take_registration(device, path, answer);
	/* Datagrams overtake each other: this may be older than what has been reported since it was asked for. A plain
	 * answer can be spared, since any later change is told; after a registration nothing may be missed. */
	if (is_good && exchange->is_overtaken) {
		settle(device, path);
		if (was_registration)
			path->due_ms = device->field->now_ms;
		coap_exchange_close(exchange);
		return;
	}
	if (is_good && answer->has_block &&
	    (answer->block.m || answer->block.num || exchange->body)) {
		take_block(device, answer);
		return;
	}
	deliver(device, path, answer);
	coap_exchange_close(exchange);
}

/* ---- Pushes
 * ---------------------------------------------------------------------------------------------- */

enum wy_err coap_answer_push(struct coap_device *device, struct coap_path *path, const coap_pdu_t *pdu)
{
	struct answer answer = look_at(pdu);
	struct sensor_report report;
	enum wy_err err;

	answer.code = COAP_RESPONSE_CODE(205); /* decoded as if we had asked */
	answer.is_notification = true;
	report = begin_report(device, &answer);
	err = add_samples(device, path, &answer, &report);
	device->failures = 0;
	device->heard_ms = device->field->now_ms;
	device->next_ms = device->field->now_ms;
	if (err != WY_E_NOTFOUND)
		device->field->take(device->field->arg, &report);
	return err;
}

/* ---- Matching
 * -------------------------------------------------------------------------------------------- */

static struct coap_path *observed_by(struct coap_device *device, const coap_pdu_t *pdu)
{
	for (size_t i = 0; i < device->n_paths; i++)
		if (device->paths[i].is_live && coap_link_is_token(pdu, device->paths[i].token))
			return &device->paths[i];
	return NULL;
}

coap_response_t coap_answer_take(coap_session_t *session, const coap_pdu_t *sent,
				 const coap_pdu_t *received, const coap_mid_t mid)
{
	struct coap_device *device = coap_link_device(session);
	struct answer answer;
	struct coap_path *path;

	(void)sent;
	(void)mid;
	if (!device)
		return COAP_RESPONSE_FAIL;
	device->next_ms = device->field->now_ms;
	answer = look_at(received);
	if (device->exchange.is_open && coap_link_is_token(received, device->exchange.token)) {
		take_answer(device, &answer);
		return COAP_RESPONSE_OK;
	}
	path = observed_by(device, received);
	if (!path)
		return COAP_RESPONSE_FAIL;
	answer.is_notification = true;
	take_notification(device, path, &answer);
	return COAP_RESPONSE_OK;
}
