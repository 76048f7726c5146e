/* Stands before Paho in the desk's process and kills it the moment a receipt is to be published:
 * the transaction is committed, the receipt is not sent. */
#include <MQTTAsync.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

int MQTTAsync_sendMessage(MQTTAsync handle, const char *topic, const MQTTAsync_message *message,
			  MQTTAsync_responseOptions *response)
{
	(void)handle;
	(void)message;
	(void)response;
	if (strstr(topic, "/receipt"))
		kill(getpid(), SIGKILL);
	return MQTTASYNC_FAILURE;
}
