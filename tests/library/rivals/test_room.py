"""The room of rivals: each does without the others; that the library does without all, test_package.py shows."""

from __future__ import annotations

import re
from pathlib import Path

import dien_lightning

ROOM = Path(dien_lightning.__file__).parent / "rivals"


def test_no_file_of_it_imports_another_rivals():
    for file in ROOM.rglob("*.py"):
        rival = file.relative_to(ROOM).parts[0]
        others = re.findall(r"dien_lightning\.rivals\.(\w+)", file.read_text())
        assert set(others) <= {rival}, file
