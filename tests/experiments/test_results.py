"""Each record in results/ is of the run that its command makes today."""

from __future__ import annotations

import json
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dien_lightning.experiments.config import compose_config
from dien_lightning.experiments.keys import CONF
from dien_lightning.experiments.provenance import settings_of
from dien_lightning.experiments.settings import difference

RESULTS = CONF.parent / "results"
RECORDS = sorted(path for path in RESULTS.glob("*/**/*.json") if "settings" in json.loads(path.read_text()))


@cache
def composed(overrides: tuple[str, ...]) -> dict[str, Any]:
    return settings_of(compose_config(overrides))


def folder_of(path: Path) -> str:
    return str(path.parent.relative_to(RESULTS))


@pytest.mark.parametrize("folder", sorted({folder_of(path) for path in RECORDS}))
def test_every_command_makes_the_run_of_its_record(folder):
    for path in RECORDS:
        if folder_of(path) != folder:
            continue
        record = json.loads(path.read_text())
        words = shlex.split(record["command"])
        assert words[:2] == ["python", "scripts/train.py"], path
        # The seed changes nothing else, and a configuration takes its time.
        overrides = tuple(word for word in words[2:] if word != "-m" and not word.startswith(("run_dir=", "seed=")))
        settings = record["settings"]
        settings["data"]["seed"] = 0
        settings["network"].setdefault("attention_stride", 1)  # what it was before there was a choice
        assert not difference(settings, composed(overrides)), path
