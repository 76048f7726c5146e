# What was under way when a connection broke is taken for delivered some day. Found where connections break: the network.
s/^\t\tif \(slot->phase == OUTBOX_FLYING\) \{/\t\tif (slot->phase == OUTBOX_FREE) {/
