"""Trainings and other commands as processes of their own: output on this terminal, their sentence on failure."""

from __future__ import annotations

import os
import subprocess
import sys

from dien_lightning.experiments.keys import CONFIG_DIR


def train(*arguments: str, **environment: str) -> int:
    """`run` a training."""
    return run("train", *arguments, **environment)


def run(command: str, *arguments: str, **environment: str) -> int:
    """Run `dien COMMAND ARGUMENTS` here and wait for it.

    Args:
        command: one that Hydra runs.
        arguments: its command line.
        environment: variables it gets beside ours.

    Returns:
        Its exit code, not 0 if it failed; it has said why on stderr.

    Raises:
        OSError: a signal ended it, so it could say nothing.
    """
    own = os.environ.get(CONFIG_DIR)
    words = [sys.executable, "-m", f"dien_lightning.experiments.{command}", *(["--config-dir", own] if own else [])]
    code = subprocess.run([*words, *arguments], check=False, env={**os.environ, **environment}).returncode
    if code < 0:
        raise OSError(f"dien {command} was ended by signal {-code}; the same command goes on with it.")
    return code
