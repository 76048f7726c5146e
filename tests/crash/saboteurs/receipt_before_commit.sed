# The desk says that it has what it is about to commit; Paho gets a moment to send it. Found where it dies in between.
s/^#include <string.h>/&\n#include <unistd.h>/
s/^static bool has_receipt\(/static void send_receipt(struct worker *worker, const struct store_receipt *receipt);\n\n&/
s/^\t\terr = store_commit\(&worker->store\);/\t\tfor (size_t i = 0; i < batch->n_receipts; i++)\n\t\t\tsend_receipt(worker, \&batch->receipt[i]);\n\t\tusleep(20000);\n&/
