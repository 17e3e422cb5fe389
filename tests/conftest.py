"""What all tests share: one thread, what hypothesis draws, and a pair of domains to train on in seconds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch; commands and their processes ask it, too

import pytorch_lightning  # noqa: F401 - before pytest takes over logging, as any command does
import torch

from proofs.tiny import draw_tiny_pair

if TYPE_CHECKING:
    from commands import Finished

torch.set_num_threads(1)
settings.register_profile("tests", deadline=None, derandomize=True)  # busy cores, and the same examples every time
settings.load_profile("tests")


@pytest.fixture(scope="session")
def drawn_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with pedestrians_day and pedestrians_night: 6 + 4 identities, 2 cameras, 2 images for each."""
    return draw_tiny_pair(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def module_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for what the tests of a module share. It goes with the module: trained runs take gigabytes."""
    folder = tmp_path_factory.mktemp(request.module.__name__.rpartition(".")[2])
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def dien(capfd: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Finished]:
    """`dien COMMAND ARGUMENTS` as a user calls it, or `make soak`: `dien("train", "seed=1")`."""
    from commands import call  # it imports every command, and few tests run one

    return partial(call, capfd, monkeypatch)
