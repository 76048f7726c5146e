/* ask.c: see ask.h. */
#include "ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static enum wy_err err_of(int number)
{
	switch (number) {
	case ENOENT:
		return WY_E_NOTFOUND;
	case ECONNREFUSED:
		return WY_E_LINK;
	case EACCES:
	case EPERM:
		return WY_E_AUTH;
	case EAGAIN:
		return WY_E_TIMEOUT;
	default:
		return WY_E_IO;
	}
}

static enum wy_err send_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_of(errno);
		text += n;
		len -= (size_t)n;
	}
	return WY_OK;
}

static enum wy_err receive_all(int fd, char **ret_text)
{
	size_t size = 4096;
	size_t len = 0;
	char *text = malloc(size);

	for (;;) {
		if (text && len + 1 == size) {
			char *larger = realloc(text, size *= 2);
			if (!larger)
				free(text);
			text = larger;
		}
		if (!text)
			return WY_E_NOMEM;
		ssize_t n = recv(fd, text + len, size - len - 1, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && !(errno == ECONNRESET && len)) {
			enum wy_err err = err_of(errno);
			free(text);
			return err;
		}
		if (n <= 0)
			break; /* the end, or cut off after an answer */
		len += (size_t)n;
	}
	text[len] = '\0';
	*ret_text = text;
	return WY_OK;
}

/* Hears the answer also where the question could not be sent: who is turned away finds it there. */
static enum wy_err talk(int fd, const char *request, char **ret_answer)
{
	char *text = NULL;
	enum wy_err err = send_all(fd, request, strlen(request));

	if (!err)
		err = send_all(fd, "\n", 1);
	if (err && err != WY_E_IO)
		return err;
	enum wy_err heard = receive_all(fd, &text);
	if (!heard && text[0]) {
		*ret_answer = text;
		return WY_OK;
	}
	free(text);
	if (err)
		return err;
	return heard ? heard : WY_E_LINK;
}

enum wy_err ctl_ask(const char *path, const char *request, wy_ms patience_ms, char **ret_answer)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {patience_ms / 1000, (patience_ms % 1000) * 1000};
	enum wy_err err;

	if (strlen(path) >= sizeof(address.sun_path))
		return WY_E_LIMIT;
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return WY_E_IO;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		err = err_of(errno);
	else
		err = talk(fd, request, ret_answer);
	close(fd);
	return err;
}
