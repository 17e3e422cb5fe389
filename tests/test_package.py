"""The package as users import it: the names of design and README, and nothing that experiments need."""

from __future__ import annotations

import re
import subprocess
import sys

import dien_lightning

BLOCKED = ("hydra", "omegaconf", "wandb")


def test_imports_without_hydra_and_wandb():
    code = f"import sys; sys.modules.update(dict.fromkeys({BLOCKED!r})); import dien_lightning"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr


def test_every_public_name_is_there():
    assert all(hasattr(dien_lightning, name) for name in dien_lightning.__all__)


def test_has_a_semantic_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", dien_lightning.__version__)
