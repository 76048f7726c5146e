/* stepping.h: a driver's field, stepped by the test itself on the real clock. */
#ifndef SENSORS_TEST_STEPPING_H
#define SENSORS_TEST_STEPPING_H

#include "driver.h"

wy_ms stepping_now(void); /* boottime, milliseconds */

/* Step until *counter has moved, waiting as the driver says; skew_ms is added to the clock. false: most_ms are over. */
bool stepping_until_moved(const struct sensor_driver *driver, void *field, const unsigned *counter, wy_ms skew_ms,
			  wy_ms most_ms);

#endif
