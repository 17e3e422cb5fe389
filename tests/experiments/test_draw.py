"""`dien draw` as a user would run it."""

from __future__ import annotations

import subprocess
import sys

import pytest

SMALL = ["num_train_ids=2", "num_test_ids=1", "num_cameras=2", "images_per_camera=2", "height=64", "width=32"]


@pytest.fixture
def draw(dien, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: dien("draw", *SMALL, "workers=1", *arguments)


def test_both_domains(draw):
    assert draw().stdout.split() == ["data/pedestrians_day", "data/pedestrians_night"]


def test_one_domain_in_a_folder_called_by_a_number(draw, tmp_path):
    draw("root=0042", "domain=night")
    assert [path.name for path in (tmp_path / "0042").iterdir()] == ["pedestrians_night"]


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
from dien_lightning.experiments.cli import main
main("draw")
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_told_with_the_folder(workers, tmp_path):
    pytest.importorskip("resource")  # not on Windows
    words = [*SMALL, "domain=day", f"workers={workers}", f"root={tmp_path / 'data'}"]
    done = subprocess.run([sys.executable, "-c", LIMITED, *words], capture_output=True, text=True, check=False)
    told = f"error: {tmp_path / 'data'}/pedestrians_day cannot be written (File too large); nothing of it stays."
    assert told in done.stderr
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert not any((tmp_path / "data").iterdir())


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("ids=3", "'ids' is not an option. There are root, domain"),
        ("seed=abc", "seed='abc' must be a whole number"),
        ("workers=many", "workers='many' must be a whole number"),
        ("num_cameras=1", "num_cameras=1 must be a whole number of at least 2"),
        ("domain=dusk", "domain='dusk' is not allowed"),
    ],
)
def test_what_is_wrong_ends_in_one_sentence(draw, tmp_path, argument, words):
    done = draw(argument)
    assert done.code == 1
    assert done.stderr.startswith(f"error: {words}")
    assert done.stderr.count("\n") == 1
    assert not any(tmp_path.iterdir())
