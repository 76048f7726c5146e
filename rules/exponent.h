/* exponent.h: e to the x out of + - * / only, so that every machine gets the same bits. */
#ifndef RX_EXPONENT_H
#define RX_EXPONENT_H

/* Within 2 units in the last place of the true value wherever the result is a normal double. Below -745 it
 * is 0, above 709 it is infinite; of no number it is no number. */
double rx_exp(double x);

#endif
