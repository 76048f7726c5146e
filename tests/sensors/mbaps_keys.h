/* mbaps_keys.h: throw-away certificates and keys for the tests of Modbus/TCP Security, the wrong ones too. */
#ifndef SENSORS_TEST_MBAPS_KEYS_H
#define SENSORS_TEST_MBAPS_KEYS_H

/* FOLDER/NAME.crt and FOLDER/NAME.key for each row of the table. What cannot be made ends the process. */
void mbaps_keys_make(const char *folder);

#endif
