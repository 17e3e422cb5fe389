"""Run the commands of scripts/ as a user would, inside the test's own process to save the imports."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NamedTuple

import pytest

from dien_lightning.experiments.command import run

_MODULES = {
    "check_data": "dien_lightning.experiments.check",
    "make_pedestrians": "dien_lightning.experiments.draw",
    "soak": "proofs.soak",
}


def _module(script: str):
    return import_module(_MODULES.get(script, f"dien_lightning.experiments.{script}"))


class Finished(NamedTuple):
    code: int
    stdout: str
    stderr: str


def run_command(script: str, *arguments: object) -> None:
    """`python scripts/SCRIPT.py ARGUMENTS`, for fixtures that several tests share; SystemExit where it fails."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "argv", [f"scripts/{script}.py", *map(str, arguments)])
        run(_module(script).main)


def call(capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, script: str, *arguments: object) -> Finished:
    """`python scripts/SCRIPT.py ARGUMENTS`: exit code and what was printed."""
    monkeypatch.setattr(sys, "argv", [f"scripts/{script}.py", *map(str, arguments)])
    capfd.readouterr()
    code = 0
    try:
        run(_module(script).main)
    except SystemExit as stop:
        code = int(stop.code or 0)
    return Finished(code, *capfd.readouterr())
