"""What the tests of tests/gateway/run and the nemesis have, here too."""
import importlib.util
import os
import re
import sys

_path = os.path.join(os.environ["WY_SOURCE"], "tests/gateway/run/conftest.py")
_spec = importlib.util.spec_from_file_location("whole_path", _path)
whole_path = importlib.util.module_from_spec(_spec)
sys.modules["whole_path"] = whole_path
_spec.loader.exec_module(whole_path)

building, desk, waiting = whole_path.building, whole_path.desk, whole_path.waiting

sys.path.insert(0, os.path.join(os.environ["WY_SOURCE"], "tests/crash"))

import nemesis  # noqa: E402


def make_quick(building):
    """Faults come and go within seconds, and what no receipt covers is sent again soon. Silence is no fault here that a busy
    machine could bring about."""
    nemesis.make_quick(building)
    with open(building.path("site.yaml"), encoding="utf-8") as file:
        text = file.read()
    with open(building.path("site.yaml"), "w", encoding="utf-8") as file:
        file.write(re.sub(r"name: (panel_silent|device_silent), value: \d+s", r"name: \1, value: 60s", text))
    with open(building.path("gateway.yaml"), encoding="utf-8") as file:
        text = file.read()
    with open(building.path("gateway.yaml"), "w", encoding="utf-8") as file:
        file.write(re.sub(r"receipt_wait: \w+", "receipt_wait: 1s", text))
