# What the broker has acknowledged leaves the outbox.
s/^(\t+)\(void\)!outbox_sent\(&d->outbox, token, OUTBOX_TAKEN, now_ms\(d\)\);/&\n\1(void)!store_begin(d->parts.store);\n\1(void)!store_receipt_one(d->parts.store, token, clock_wall());\n\1(void)!store_commit(d->parts.store);\n\1forget(d, token);/
