"""Same seed, same machine: the same bytes. That the loader's workers change nothing is in test_resume.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from commands import run_command
from experiments.test_train import TINY

FILES = ("metrics.csv", "network.safetensors", "rankings.json", "checkpoints/label_free.safetensors")


@pytest.fixture(scope="module")
def runs(drawn_pair, module_folder) -> dict[str, Path]:
    """Folders of trainings with dropout and random crops: two alike, one of another seed."""
    changes = {"once": (), "again": (), "another_seed": ("seed=1",)}
    for name, more in changes.items():
        arguments = (*TINY, *more, f"data_root={drawn_pair}", f"run_dir={module_folder / name}")
        run_command("train", *arguments)
        torch.rand(7)  # the state of torch's own generator is nobody's input
    return {name: module_folder / name for name in changes}


@pytest.mark.parametrize("file", FILES)
def test_the_same_bytes(file, runs):
    assert (runs["again"] / file).read_bytes() == (runs["once"] / file).read_bytes()


@pytest.mark.parametrize("file", FILES)
def test_another_seed_gives_others(file, runs):
    assert (runs["another_seed"] / file).read_bytes() != (runs["once"] / file).read_bytes()
