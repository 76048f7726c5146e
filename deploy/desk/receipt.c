/* receipt.c: messages of the desk in JSON. */
#include "receipt.h"

#include "when.h"

char *receipt_envelope(const char *id, const char *type, wy_ms now_ms, json_t *data)
{
	char at[WHEN_TEXT_SIZE];
	json_t *envelope;
	char *text;

	when_write(now_ms, at);
	envelope = json_pack("{ss ss ss ss ss ss so}", "specversion", "1.0", "id", id, "source",
			     "/weiyu-desk", "type", type, "time", at, "datacontenttype",
			     "application/json", "data", data);
	text = envelope ? json_dumps(envelope, JSON_COMPACT) : NULL;
	json_decref(envelope);
	return text;
}

char *receipt_text(const struct store_receipt *receipt, const char *id, wy_ms now_ms)
{
	json_t *rejected = json_array();

	for (size_t i = 0; i < receipt->n_rejected; i++)
		if (json_array_append_new(rejected,
					  json_pack("{sI ss}", "seq",
						    (json_int_t)receipt->rejected[i].seq, "reason",
						    receipt->rejected[i].reason)) != 0) {
			json_decref(rejected);
			return NULL;
		}
	json_t *also = json_array();
	for (size_t i = 0; i < receipt->n_also; i++)
		if (json_array_append_new(also, json_integer((json_int_t)receipt->also[i])) != 0) {
			json_decref(rejected);
			json_decref(also);
			return NULL;
		}
	json_t *data = json_pack("{ss sI so so}", "epoch", receipt->epoch, "through", (json_int_t)receipt->through, "also",
				 also, "rejected", rejected);
	if (data && receipt->instance[0] && json_object_set_new(data, "instance", json_string(receipt->instance)) != 0) {
		json_decref(data);
		return NULL;
	}
	return receipt_envelope(id, "com.weiyu.receipt.v1", now_ms, data);
}
