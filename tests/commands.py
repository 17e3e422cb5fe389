"""Run the commands as a user would, inside the test's own process to save the imports."""

from __future__ import annotations

import sys
from typing import NamedTuple

import pytest

from dien_lightning.experiments import cli
from dien_lightning.experiments.command import run
from proofs import soak


class Finished(NamedTuple):
    code: int
    stdout: str
    stderr: str

    def done(self) -> Finished:
        """Itself, if the command ended well."""
        assert self.code == 0, self.stderr
        return self

    def refusal(self) -> str:
        """The one sentence that a command refused its input with."""
        assert self.code == 1
        assert "Traceback" not in self.stderr
        (sentence,) = [line for line in self.stderr.splitlines() if line.startswith("error: ")]
        return sentence


def _start(monkeypatch: pytest.MonkeyPatch, command: str, *arguments: object) -> None:
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__spec__", main.__spec__)  # the door changes it
    monkeypatch.setattr(sys, "argv", [command, *map(str, arguments)])
    if command == "soak":
        run(soak.main)
    else:
        cli.main(command)


def run_command(command: str, *arguments: object) -> None:
    """`dien COMMAND ARGUMENTS`, for fixtures that several tests share; SystemExit where it fails."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        _start(monkeypatch, command, *arguments)


def call(capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch, command: str, *arguments: object) -> Finished:
    """What the fixture `dien` does: exit code and what was printed."""
    capfd.readouterr()
    code = 0
    try:
        _start(monkeypatch, command, *arguments)
    except SystemExit as stop:
        code = int(stop.code or 0)
    return Finished(code, *capfd.readouterr())
