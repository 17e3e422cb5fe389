"""Run the commands of scripts/ as a user would, inside the test's own process to save the imports."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NamedTuple

import pytest

from command import run


class Finished(NamedTuple):
    code: int
    stdout: str
    stderr: str


def run_command(script: str, *arguments: object) -> None:
    """`python scripts/SCRIPT.py ARGUMENTS`, for fixtures that several tests share; SystemExit where it fails."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "argv", [f"scripts/{script}.py", *map(str, arguments)])
        run(import_module(script).main)


def call(capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, script: str, *arguments: object) -> Finished:
    """`python scripts/SCRIPT.py ARGUMENTS`: exit code and what was printed."""
    monkeypatch.setattr(sys, "argv", [f"scripts/{script}.py", *map(str, arguments)])
    capfd.readouterr()
    code = 0
    try:
        run(import_module(script).main)
    except SystemExit as stop:
        code = int(stop.code or 0)
    return Finished(code, *capfd.readouterr())
