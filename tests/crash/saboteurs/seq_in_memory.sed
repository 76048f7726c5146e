# The number of an event is counted in memory, from what the store said at the start.
s/^\treturn next_number\(store, "seq", ret_seq\);/\tstatic uint64_t last;\n\tenum wy_err err = last ? WY_OK : store_last_seq(store, \&last);\n\n\t*ret_seq = ++last;\n\treturn err;/
