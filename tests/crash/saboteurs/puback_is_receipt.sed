# What the broker has acknowledged leaves the outbox, whatever grade is set.
s/^\treturn d->parts.config->uplink.grade == CONFIG_GRADE_PUBACK;/\treturn d->parts.config != NULL;/
