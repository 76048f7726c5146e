/* receive.c: see receive.h. jansson refuses duplicate keys and bad UTF-8; depth and size are bounded
 * by it and by RECEIVE_BYTES_MAX. */
#include "receive.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "stamp.h"

static json_t *parse(const void *payload, size_t len)
{
	json_error_t error;

	if (len > RECEIVE_BYTES_MAX)
		return NULL;
	json_t *root = json_loadb(payload, len, JSON_REJECT_DUPLICATES, &error);
	if (root && !json_is_object(json_object_get(root, "data"))) {
		json_decref(root);
		return NULL;
	}
	return root;
}

static bool read_count(const json_t *number, uint64_t *ret_value)
{
	if (!json_is_integer(number) || json_integer_value(number) < 0)
		return false;
	*ret_value = (uint64_t)json_integer_value(number);
	return true;
}

/* 1 to 16 hex digits, as the event ids carry the epoch. */
static bool read_hex(const json_t *text, uint64_t *ret_number)
{
	const char *at = json_string_value(text);
	uint64_t number = 0;

	if (!at || !*at || strlen(at) > 16)
		return false;
	for (; *at; at++) {
		const char *digit = strchr("0123456789abcdef", *at);
		if (!digit)
			return false;
		number = number * 16 + (uint64_t)(digit - "0123456789abcdef");
	}
	*ret_number = number;
	return true;
}

static bool read_rejected(const json_t *list, struct receive_receipt *out)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < RECEIVE_LIST_MAX; i++) {
		const json_t *item = json_array_get(list, i);
		const char *reason = json_string_value(json_object_get(item, "reason"));
		if (!read_count(json_object_get(item, "seq"), &out->rejected[i].seq))
			return false;
		strncpy(out->reasons[i], reason ? reason : "no reason given", RECEIVE_REASON_SIZE - 1);
		out->rejected[i].reason = out->reasons[i];
		out->receipt.n_rejected++;
	}
	return true;
}

static bool read_also(const json_t *list, struct receive_receipt *out)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n && i < RECEIVE_LIST_MAX; i++) {
		if (!read_count(json_array_get(list, i), &out->also[i]))
			return false;
		out->receipt.n_also++;
	}
	return true;
}

enum wy_err receive_receipt(const void *payload, size_t len, struct receive_receipt *ret_receipt)
{
	json_t *root = parse(payload, len);
	const json_t *data = json_object_get(root, "data");
	const json_t *through = json_object_get(data, "through");
	bool is_fine;

	memset(ret_receipt, 0, sizeof(*ret_receipt));
	ret_receipt->receipt.also = ret_receipt->also;
	ret_receipt->receipt.rejected = ret_receipt->rejected;
	ret_receipt->has_instance = json_object_get(data, "instance") != NULL;
	is_fine = root && read_hex(json_object_get(data, "epoch"), &ret_receipt->receipt.epoch) &&
		  (!ret_receipt->has_instance ||
		   read_hex(json_object_get(data, "instance"), &ret_receipt->instance)) &&
		  (!through || read_count(through, &ret_receipt->receipt.through)) &&
		  read_rejected(json_object_get(data, "rejected"), ret_receipt) &&
		  read_also(json_object_get(data, "also"), ret_receipt);
	json_decref(root);
	return is_fine ? WY_OK : WY_E_INVALID;
}

enum wy_err receive_work(const void *payload, size_t len, struct receive_work *ret_work)
{
	static const char prefix[] = "com.weiyu.work.";
	json_t *root = parse(payload, len);
	const json_t *data = json_object_get(root, "data");
	const char *type = json_string_value(json_object_get(root, "type"));
	const char *key = json_string_value(json_object_get(data, "ticket_key"));
	const char *state = json_string_value(json_object_get(data, "state"));
	uint64_t rev = 0;
	enum wy_err err = WY_E_INVALID;

	if (!root || !type || !key || !state || strlen(key) >= TICKET_KEY_SIZE ||
	    !read_count(json_object_get(data, "seq"), &rev) || rev > UINT32_MAX)
		goto out;
	err = WY_E_UNSUPPORTED;
	if (strncmp(type, prefix, strlen(prefix)) != 0 || !ticket_node_find(state, &ret_work->node))
		goto out;
	memset(ret_work->ticket_key, 0, sizeof(ret_work->ticket_key));
	memcpy(ret_work->ticket_key, key, strlen(key));
	ret_work->work_rev = (uint32_t)rev;
	err = WY_OK;
out:
	json_decref(root);
	return err;
}

/* ---- Commands ------------------------------------------------------------------------------------ */

static bool copy_text(const json_t *text, char *out, size_t size)
{
	const char *from = json_string_value(text);

	if (!from || !*from || strlen(from) >= size)
		return false;
	strcpy(out, from);
	return true;
}

static bool read_nothing(const json_t *data, struct receive_command *out)
{
	(void)data;
	(void)out;
	return true;
}

static bool read_range(const json_t *data, struct receive_command *out)
{
	return read_hex(json_object_get(data, "epoch"), &out->epoch) &&
	       read_count(json_object_get(data, "from"), &out->from) &&
	       read_count(json_object_get(data, "to"), &out->to) && out->from >= 1 && out->from <= out->to;
}

static bool read_identity(const json_t *data, struct receive_command *out)
{
	const json_t *instance = json_object_get(data, "instance");

	out->has_instance = instance != NULL;
	return read_hex(json_object_get(data, "epoch"), &out->epoch) &&
	       copy_text(json_object_get(data, "boot"), out->boot, sizeof(out->boot)) &&
	       (!instance || read_hex(instance, &out->instance));
}

static const struct {
	const char *type;
	bool (*read)(const json_t *data, struct receive_command *out);
} command_types[RECEIVE_COMMANDS] = {
	[RECEIVE_RESEND] = {"com.weiyu.cmd.resend.v1", read_range},
	[RECEIVE_REBIRTH] = {"com.weiyu.cmd.rebirth.v1", read_nothing},
	[RECEIVE_EPOCH_NEW] = {"com.weiyu.cmd.epoch_new.v1", read_identity},
};

/* The envelope: who, what, for whom, until when. */
static bool read_envelope(const json_t *root, struct receive_command *out)
{
	const json_t *subject = json_object_get(root, "subject");
	const json_t *expiry = json_object_get(root, "expirytime");

	return copy_text(json_object_get(root, "id"), out->id, sizeof(out->id)) &&
	       copy_text(json_object_get(root, "type"), out->type, sizeof(out->type)) &&
	       (!subject || copy_text(subject, out->subject, sizeof(out->subject))) &&
	       (!expiry || (json_typeof(expiry) == JSON_STRING && wy_stamp_read(json_string_value(expiry), &out->expiry_wall_ms)));
}

enum wy_err receive_command(const void *payload, size_t len, struct receive_command *ret_command)
{
	json_t *root = parse(payload, len);
	enum wy_err err = WY_E_INVALID;

	memset(ret_command, 0, sizeof(*ret_command));
	if (!root || !read_envelope(root, ret_command))
		goto out;
	err = WY_E_UNSUPPORTED;
	for (unsigned kind = 0; kind < RECEIVE_COMMANDS; kind++) {
		if (strcmp(ret_command->type, command_types[kind].type) != 0)
			continue;
		ret_command->kind = (enum receive_command_kind)kind;
		err = command_types[kind].read(json_object_get(root, "data"), ret_command) ? WY_OK : WY_E_STATE;
	}
out:
	json_decref(root);
	return err;
}
