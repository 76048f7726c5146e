/* register_list.h: a vendor's register list, as a CSV file, into rows of cells for profile_import(). */
#ifndef REGISTER_LIST_H
#define REGISTER_LIST_H

#include "diag.h"
#include "profile_import.h"

/* UTF-8, or GB 18030 as spreadsheets in China write it. The separator is the one most frequent in the file of , ; and tab;
 * cells in quotes may hold it, line ends, and quotes doubled. Rows and texts are in the arena of the diags. WY_E_IO,
 * WY_E_INVALID, WY_E_LIMIT (WY_FILE_BYTES_MAX), WY_E_NOMEM: said in diags but for the last. */
WY_MUST_CHECK enum wy_err register_list_read(const char *path, struct wy_diags *diags, struct list_row **ret_rows,
					     size_t *ret_n);

#endif
