"""resume=true: a run that was killed, wherever it was, ends with the bytes of one that was left alone."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
import torch

from dien_lightning import DIENModule
from dien_lightning.experiments import train
from dien_lightning.experiments.results import Results
from proofs.kills import DAMAGES, MOMENTS, Death, cut_off, differing, left, refusals
from proofs.runs import Runs
from proofs.tiny import TINY

STEP = torch.optim.SGD


@pytest.fixture(scope="module")
def runs(drawn_pair, module_folder) -> Runs:
    return Runs(drawn_pair, module_folder)


@pytest.fixture
def name(request: pytest.FixtureRequest, runs) -> Iterator[str]:
    """The folder of this test's run, removed afterwards."""
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
    yield name
    shutil.rmtree(runs.folder / name, ignore_errors=True)


# An epoch has three steps and ends with a checkpoint: fsync of the draft, fsync and replace of metrics.csv, last.ckpt
# becomes previous.ckpt, the draft becomes last.ckpt. Before it, three networks and config.yaml are replaced.
@pytest.mark.parametrize(
    ("death", "every", "workers"),
    [
        pytest.param(Death(STEP, "step", 2, before=False), "null", (0, 0), id="in the first epoch"),
        pytest.param(Death(STEP, "step", 5, before=True), "1", (0, 2), id="in the second epoch"),
        pytest.param(Death(STEP, "step", 6, before=False), "2", (2, 0), id="after an epoch's last step"),
        pytest.param(Death(DIENModule, "on_validation_epoch_end", 2, before=True), "null", (0, 0), id="in validation"),
        pytest.param(Death(os, "fsync", 3, before=True), "null", (0, 0), id="writing a checkpoint"),
        pytest.param(
            Death(os, "fsync", 4, before=True), "null", (0, 0), id="writing metrics.csv", marks=pytest.mark.slow
        ),
        # One after every step: config.yaml, two renamings for the first checkpoint, then metrics.csv and last.ckpt.
        pytest.param(Death(os, "replace", 6, before=True), "1", (0, 0), id="between the two renamings"),
        pytest.param(Death(STEP, "step", 9, before=False), "1", (0, 0), id="after the last step"),
    ],
)
def test_killed_and_resumed_it_is_as_if_left_alone(runs, name, death, every, workers):
    settings = f"callbacks.checkpoint.every_n_train_steps={every}"
    assert runs.train(name, settings, f"data.num_workers={workers[0]}", death=death) == -signal.SIGKILL
    assert runs.resumed_as_undisturbed(name, settings, f"data.num_workers={workers[1]}")
    with (runs.folder / name / "metrics.csv").open() as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == list(range(9))


def test_the_number_of_loader_workers_changes_nothing(runs, name):
    assert runs.train(name, "data.num_workers=2") == 0, runs.said(name)
    assert differing(runs.folder / name, runs.expected) == []


def test_killed_while_it_is_evaluated(runs, name):
    assert runs.train(name, "data.num_workers=0", death=Death(Results, "write", 1, before=True)) == -signal.SIGKILL
    assert not (runs.folder / name / "results.json").exists()
    assert runs.resumed_as_undisturbed(name, "data.num_workers=0")


@pytest.mark.parametrize(
    ("damage", "share"),
    [(cut_off, 0.5), *(pytest.param(*how, marks=pytest.mark.slow) for how in product(DAMAGES, (0.0, 0.1, 0.9)))],
)
def test_a_damaged_checkpoint_is_refused_with_a_sentence_and_the_one_before_it_used(runs, name, damage, share):
    last = runs.copy(name) / "last.ckpt"
    last.write_bytes(damage(last.read_bytes(), share))
    assert runs.resumed_as_undisturbed(name, "data.num_workers=0")
    assert "the run goes on from the one before it" in runs.said(name)


def wandb_ids(run_dir: Path) -> list[str]:
    return sorted(path.name.rsplit("-", 1)[1] for path in (run_dir / "wandb").glob("offline-run-*"))


def test_the_run_keeps_its_id_at_wandb(runs, name, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    settings = ("data.num_workers=0", "logger=wandb", "trainer.max_epochs=1")
    assert runs.train(name, *settings, death=Death(STEP, "step", 2, before=True)) == -signal.SIGKILL, runs.said(name)
    (first,) = wandb_ids(runs.folder / name)
    assert runs.train(name, *settings, "resume=true") == 0, runs.said(name)
    assert set(wandb_ids(runs.folder / name)) == {first}


@pytest.mark.parametrize(
    ("number", "words"),
    [(signal.SIGINT, "Ctrl-C: a checkpoint follows"), pytest.param(signal.SIGTERM, "", marks=pytest.mark.slow)],
)
def test_ctrl_c_and_sigterm_end_cleanly_with_a_checkpoint(runs, name, number, words):
    death = Death(DIENModule, "training_step", 5, before=False, signal=number)
    assert runs.train(name, "data.num_workers=2", death=death) == 130, runs.said(name)
    said = runs.said(name)
    assert words in said
    assert "interrupted; what was written stays, resume=true goes on." in said
    assert "Traceback" not in said
    last = runs.folder / name / "checkpoints" / "last.ckpt"
    assert torch.load(last, weights_only=True)["global_step"] == 5
    assert runs.resumed_as_undisturbed(name, "data.num_workers=0")


# ---- disks ----


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, with room for two checkpoints and no third."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.getuid() or not mount(disk, "-t", "tmpfs", "-o", "size=70m", "disk"):
        pytest.skip("only root may mount a disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def mount(folder: Path, *arguments: str) -> bool:
    return subprocess.run(["mount", *arguments, folder], check=False, capture_output=True).returncode == 0


def test_a_full_disk_ends_in_a_sentence_and_what_was_written_stays(runs, name, disk):
    (runs.folder / name).symlink_to(disk)
    assert runs.train(name, "data.num_workers=0") == 1
    (sentence,) = refusals(runs.folder / f"{name}.log")
    assert re.search("cannot be written|can be written", sentence)
    assert "No space left on device" in sentence
    assert sentence.endswith("with resume=true.") or sentence.endswith("with resume=true).")
    assert (disk / "checkpoints" / "last.ckpt").exists()
    assert list(disk.rglob("*.part")) == []
    assert mount(disk, "-o", "remount,size=200m")
    assert runs.resumed_as_undisturbed(name, "data.num_workers=0")


def test_a_folder_that_cannot_be_written_to_is_refused_before_training(runs, name, disk):
    assert mount(disk, "-o", "remount,ro")
    for run_dir in (disk, disk / "new"):
        assert runs.train(name, "data.num_workers=0", f"run_dir={run_dir}") == 1
        (sentence,) = refusals(runs.folder / f"{name}.log")
        assert str(run_dir) in sentence
        assert "Read-only file system" in sentence


# ---- every moment, minutes long ----


@pytest.mark.slow
@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(("every", "workers"), [("null", 0), ("1", 2), ("2", 0)])
@pytest.mark.parametrize("nth", [2, 5])
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment[0].__name__}.{moment[1]}")
def test_killed_around_any_call(runs, name, moment, nth, every, workers, before):
    settings = (f"callbacks.checkpoint.every_n_train_steps={every}", f"data.num_workers={workers}")
    assert runs.train(name, *settings, death=Death(*moment, nth, before=before)) in (0, -signal.SIGKILL)
    assert runs.resumed_as_undisturbed(name, *settings)


@pytest.mark.slow
def test_two_processes_killed_and_resumed_are_as_if_left_alone(drawn_pair, tmp_path):
    settings = (*TINY, "trainer=ddp_cpu", "data.num_ids=2", f"data_root={drawn_pair}", "data.num_workers=0")
    folders = [tmp_path / name for name in ("killed", "undisturbed")]
    command = [sys.executable, Path(train.__file__), *settings]
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen([*command, f"run_dir={folders[0]}"], stdout=log, stderr=log)
        while not (folders[0] / "checkpoints" / "last.ckpt").exists():
            assert running.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        running.kill()  # the first process; the other one finds itself alone
        running.wait()
        for folder in folders:
            subprocess.run([*command, f"run_dir={folder}", "resume=true"], stdout=log, stderr=log, check=True)
    assert differing(folders[0], left(folders[1])) == []
