"""Purity and safety seen in the object code: what the libraries and the binary may ask for from outside."""
import os
import re
import subprocess

BUILD = os.environ["WY_BUILD"]
BIN = os.environ["WY_BIN"]

# What sanitizers and the compiler itself put in.
TOOLING = re.compile(r"^(__asan_|__ubsan_|__sanitizer_|_GLOBAL_OFFSET_TABLE_$|__stack_chk_fail$|__mem.*_chk$|"
                     r"__str.*_chk$|__odr_asan)")
PLAIN = {"memcpy", "memmove", "memset", "memcmp", "memchr", "strlen", "strcmp", "strncmp", "strchr", "strcspn", "strncpy",
         "strstr", "strrchr", "strcpy", "sqrt", "fabs", "floor", "ceil", "fmod"}


def undefined(archive):
    """Symbols the archive needs and does not itself define."""
    out = subprocess.run(["nm", "-P", archive], check=True, capture_output=True, text=True).stdout
    needed, defined = set(), set()
    for line in out.splitlines():
        parts = line.split()
        if len(parts) >= 2 and parts[1] in ("U", "w", "v"):
            needed.add(parts[0])
        elif len(parts) >= 2:
            defined.add(parts[0])
    return {s for s in needed - defined if not TOOLING.match(s)}


def archive(name):
    for root, _, files in os.walk(BUILD):
        if f"lib{name}.a" in files:
            return os.path.join(root, f"lib{name}.a")
    raise AssertionError(f"lib{name}.a was not built")


def test_base_asks_for_nothing_but_memory_and_text():
    assert undefined(archive("wy_base")) <= PLAIN


def test_rules_see_no_clock_file_heap_or_log():
    foreign = {s for s in undefined(archive("wy_rules")) if not s.startswith("wy_")}
    assert foreign <= PLAIN


def test_ticket_life_cycle_is_pure_but_for_sha256():
    foreign = {s for s in undefined(archive("wy_ticket")) if not s.startswith("wy_")}
    assert foreign <= PLAIN | {"mbedtls_sha256_ret", "mbedtls_sha256_init", "mbedtls_sha256_free",
                               "mbedtls_sha256_starts_ret", "mbedtls_sha256_update_ret",
                               "mbedtls_sha256_finish_ret"}


def test_outbox_is_pure():
    assert {s for s in undefined(archive("wy_outbox")) if not s.startswith("wy_")} <= PLAIN


def test_sensors_neither_read_clocks_nor_sleep_nor_exit():
    banned = {"clock_gettime", "gettimeofday", "time", "nanosleep", "clock_nanosleep", "sleep", "usleep", "exit",
              "_exit", "abort", "printf", "fprintf", "puts", "fputs", "syslog"}
    assert undefined(archive("wy_sensors")) & banned == set()


def test_the_binary_imports_only_reading_functions_of_libmodbus():
    out = subprocess.run(["nm", "-D", "--undefined-only", os.path.join(BIN, "weiyu")], check=True,
                         capture_output=True, text=True).stdout
    used = {line.split()[-1].split("@")[0] for line in out.splitlines()}
    modbus = {s for s in used if s.startswith("modbus_")}
    assert modbus, "the binary no longer uses libmodbus: this test looks in the wrong place"
    for symbol in modbus:
        assert "write" not in symbol, symbol
        assert not re.search(r"reply|mapping|listen|accept|server|report_slave", symbol), symbol


def test_libcoap_asks_our_clock_and_not_the_one_people_set():
    """Its time-outs would else be measured on the wall clock: gateway/loop/clock.c."""
    run = subprocess.run([os.path.join(BIN, "weiyu"), "version"], capture_output=True, text=True,
                         env={**os.environ, "LD_BIND_NOW": "1", "LD_DEBUG": "bindings"})
    bound = [line for line in run.stderr.splitlines() if "`coap_ticks'" in line and re.search(r"file \S*libcoap", line)]
    assert bound and all(re.search(r"to \S*/weiyu \[", line) for line in bound), bound
