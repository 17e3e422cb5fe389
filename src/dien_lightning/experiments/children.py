"""Trainings and other commands as processes of their own: output on this terminal, their sentence on failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from dien_lightning.experiments.keys import CONFIG_DIR
from dien_lightning.training.interrupt import under_slurm


def run(command: str, *arguments: str, **environment: str) -> int:
    """Run `dien COMMAND ARGUMENTS` and wait until it ends.

    It is waited for even after Ctrl-C or SIGTERM, so that it can write its checkpoint.

    Args:
        command: one that Hydra runs.
        arguments: its command line.
        environment: variables it gets beside ours.

    Returns:
        Its exit code, not 0 if it failed; it has said why on stderr.

    Raises:
        KeyboardInterrupt: when it has ended, if one of these came meanwhile.
        OSError: a signal ended it, so it could say nothing.
    """
    own = os.environ.get(CONFIG_DIR)
    words = [sys.executable, "-m", f"dien_lightning.experiments.{command}", *(["--config-dir", own] if own else [])]
    code = _wait(subprocess.Popen([*words, *arguments], env={**os.environ, **environment}))
    if code < 0:
        raise OSError(f"dien {command} was ended by signal {-code}; the same command goes on with it.")
    return code


def _wait(child: subprocess.Popen[bytes]) -> int:
    """The child's exit code. Whoever wants this process to end wants the child to: it is told by SIGTERM.

    A terminal's Ctrl-C has reached it before; a second SIGINT would end it without a checkpoint. Under SLURM SIGUSR1
    asks for the same.
    """
    signals = (signal.SIGINT, signal.SIGTERM, *([signal.SIGUSR1] if under_slurm() else []))
    came = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        came.append(number)
        child.send_signal(signal.SIGTERM)

    before = {number: signal.signal(number, pass_on) for number in signals}
    try:
        code = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt
    return code
