/* replay_data.h: what is played: tables of readings, or files the gateway recorded. */
#ifndef REPLAY_DATA_H
#define REPLAY_DATA_H

#include "record_disk.h"
#include "replay_options.h"

struct replay_data {
	bool is_recording;
	const char **paths; /* owned; what they point to is borrowed, or in lists */
	size_t n;
	uint64_t bytes; /* of all */
	struct record_file_list *lists; /* owned */
	size_t n_lists;
};

/* A directory stands for the recording in it; without any word it is that of the gateway file. False: said to
 * stderr. */
bool replay_data_find(const struct replay_options *options, struct replay_data *ret_data);
void replay_data_release(struct replay_data *data);

#endif
