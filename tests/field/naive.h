/* naive.h: a Modbus reader as many are written: ask, take the next whole answer of that unit, function and length, and
 * on silence ask the next. It looks at no transaction number, drains nothing and doubts nothing. For the tests: what the
 * proof holds against it shows that the proof can tell. */
#ifndef FIELD_NAIVE_H
#define FIELD_NAIVE_H

#include "driver.h"

extern const struct sensor_driver naive_driver;

#endif
