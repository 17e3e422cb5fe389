"""Trainings as processes of their own: their output on this terminal, their sentence on failure."""

from __future__ import annotations

import os
import subprocess
import sys

from dien_lightning.experiments.keys import CONFIG_DIR


def train(*arguments: str, **environment: str) -> int:
    """Run `dien train ARGUMENTS` here and wait for it.

    Args:
        arguments: its command line.
        environment: variables it gets beside ours.

    Returns:
        Its exit code, not 0 if it failed; it has said why on stderr.

    Raises:
        OSError: a signal ended it, so it could say nothing.
    """
    own = os.environ.get(CONFIG_DIR)
    command = [sys.executable, "-m", "dien_lightning.experiments.train", *(["--config-dir", own] if own else [])]
    code = subprocess.run([*command, *arguments], check=False, env={**os.environ, **environment}).returncode
    if code < 0:
        raise OSError(f"the training was ended by signal {-code}; the same command goes on with it.")
    return code
