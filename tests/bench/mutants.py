"""mutants.py [--only WORD] [--build DIR]: breaks the code of tickets, outbox, store and delivery by hand, and looks which test notices.

A copy of the tree is broken in one place, built, and tested; then the place is mended and the next one broken. Each line of
MUTANTS is one mistake somebody could make. A mutant that survives is a hole in the tests: the exit code is their number. A
place that is not found once is an error: the code has changed, and this list must. Without sanitizers, so that
wrong decisions are found by tests and not by accident. About half an hour on two cores.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
TICKET, OUTBOX, STORE = "gateway/ticket/ticket.c", "gateway/outbox/outbox.c", "gateway/store/"
STATES, RECEIPTS, KEEPING = "gateway/ticket/states.def", "gateway/delivery/receipts.c", "gateway/engine/keeping.c"
SQL = STORE + "statements.def"
TEST_S = 900

TESTS = {
    "gateway/ticket": ("ticket_life_model_test", "ticket_test"),
    "gateway/outbox": ("outbox_model_test", "outbox_test", "delivery_life_model_test"),
    "gateway/store": ("store_test", "delivery_life_model_test", "store_fault_test", "store_power", "engine_crash_test"),
    "gateway/delivery": ("delivery_life_model_test", "delivery_test"),
    "gateway/engine": ("engine_crash_test", "engine_nth_test", "engine_power"),
}

# (file, what stands there, what a mistake would make of it, in words)
MUTANTS = (
    (TICKET, "input->work_rev <= ticket->work_rev", "input->work_rev < ticket->work_rev", "work that comes twice counts twice"),
    (TICKET, "if (input->tier < ticket->tier) {", "if (input->tier != ticket->tier) {", "the tier falls"),
    (TICKET, "return a < b ? a : b;", "return a > b ? a : b;", "a rise gives more time"),
    (TICKET, "deadline->resolve = sooner(deadline->resolve, by->resolve);", "", "a rise forgets one deadline"),
    (TICKET, "\t\tticket->is_open = false;\n", "", "what is over stays open"),
    (TICKET, "bool is_joining = input->kind == TICKET_RAISE && input->tier >= ticket->tier_now;",
     "bool is_joining = false;", "the last of two rules decides, not the more severe"),
    (TICKET, "if (output->event == TICKET_QUIET && !was_disputed", "if (output->event == TICKET_QUIET",
     "a dispute is told with each word of the platform"),
    (STATES, "MOVE(LATCHED, RAISE, ACTIVE, REOPENED)", "MOVE(LATCHED, RAISE, ACTIVE, UPDATED)", "reopened is not said"),
    (STATES, "MOVE(UNKNOWN, CLEAR, OVER, CLEARED_EVENT)", "MOVE(UNKNOWN, CLEAR, OVER, CLOSED_EVENT)",
     "cleared by the sensor is told as closed by people"),
    (STATES, "MOVE(LATCHED, UNVERIFIED, LATCHED, QUIET)", "MOVE(LATCHED, UNVERIFIED, UNKNOWN, UPDATED)",
     "a latch is lost when the sensor is"),
    (STATES, "MOVE(OVER, NEWS, OVER, QUIET)", "MOVE(OVER, NEWS, OVER, UPDATED)", "an event after the end"),
    (OUTBOX, "slot->phase = OUTBOX_READY;\n\t\t\tslot->due_ms = now_ms;", "slot->phase = OUTBOX_FREE;",
     "what flew when the line broke is never sent again"),
    (OUTBOX, "slot->lane == lane && slot->sends == 0 &&", "slot->lane == lane && slot->sends == 99 &&",
     "a receipt frees what was never sent"),
    (OUTBOX, "slot->phase = is_with_client ? OUTBOX_DONE : OUTBOX_FREE;", "slot->phase = OUTBOX_FREE;",
     "a number flies twice"),
    (OUTBOX, "a->lane < b->lane", "a->lane > b->lane", "life safety waits for the backlog"),
    (OUTBOX, "(slot->phase == OUTBOX_READY || slot->phase == OUTBOX_ACKED) &&\n\t       slot->due_ms",
     "slot->phase == OUTBOX_READY &&\n\t       slot->due_ms", "acked and never receipted: never sent again"),
    (OUTBOX, "if (receipt->epoch != outbox->epoch) {", "if (receipt->epoch == 0) {", "receipts of another store count"),
    (OUTBOX, "\t\toutbox->cursor[lane] = 0;\n", "\t\t(void)lane;\n", "a verdict the store refused is not asked for again"),
    (OUTBOX, "#define LANE_SLOTS (WY_OUTBOX_WINDOW - OUTBOX_RESERVE)", "#define LANE_SLOTS WY_OUTBOX_WINDOW",
     "no slots are left to the other lane"),
    (SQL, "WHERE state = 0 AND is_s1 = ?1 AND seq <= ?2 ", "WHERE state = 0 AND (is_s1 = ?1 OR 1) AND seq <= ?2 ",
     "a receipt through one lane frees the other"),
    (SQL, "state = 0 AND is_s1 = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3", "state = 0 AND is_s1 = ?1 AND seq > ?2 + 1 ORDER "
     "BY seq LIMIT ?3", "the row after the cursor is passed over"),
    (SQL, "SET state = 2, done_wall = ?2, reason = ?3 WHERE seq = ?1 AND state = 0", "SET state = 2, done_wall = ?2, "
     "reason = ?3 WHERE seq = ?1 AND state = 3", "what the platform rejects is not parked"),
    (SQL, "last = max(last, excluded.last)", "last = min(last, excluded.last)", "episodes do not count on"),
    (STORE + "store_handle.c", "PRAGMA synchronous = FULL;", "PRAGMA synchronous = NORMAL;", "commits are not flushed"),
    (STORE + "store_sql.c", "if (!store->is_in_tx || store->is_failed ||", "if (!store->is_in_tx ||",
     "a transaction of which a write failed is committed"),
    (RECEIPTS, "\toutbox_rewind(&d->outbox);\n", "", "what the store did not keep is not asked for again"),
    (RECEIPTS, "if (d->receipt.receipt.epoch != d->outbox.epoch)\n\t\treturn \"for another epoch\";\n", "",
     "a foreign receipt is only refused below"),
    ("gateway/delivery/sending.c", "if (is_parked || err == WY_E_NOTFOUND)\n\t\treceipts_forget(d, seq);", "if (is_parked)\n"
     "\t\treceipts_forget(d, seq);", "a row that is gone keeps its slot"),
    (KEEPING, "\tenum wy_err err = keep_clock(engine);\n", "\tenum wy_err err = WY_OK;\n\t(void)keep_clock;\n",
     "the time of the last turn is not kept"),
    (KEEPING, "err = store_put_cell(engine->parts.store, cell.key, cell.bytes, cell.len);", "err = all ? store_put_cell(engine"
     "->parts.store, cell.key, cell.bytes, cell.len) : WY_OK;", "the memory of the rules is kept at a clean stop only"),
)


def broken(text, mutant):
    path, old, new, _ = mutant
    if text.count(old) != 1:
        raise SystemExit(f"{path}: '{old}' stands there {text.count(old)} times; this list must follow the code")
    return text.replace(old, new)


def run(command, timeout):
    try:
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=timeout,
                              check=False).returncode
    except subprocess.TimeoutExpired:
        return -1


def killer(tree, build, mutant):
    """The test that notices; None: none does."""
    path = os.path.join(tree, mutant[0])
    with open(path, encoding="utf-8") as file:
        whole = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(broken(whole, mutant))
    try:
        for test in TESTS["/".join(mutant[0].split("/")[:2])]:
            if run(["ninja", "-C", build, test], 1800):
                return "the compiler"
            code = run([os.path.join(build, "bin", test)], TEST_S)
            if code:
                return test + (" (never ends)" if code == -1 else "")
        return None
    finally:
        with open(path, "w", encoding="utf-8") as file:
            file.write(whole)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="mutants with this word in their file or description")
    parser.add_argument("--build", help="a directory that stays, to go on with")
    options = parser.parse_args()
    scratch = options.build or tempfile.mkdtemp(prefix="weiyu-mutants-")
    tree, build = os.path.join(scratch, "tree"), os.path.join(scratch, "build")
    survived = 0
    try:
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(SOURCE, tree, ignore=shutil.ignore_patterns("build", ".git"), copy_function=shutil.copy2)
        subprocess.run(["cmake", "-S", tree, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo"], check=True,
                       stdout=subprocess.DEVNULL)
        chosen = [m for m in MUTANTS if options.only in m[0] or options.only in m[3]]
        for test in sorted({test for tests in TESTS.values() for test in tests}):
            if run(["ninja", "-C", build, test], 1800) or run([os.path.join(build, "bin", test)], TEST_S):
                raise SystemExit(f"{test} fails on the code as it is")
        for mutant in chosen:
            found = killer(tree, build, mutant)
            survived += found is None
            print(f"{found or 'SURVIVED':26} {os.path.basename(mutant[0])}: {mutant[3]}", flush=True)
        print(f"{len(chosen) - survived} of {len(chosen)} were noticed")
    finally:
        if not options.build:
            shutil.rmtree(scratch)
    return survived


if __name__ == "__main__":
    sys.exit(main())
