/* replay_data.c: see replay_data.h. */
#include "replay_data.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "recording.h"

static bool say(const char *what, const char *why)
{
	fprintf(stderr, "weiyu replay: %s: %s\n", what, why);
	return false;
}

static bool add(struct replay_data *data, const char *path, bool is_recording)
{
	struct stat info;

	if (data->n && data->is_recording != is_recording)
		return say(path, "tables and recordings cannot be played together");
	const char **more = realloc(data->paths, (data->n + 1) * sizeof(*more));
	if (!more)
		return say(path, "out of memory");
	data->paths = more;
	data->paths[data->n++] = path;
	data->is_recording = is_recording;
	data->bytes += stat(path, &info) == 0 ? (uint64_t)info.st_size : 0;
	return true;
}

static bool add_directory(struct replay_data *data, const char *path)
{
	struct record_file_list *more = realloc(data->lists, (data->n_lists + 1) * sizeof(*more));

	if (!more)
		return say(path, "out of memory");
	data->lists = more;
	struct record_file_list *list = &data->lists[data->n_lists];
	if (record_list_files(path, list))
		return say(path, strerror(errno));
	data->n_lists++;
	if (!list->n)
		return say(path, "no recording in this directory (files named *" RECORD_FILE_SUFFIX ")");
	for (size_t i = 0; i < list->n; i++)
		if (!add(data, list->item[i].path, true))
			return false;
	return true;
}

static bool add_word(struct replay_data *data, const char *path)
{
	struct stat info;

	if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
		return add_directory(data, path);
	return add(data, path, recording_is(path));
}

/* The directory of the gateway file, as a word that lives on. */
static bool add_own(struct replay_data *data, const struct replay_options *options)
{
	struct cli_load *load = cli_load_new();
	struct config *config = NULL;
	bool is_fine = false;

	if (options->classes.n)
		say("nothing to play", "name tables of readings, or a directory with a recording");
	else if (load && config_load(options->config, &load->arena, &load->diags, &config) == WY_OK)
		is_fine = add_directory(data, config->record.directory);
	else if (load)
		cli_say(&load->diags);
	cli_load_free(load);
	return is_fine;
}

bool replay_data_find(const struct replay_options *options, struct replay_data *ret)
{
	struct replay_data data = {0};
	bool is_fine = options->words.n || add_own(&data, options);

	for (size_t i = 0; is_fine && i < options->words.n; i++)
		is_fine = add_word(&data, options->words.item[i]);
	if (!is_fine)
		replay_data_release(&data);
	*ret = data;
	return is_fine;
}

void replay_data_release(struct replay_data *data)
{
	for (size_t i = 0; i < data->n_lists; i++)
		record_list_release(&data->lists[i]);
	free(data->lists);
	free(data->paths);
	memset(data, 0, sizeof(*data));
}
