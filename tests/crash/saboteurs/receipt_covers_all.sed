# A receipt takes everything of its lane off, also what was decided meanwhile and never sent.
s/^(\tstore_bind_int\(&binder, )\(int64_t\)through\);/\1INT64_MAX);/
