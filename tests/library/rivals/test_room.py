"""The room of rivals: the library does without it, and each rival without the others."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import dien_lightning

ROOM = Path(dien_lightning.__file__).parent / "rivals"


def test_no_other_room_loads_it():
    code = """
import importlib, sys
rooms = "calibration", "clustering", "data", "losses", "network", "pedestrians", "retrieval", "training"
for room in rooms:
    importlib.import_module(f"dien_lightning.{room}")
assert not [name for name in sys.modules if name.startswith("dien_lightning.rivals")]
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_no_file_of_it_imports_another_rivals():
    for file in ROOM.rglob("*.py"):
        rival = file.relative_to(ROOM).parts[0]
        others = re.findall(r"dien_lightning\.rivals\.(\w+)", file.read_text())
        assert set(others) <= {rival}, file
