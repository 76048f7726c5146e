/* wrong_files.h: runs deliberately wrong files and compares what is said with what each file
 * expects.
 *
 * A file begins with one comment per message: `# expect: 7:12 E301 did you mean 'lift'`: line,
 * column, code, and words the message must contain. Nothing else may be said. The file takes the
 * place of the one of its kind in building/. */
#ifndef WRONG_FILES_H
#define WRONG_FILES_H

#include "config.h"

/* compile: NULL, or config_compile(). Returns the number of files run; fails the test on a
 * difference. */
unsigned wrong_files_run(const char *dir,
			 enum wy_err (*compile)(const struct config *config, struct wy_arena *arena,
						struct wy_diags *diags, struct rule_set **ret));

#endif
