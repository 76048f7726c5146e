"""Every kind of document the gateway writes is what docs/schemas/ promises, and a spoilt one is not."""
import copy
import json
import os
import pathlib
import subprocess

import jsonschema
import pytest

SOURCE = pathlib.Path(os.environ["WY_SOURCE"])
PROGRAM = pathlib.Path(os.environ["WY_BIN"]) / "ticket_samples"


def schema(name):
    loaded = json.loads((SOURCE / "docs/schemas" / name).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(loaded)
    return jsonschema.Draft202012Validator(loaded)


@pytest.fixture(scope="module")
def documents():
    out = subprocess.run([PROGRAM], check=True, capture_output=True, timeout=60).stdout
    return [json.loads(line) for line in out.decode("utf-8").splitlines()]


def tickets(documents):
    return [d for d in documents if ".ticket." in d["type"] and ".gap." not in d["type"]]


def test_every_ticket_event_fits_the_schema(documents):
    found = tickets(documents)
    assert {d["type"].split(".")[3] for d in found} == {"opened", "updated", "reopened", "cleared", "closed"}
    for document in found:
        schema("ticket.schema.json").validate(document)


def test_a_gap_record_fits_its_schema_and_a_spoilt_one_does_not(documents):
    (record,) = [d for d in documents if ".gap." in d["type"]]
    schema("gap.schema.json").validate(record)
    assert sum(last - first + 1 for first, last in record["data"]["ranges"]) == record["data"]["events"]
    assert record["data"]["ranges"][0][0] == record["data"]["gateway_seq"]
    for field in ("ranges", "events", "by_tier", "from"):
        spoilt = copy.deepcopy(record)
        del spoilt["data"][field]
        assert not schema("gap.schema.json").is_valid(spoilt)


def test_birth_and_death_fit_the_schema(documents):
    found = [d for d in documents if ".state." in d["type"]]
    assert len(found) == 2
    for document in found:
        schema("state.schema.json").validate(document)


@pytest.mark.parametrize("field", ["ticket_key", "rev", "location", "evidence", "deadline_ack", "sop_steps"])
def test_a_ticket_without_a_field_does_not_fit(documents, field):
    spoilt = copy.deepcopy(tickets(documents)[0])
    del spoilt["data"][field]
    assert not schema("ticket.schema.json").is_valid(spoilt)


def test_a_value_of_bad_quality_does_not_fit(documents):
    spoilt = copy.deepcopy(tickets(documents)[0])
    spoilt["data"]["evidence"]["samples"][3]["v"] = 0
    assert not schema("ticket.schema.json").is_valid(spoilt)


def test_the_example_in_the_contract_is_a_real_document(documents):
    text = (SOURCE / "docs/mqtt-contract.md").read_text(encoding="utf-8")
    example = json.loads(text.split("<!-- example: opened -->\n```json\n")[1].split("```")[0])
    assert example == tickets(documents)[0]


def test_the_contract_names_every_field_of_a_document(documents):
    text = (SOURCE / "docs/mqtt-contract.md").read_text(encoding="utf-8")
    missing = [key for key in tickets(documents)[0]["data"] if f"`{key}`" not in text]
    assert missing == []


def test_the_life_cycle_calls_nothing_but_memory_text_and_sha256():
    out = subprocess.run(["nm", "-u", os.environ["WY_TICKET_LIB"]], check=True, capture_output=True, text=True)
    used = {line.split()[-1] for line in out.stdout.splitlines() if " U " in line}
    allowed = {"memcpy", "memset", "memcmp", "strlen", "strcmp", "mbedtls_sha256", "mbedtls_sha256_ret",
               "_GLOBAL_OFFSET_TABLE_"}
    prefixes = ("wy_", "ticket_", "__asan", "__ubsan", "__stack_chk", "__sanitizer", "__memcpy_chk", "__memset_chk")
    assert {name for name in used if name not in allowed and not name.startswith(prefixes)} == set()
    assert used & {"mbedtls_sha256", "mbedtls_sha256_ret"}
